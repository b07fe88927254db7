"""Found records as they are printed: for people, as the project's JSON, or as ECS documents."""

from collections.abc import Iterable, Iterator
from typing import Literal

from ebats.pipelines.model import Pipeline
from ebats.runner.execution.record import Execution, Record, RequestNote, encode
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.people import Layout, escaped
from ebats.runner.sinks.safe import safe
from ebats.runner.sinks.setting import Setting

Format = Literal["text", "json", "ecs"]
_INDENT = "    "


class Lines:
    """Turns found records into lines."""

    def __init__(self, format_: Format, pipeline: Pipeline, exposures: Exposures, *, colour: bool) -> None:
        """Write in this format; in colour where somebody is looking."""
        self._format = format_
        # Ids in full: they are what the next search asks for.
        self._layout = Layout(colour=colour, dates=True)
        setting = Setting(pipeline=pipeline.name, folder=pipeline.folder, tasks=pipeline.tasks)
        self._documents = Documents(setting, exposures)

    def of(self, found: Found) -> str:
        """Return a record as one line, with its line end."""
        if self._format == "text":
            return self._layout.line(found.record) + "\n"
        return safe(self._json(found)).decode() + "\n"

    def life(self, records: list[Found]) -> Iterator[str]:
        """Yield all that is known of messages, for people: a heading for each, and its attempts in detail."""
        ids = dict.fromkeys(found.record.id or "" for found in records)
        for number, id_ in enumerate(ids):
            own = [found.record for found in records if found.record.id == id_]
            yield ("\n" if number else "") + heading(id_, own)
            for record in own:
                yield self._layout.line(record) + "\n"
                yield from (f"{_INDENT}{line}\n" for line in details(record))

    def _json(self, found: Found) -> bytes:
        if found.form == self._format:
            return found.json
        return encode(found.record).json if self._format == "json" else self._documents.document(found.record)


def heading(id_: str, records: list[Record]) -> str:
    """Return what the records of a message have in common, a few lines for people."""
    runs = [record for record in records if isinstance(record, Execution)]
    labels = {name: value for run in runs for name, value in (run.labels or {}).items()}
    published = min((run.published for run in runs if run.published), default=None)
    origin = next((run for run in runs if run.exchange or run.key), None)
    rows = {
        "id": id_,
        "event": ", ".join(_distinct(run.event for run in runs)),
        "labels": "  ".join(f"{name}={value}" for name, value in labels.items()),
        "published": published.isoformat(" ", "milliseconds").replace("+00:00", "Z") if published else "",
        "to": f"exchange {origin.exchange or '-'} with the key {origin.key or '-'}" if origin else "",
        "correlation": ", ".join(_distinct(run.correlation for run in runs)),
    }
    return "".join(f"{name:11}  {escaped(text)}\n" for name, text in rows.items() if text) + "\n"


def details(record: Record) -> Iterator[str]:
    """Yield what stands in a record beside its line: requests, and the traceback, for people."""
    if isinstance(record, Execution):
        yield from (escaped(_request(note)) for note in record.requests or ())
    for line in (record.traceback or "").splitlines():
        yield escaped(line)


def _request(note: RequestNote) -> str:
    answer = note.outcome if note.status is None else f"{note.outcome} {note.status}"
    took = "" if note.seconds is None else f" in {note.seconds:.3f}s"
    return f"{note.method} {note.url}  {answer}{took}" + (f"  {note.text}" if note.text else "")


def _distinct(values: Iterable[str | None]) -> list[str]:
    return [*dict.fromkeys(value for value in values if value)]
