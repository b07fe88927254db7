"""Tests of what runs a message, without a broker."""
