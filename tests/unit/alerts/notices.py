"""Alerts and notices for tests."""

from datetime import UTC, datetime, timedelta

from ebats.pipelines.alerts import Severity
from ebats.runner.alerts import wording
from ebats.runner.alerts.notice import Notice, State
from ebats.runner.alerts.wording import Alert, Run, Sample

RUN = Run(pipeline="shop", file="shop.yaml", host="box", environment="production")
BEGAN = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=7)


def about(what: str = "12 dead letters of ship within 5m", **changes: object) -> Alert:
    """Return an alert about dead letters, with changes."""
    given = {
        "id": "a1",
        "rule": "dead_letters",
        "condition": "dead_letters",
        "severity": "critical",
        "what": what,
        "subjects": ("ship",),
        "owners": ("warehouse",),
        "since": BEGAN,
        "count": 12,
        "samples": (
            Sample(id="FB138", task="ship", reason="exhausted", error="ValueError", text="no stock"),
            Sample(id="FB139", task="ship", reason="exhausted", error="ValueError", text="no stock"),
        ),
        **changes,
    }
    return Alert(**given)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def notice(
    number: int = 1,
    *,
    state: State = "open",
    severity: Severity = "critical",
    what: str = "12 dead letters of ship within 5m",
    **changes: object,
) -> Notice:
    """Return what is said about an alert with this number."""
    return wording.alert(RUN, about(what, id=f"a{number}", severity=severity, **changes), state, NOW)
