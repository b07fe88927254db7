"""Tests of the command on real files."""
