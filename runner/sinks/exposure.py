"""What a sink may see of a record: how much of payload and result, and which keys stay hidden."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, structs

from ebats.pipelines.model import Task
from ebats.pipelines.sink import Exposure, PayloadMode
from ebats.runner.execution.record import Execution, Line, Log, Record, RequestNote, encode
from ebats.runner.sinks.mask import Mask
from ebats.runner.sinks.payload_parts import key_paths, within

_HIDDEN: PayloadMode = "none"
_TOO_DEEP = "[too deep to be shown]"
_NOTHING = Raw()


class _Execution(Execution, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="execution"):
    """An execution whose payload and result are skipped, not built: most sinks drop them or pass them on."""

    payload: Raw = _NOTHING
    result: Raw = _NOTHING


_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(_Execution | Log)


class Exposures:
    """What one sink may see, task by task."""

    def __init__(self, exposure: Exposure, tasks: Mapping[str, Task] | None = None) -> None:
        """Go by the sink's settings, and by what `tasks` change about them."""
        self._mode: PayloadMode = exposure.payload
        self._modes: dict[str, PayloadMode] = {
            name: task.logs.payload for name, task in (tasks or {}).items() if task.logs.payload is not None
        }
        self._limit = exposure.limit
        self._mask = Mask(exposure.mask)
        #: Whether any record of this sink has a payload.
        self.wants_payload = any(mode != _HIDDEN for mode in (self._mode, *self._modes.values()))

    def mode(self, task: str) -> PayloadMode:
        """Return how much of a task's payloads and results the sink sees; `keys`: a list of paths."""
        return self._modes.get(task, self._mode)

    def read(self, line: Line) -> Record:
        """Return the record of a line as this sink may have it; payload and result are `Raw` JSON.

        Raises:
            msgspec.MsgspecError: the line is none of ours.
        """
        return self.show(_decoded(line))

    def json(self, line: Line) -> bytes:
        """Return the record of a line as this sink may have it, as JSON.

        Raises:
            msgspec.MsgspecError: the line is none of ours.
        """
        record = _decoded(line)
        shown = self.show(record)
        return line.json if shown is record else encode(shown).json

    def show(self, record: Record) -> Record:
        """Return the record as this sink may have it: the same one where nothing is to be hidden."""
        changes: dict[str, Any] = {}
        for name in ("text", "traceback"):
            text: str | None = getattr(record, name)
            if text and (shown := self._mask.text(text)) is not text:
                changes[name] = shown
        if isinstance(record, Execution):
            self._add_changes(record, changes)
        return structs.replace(record, **changes) if changes else record

    def _add_changes(self, record: Execution, changes: dict[str, Any]) -> None:
        if record.labels and (labels := self._labels(record.labels)) != record.labels:
            changes["labels"] = labels
        if record.requests and (requests := [self._note(one) for one in record.requests]) != record.requests:
            changes["requests"] = requests
        mode = self.mode(record.task)
        for name in ("payload", "result"):
            value = getattr(record, name)
            if value is None or value is _NOTHING:
                continue
            if mode == _HIDDEN:
                changes[name] = _NOTHING if isinstance(value, Raw) else None
            elif (shown := self._value(value, mode)) is not value:
                changes[name] = shown

    def _labels(self, labels: dict[str, str]) -> dict[str, str]:
        hidden = self._mask.value(labels)
        assert isinstance(hidden, dict)
        return hidden

    def _note(self, note: RequestNote) -> RequestNote:
        mask = self._mask
        url = mask.url(note.url)
        text = note.text and mask.text(note.text)
        body = note.body and mask.text(note.body)
        if url == note.url and text == note.text and body == note.body:
            return note
        return structs.replace(note, url=url, text=text, body=body)

    def _value(self, value: object, mode: PayloadMode) -> object:
        """Return a payload or a result as it may be seen: the same object where it may be seen as it is."""
        is_raw = isinstance(value, Raw)
        data = bytes(value) if isinstance(value, Raw) else msgspec.json.encode(value)
        suspicious = self._mask.suspects(data.decode())
        if mode == "full" and not suspicious and len(data) <= self._limit:
            return value
        try:
            shown = msgspec.json.decode(data) if mode == "keys" or suspicious else None
            if mode == "keys":
                shown = key_paths(shown)
            if suspicious:
                shown = self._mask.value(shown)
            data = data if shown is None and not suspicious else msgspec.json.encode(shown)
        except RecursionError:
            data = msgspec.json.encode(_TOO_DEEP)
        data = within(data, self._limit)
        return Raw(data) if is_raw else msgspec.json.decode(data)


def _decoded(line: Line) -> Record:
    try:
        return _decoder.decode(line.json)
    except RecursionError:
        raise msgspec.DecodeError("its payload is too deep") from None
