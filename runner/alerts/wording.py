"""What a notice says to people: the facts about an alert, put into a title, a few lines, and many. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from ebats.pipelines.alerts import Condition, Severity
from ebats.pipelines.counting import counted
from ebats.pipelines.model import Pipeline
from ebats.pipelines.secrets import hide
from ebats.pipelines.sink import PythonSink
from ebats.runner.alerts.notice import Notice, State
from ebats.runner.execution.record import HOST
from ebats.runner.sinks.mask import Mask
from ebats.runner.sinks.people import escaped

#: Characters of an error's text in the few lines, and in the many.
_SHORT, _LONG = 160, 2000
#: How many samples stand in the few lines.
_SAMPLES = 1
#: How many tasks a command names.
_TASKS = 5
#: Notices leave the house, and an exception's text may hold these without anybody having thought of it.
_CREDENTIALS = Mask(("password", "passwd", "secret", "token", "access_token", "api_key", "apikey"))
_MARKS: Mapping[State, str] = {
    "repeated": "still ",
    "escalated": "nobody has acknowledged: ",
    "over": "over: ",
}


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message that an alert is about."""

    id: str
    task: str = ""
    #: Why it is dead, in one word.
    reason: str | None = None
    #: The exception's class, and its text.
    error: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run that notices are about."""

    pipeline: str
    #: As it was given on the command line: stands in the commands that a notice names.
    file: str
    host: str
    environment: str | None = None
    #: What no sink of the file may see isn't told either.
    mask: Mask = _CREDENTIALS


def run_of(pipeline: Pipeline) -> Run:
    """Return the run of a pipeline on this machine."""
    exposures = [sink.exposure for sink in pipeline.sinks if not isinstance(sink, PythonSink)]
    keys = dict.fromkeys(key for exposure in exposures for key in exposure.mask)
    return Run(
        pipeline=pipeline.name,
        file=pipeline.file,
        host=HOST,
        environment=pipeline.environment,
        mask=Mask(keys),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as far as people are told of it; times are UTC."""

    id: str
    rule: str
    condition: Condition
    severity: Severity
    #: What is wrong, with what it is about, on one line: `12 dead letters of ship within 5m`.
    what: str
    #: Tasks, queues, processes, sinks.
    subjects: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    since: datetime
    #: How often it has been found since it began.
    count: int = 1
    samples: Sequence[Sample] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task's last day, for the digest."""

    task: str
    executions: int
    retries: int
    dead: int
    #: Seconds; None: nothing ran.
    p95_s: float | None = None


def alert(run: Run, about: Alert, state: State, now: datetime) -> Notice:
    """Return what is said about an alert that is in this state now."""
    what = line(about.what, _SHORT)
    facts = _facts(run, about, state, now)
    todo = [] if state == "over" else _todo(run, about, state)
    return Notice(
        id=about.id,
        state=state,
        severity=about.severity,
        pipeline=run.pipeline,
        host=run.host,
        environment=run.environment,
        rule=about.rule,
        subjects=about.subjects,
        owners=about.owners,
        title=_title(about.severity, run, f"{_MARKS.get(state, '')}{what}"),
        text="\n".join([*facts, *_samples(run, about, _SAMPLES, _SHORT), *todo]),
        long="\n".join(
            [
                *facts,
                "",
                *_headed("Samples:", _samples(run, about, None, _LONG)),
                *_headed("What to do:", todo),
            ]
        ).rstrip(),
        since=about.since,
        time=now,
        count=about.count,
    )


def digest(run: Run, rows: Sequence[Row], since: datetime, now: datetime) -> Notice:
    """Return what is said about the tasks of the time since then, those with most dead letters first."""
    rows = sorted(rows, key=lambda row: (-row.dead, -row.retries, -row.executions, row.task))
    executions, retries, dead = (
        sum(getattr(row, name) for row in rows) for name in ("executions", "retries", "dead")
    )
    totals = f"{_count(executions)} executions, {_count(retries)} retries, {_count(dead)} dead letters"
    # Of several runners each knows its own runs.
    span = f"{moment(since)} to {moment(now)}, the runner on {run.host}"
    troubled = [row for row in rows if row.dead or row.retries]
    lines = [f"{line(row.task, _SHORT)}: {_told(row)}" for row in troubled] or ["nothing failed"]
    return Notice(
        id=f"digest-{now:%Y%m%dT%H%M}",
        state="digest",
        severity="info",
        pipeline=run.pipeline,
        host=run.host,
        environment=run.environment,
        title=_title("info", run, totals),
        text="\n".join([span, *lines]),
        long="\n".join([span, "", *_table(rows)]),
        since=since,
        time=now,
        count=executions,
    )


