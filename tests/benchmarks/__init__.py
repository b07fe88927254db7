"""Measurements, run on request."""
