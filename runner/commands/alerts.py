"""`ebats alerts list` and `ack`: what is wrong at this moment, and that somebody takes it on."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError, UsageError
from ebats.runner.alerts.incidents import Alert, Incident
from ebats.runner.alerts.store import Ack, answer, read_all
from ebats.runner.state import folder_of

_HEAD = ("ID", "SEVERITY", "RULE", "SUBJECT", "SINCE", "TIMES", "ACKNOWLEDGED", "WHAT")
#: A runner looks for answers twice a second.
_TAKES_S = 5.0
_LOOK_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """One thing that is wrong, as one runner of this machine remembers it."""

    place: Path
    #: Whether that runner lives.
    lives: bool
    alert: Alert
    incident: Incident
    severity: str

    @property
    def is_acknowledged(self) -> bool:
        return self.incident.acked is not None


def list_(file: str, environ: Mapping[str, str], format_: Literal["text", "json"]) -> int:
    """Print what is wrong at this moment, as the runners of this machine know it.

    Raises:
        EbatsError: the file is bad, or has no alerts.
    """
    pipeline = _load(file, environ)
    found = list(_open(pipeline))
    if format_ == "json":
        sys.stdout.write(json.dumps([_as_data(each) for each in found], indent=2) + "\n")
        return 0
    if not found:
        sys.stdout.write(f"{_nothing(pipeline)}\n")
        return 0
    for line in _table([_HEAD, *(_row(each) for each in found)]):
        sys.stdout.write(line)
    return 0


def ack(file: str, environ: Mapping[str, str], id_: str | None) -> int:
    """Acknowledge an alert, `ID` or `ID/SUBJECT`, or all of them; return 1 where there is none.

    Raises:
        EbatsError: the file is bad, has no alerts, or the answer can't be left.
    """
    pipeline = _load(file, environ)
    id_, _, subject = (id_ or "").partition("/")
    meant = [
        each
        for each in _open(pipeline)
        if id_ in ("", each.alert.id)
        and subject in ("", each.incident.subject)
        and each.incident.told is not None
        and not each.is_acknowledged
    ]
    if not meant:
        which = f"no open alert {id_}{'/' if subject else ''}{subject}" if id_ else "no open alert"
        sys.stderr.write(f"ebats: there is {which} that nobody has acknowledged\n")
        return 1
    _answer(meant, Ack(by=_user(), at=time.time(), id=id_ or None, subject=subject or None))
    for each in meant:
        sys.stdout.write(f"acknowledged {_name(each)}: {each.incident.what}\n")
    return 0


def _load(file: str, environ: Mapping[str, str]) -> Pipeline:
    pipeline = load(file, environ)
    if pipeline.alerts is None:
        raise UsageError(f"{file} has no section `alerts`, so nothing is looked at")
    return pipeline


def _nothing(pipeline: Pipeline) -> str:
    if any(lives for _, _, lives in read_all(folder_of(pipeline))):
        return "nothing is wrong that a rule looks at, as far as the runners of this machine know"
    return "nothing is known to be wrong, but no runner of this file looks: none runs on this machine"


def _answer(meant: list[_Open], answered: Ack) -> None:
    try:
        left = [answer(place, answered) for place in {each.place: None for each in meant}]
    except OSError as error:
        raise EbatsError(f"it can't be acknowledged: {error}") from None
    lives = any(each.lives for each in meant)
    until = time.monotonic() + _TAKES_S
    while lives and any(path.exists() for path in left) and time.monotonic() < until:
        time.sleep(_LOOK_AGAIN_S)
    if any(path.exists() for path in left):
        sys.stderr.write("ebats: no runner has taken this yet; the next one does at its start\n")


def _open(pipeline: Pipeline) -> Iterator[_Open]:
    """Yield what is open, the oldest first."""
    rules = {rule.name: rule for rule in pipeline.alerts.rules} if pipeline.alerts else {}
    found = [
        _Open(place=place, lives=lives, alert=alert, incident=incident, severity=rules[alert.rule].severity)
        for place, memory, lives in read_all(folder_of(pipeline))
        for alert in memory.alerts
        if alert.rule in rules
        for incident in alert.open.values()
    ]
    yield from sorted(found, key=lambda each: each.incident.opened)


def _as_data(each: _Open) -> dict[str, Any]:
    incident = each.incident
    return {
        "id": each.alert.id,
        "severity": each.severity,
        "rule": each.alert.rule,
        "subject": incident.subject,
        "owner": incident.owner,
        "what": incident.what,
        "since": _moment(incident.opened),
        "count": incident.count,
        "told": _moment(incident.told),
        "escalated": incident.escalated,
        "acknowledged": _moment(incident.acked),
        "acknowledged_by": incident.acked_by,
        "runner_lives": each.lives,
    }


def _row(each: _Open) -> tuple[str, ...]:
    incident = each.incident
    acked = f"by {incident.acked_by}" if each.is_acknowledged else "no"
    what = incident.what if each.lives else f"{incident.what} (its runner doesn't run)"
    since = f"{_moment(incident.opened)}"
    return (
        *(each.alert.id, each.severity, each.alert.rule, incident.subject or "-"),
        *(since, f"{incident.count:,}", acked, what),
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for *cells, what in rows:
        columns = "".join(f"{cell:<{width}}  " for cell, width in zip(cells, widths, strict=True))
        yield f"{columns}{what}\n"


def _name(each: _Open) -> str:
    return f"{each.alert.id}/{each.incident.subject}" if each.incident.subject else each.alert.id


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.geteuid()}"