def test(run: Run, channel: str, now: datetime) -> Notice:
    """Return what a channel is tried with."""
    text = f"This is a test of the channel {channel}: nothing is wrong. It was sent from {run.host}."
    return Notice(
        id=f"test-{now:%Y%m%dT%H%M%S%f}",
        state="test",
        severity="info",
        pipeline=run.pipeline,
        host=run.host,
        environment=run.environment,
        title=_title("info", run, "a test of its alerts"),
        text=text,
        long=text,
        since=now,
        time=now,
    )


def line(text: str, characters: int) -> str:
    """Return a text from outside as it may stand in a notice: on one line, without passwords, cut."""
    safe = escaped(hide(_CREDENTIALS.text(text.strip())))
    return safe if len(safe) <= characters else safe[:characters] + "…"


def moment(time: datetime) -> str:
    """Return a time for people: `2026-11-23 14:05 UTC`."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _title(severity: Severity, run: Run, text: str) -> str:
    place = f"{run.pipeline} ({line(run.environment, 64)})" if run.environment else run.pipeline
    return f"[{severity}] {place}: {text}"


def _facts(run: Run, about: Alert, state: State, now: datetime) -> list[str]:
    lasted = _lasted(now - about.since)
    since = f"since {moment(about.since)}" + (f", for {lasted}" if lasted else "")
    if state == "over":
        since = f"from {moment(about.since)} to {moment(now)}" + (f", {lasted}" if lasted else "")
    owner = f", {_named('owner', about.owners)}" if about.owners else ""
    facts = [f"{since}, {counted(about.count, 'time')}{owner}", f"rule {line(about.rule, 64)}, on {run.host}"]
    if len(about.subjects) > 1:
        facts.append(line("about " + ", ".join(about.subjects), _LONG))
    return facts


def _named(noun: str, names: Sequence[str]) -> str:
    return line(f"{noun if len(names) == 1 else f'{noun}s'} {', '.join(names)}", _SHORT)


def _samples(run: Run, about: Alert, most: int | None, characters: int) -> list[str]:
    shown = list(about.samples)[:most]
    return [_sample(run, sample, characters) for sample in shown]


def _sample(run: Run, sample: Sample, characters: int) -> str:
    error = run.mask.text(": ".join(part for part in (sample.error, sample.text) if part))
    about = " ".join(line(part, 128) for part in (sample.task, sample.id, sample.reason) if part)
    return f"{about}: {line(error, characters)}" if error else about


def _todo(run: Run, about: Alert, state: State) -> list[str]:
    commands = _commands(run, about)
    if about.severity == "critical" and state in ("open", "repeated", "escalated"):
        commands.append(_command(run, "alerts ack", about.id))
    return commands


def _commands(run: Run, about: Alert) -> list[str]:
    """Return what to type to find out more: about the task, and since a moment before it began."""
    since = f"{about.since.astimezone(UTC) - timedelta(minutes=5):%Y-%m-%dT%H:%MZ}"
    # Of many that fail at once, those of the first few tell what is wrong.
    task = [word for name in about.subjects[:_TASKS] for word in ("--task", name)]
    ids = [_command(run, "logs", "--id", sample.id) for sample in list(about.samples)[:1]]
    match about.condition:
        case "dead_letters":
            return [_command(run, "dead list", *task, "--since", since), *ids]
        case "failure_rate":
            return [_command(run, "logs", *task, "--level", "warning", "--since", since), *ids]
        case "slow":
            return [_command(run, "logs", *task, "--since", since), *ids]
        case "attempts":
            return ids or [_command(run, "logs", *task, "--since", since)]
        case "process_dies":
            return [_command(run, "logs", "--since", since, "--level", "error"), _command(run, "status")]
        case _:
            return [_command(run, "status")]


def _command(run: Run, name: str, *arguments: str) -> str:
    return escaped(f"ebats {name} {shlex.join([run.file, *arguments])}")


def _headed(head: str, lines: Sequence[str]) -> list[str]:
    return [head, *(f"  {one}" for one in lines), ""] if lines else []


def _lasted(span: timedelta) -> str:
    """Return how long, in its largest units: `2h 5m`; empty below a minute."""
    minutes = int(span.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (0 if days else minutes, "m")]
    return " ".join(f"{number}{unit}" for number, unit in parts if number)


def _told(row: Row) -> str:
    return f"{_count(row.dead)} dead, {_count(row.retries)} retries of {_count(row.executions)} executions"


def _table(rows: Sequence[Row]) -> list[str]:
    head = ("TASK", "EXECUTIONS", "RETRIES", "DEAD", "P95")
    cells = [
        head,
        *(
            (line(row.task, 64), _count(row.executions), _count(row.retries), _count(row.dead), _p95(row))
            for row in rows
        ),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        f"{name:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        for name, *rest in cells
    ]


def _p95(row: Row) -> str:
    return "-" if row.p95_s is None else f"{row.p95_s:.3f}s"


def _count(number: int) -> str:
    return f"{number:,}"
