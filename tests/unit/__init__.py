"""Tests that mirror the modules: no broker, no process."""
