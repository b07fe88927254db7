"""Alerts: from what the runner knows to messages for people."""
