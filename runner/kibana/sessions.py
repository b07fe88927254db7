"""The Discover sessions: lists of records that operators begin a search with."""

from dataclasses import dataclass

from ebats.runner.kibana.fields import ATTEMPT, DEAD, EXECUTION, FAILED, OUTCOME, REASON, RUN_TIME, TASK, WAIT
from ebats.runner.kibana.panel import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One list: which records, which of their fields, and in which order."""

    #: Part of its id.
    name: str
    title: str
    #: One sentence.
    description: str
    #: Which documents, besides that they are the pipeline's.
    query: str
    columns: tuple[str, ...]
    #: A field: the largest, or latest, comes first.
    sort: str = "@timestamp"
    #: Where it stands on the dashboard; None: it doesn't.
    grid: Grid | None = None


_MESSAGE = "messaging.message.id"

SESSIONS = (
    Session(
        name="attempts",
        title="Attempts",
        description="Each attempt of each task, the last first.",
        query=EXECUTION,
        columns=(TASK, OUTCOME, ATTEMPT, RUN_TIME, _MESSAGE, "message"),
    ),
    Session(
        name="failures",
        title="Failures",
        description="Attempts that ended in a retry or a dead letter.",
        query=FAILED,
        columns=(TASK, OUTCOME, ATTEMPT, "error.type", "error.message", _MESSAGE),
    ),
    Session(
        name="dead-letters",
        title="Last dead letters",
        description="Messages that are dead, with the reason.",
        query=DEAD,
        columns=(TASK, REASON, ATTEMPT, "error.type", "error.message", _MESSAGE),
        grid=Grid(x=0, y=54, w=48, h=14),
    ),
    Session(
        name="slow",
        title="Slowest attempts",
        description="Attempts by their run time, the longest first.",
        query=f"{RUN_TIME}: *",
        columns=(TASK, RUN_TIME, WAIT, OUTCOME, ATTEMPT, _MESSAGE),
        sort=RUN_TIME,
    ),
)
