"""Tests of the way from a file to the plan."""
