"""A notice: one message for people about one alert, as a value. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from ebats.pipelines.alerts import Severity

#: What has happened to the alert: it began, it goes on, nobody acknowledged it, it has ended; or there is
#: none: the day's counts, a trial of a channel.
State = Literal["open", "repeated", "escalated", "over", "digest", "test"]


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel is to say; times are UTC."""

    #: Of the alert: the same in everything that is said about it, and what `ebats alerts ack` takes. One that
    #: was sent, was not confirmed, and is sent again, has the same `id` and `time`.
    id: str
    state: State
    severity: Severity
    pipeline: str
    #: The machine of the runner that says it.
    host: str
    environment: str | None = None
    #: The name of the rule; None: digest and test.
    rule: str | None = None
    #: What it is about: tasks, queues, processes, sinks; none: the broker, or everything. Of very many,
    #: the first.
    subjects: tuple[str, ...] = ()
    #: Whose they are, by the names in the file: see `Alerts.owners` for whom to mention.
    owners: tuple[str, ...] = ()
    #: One line, with severity, pipeline and what is wrong: `[critical] shop: 12 dead letters of ship`.
    title: str
    #: A few lines, without the title.
    text: str
    #: The same in full, with samples; where a message may be long this is better than `text`.
    long: str
    #: When it began, and when this was written.
    since: datetime
    time: datetime
    #: How often it has been found since it began: dead letters, slow attempts; see the condition.
    count: int = 1
