"""The embedded broker: a kombu transport on one SQLite file."""

from ebats.runner.broker.sqlite.transport import Transport

__all__ = ["Transport"]
