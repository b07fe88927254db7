"""A record that was found, with the JSON that it was found as."""

from typing import Literal

import msgspec

from ebats.runner.execution.record import Record

Form = Literal["json", "ecs"]


class Found(msgspec.Struct, frozen=True):
    """A record, and how it is kept."""

    record: Record
    json: bytes
    form: Form
    #: Where it is kept in several places, or asked for twice: what it is known by.
    id: str = ""
