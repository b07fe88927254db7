"""The faults that must lose nothing, each caused for real: a row each in docs/reliability.md."""
