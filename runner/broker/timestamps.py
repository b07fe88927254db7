"""Lets py-amqp read times that no calendar has, such as milliseconds where AMQP counts seconds.

Anybody may put one into a header. py-amqp raises in the middle of reading, for every message on the
connection; here such a time is the plain number that was sent.
"""

from datetime import datetime, tzinfo
from typing import Any

from amqp import serialization


class _Number(int):
    """A time that is none; py-amqp drops the zone of whatever `fromtimestamp` returns."""

    def replace(self, **_ignored: object) -> int:
        return int(self)


class _IsDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class _Datetime(metaclass=_IsDatetime):
    """What py-amqp uses of `datetime`."""

    @staticmethod
    def fromtimestamp(seconds: int, tz: tzinfo) -> Any:
        try:
            return datetime.fromtimestamp(seconds, tz)
        except (ValueError, OverflowError, OSError):
            return _Number(seconds)


def accept_all() -> None:
    """Make py-amqp accept them, in this process."""
    serialization.datetime = _Datetime
