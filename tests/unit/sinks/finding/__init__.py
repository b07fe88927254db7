"""Tests of finding records again."""
