"""Cut a record that is too large for its way to the writer: better a part of it than nothing."""

from collections.abc import Mapping

import msgspec

from ebats.runner.execution.record import Line

_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: What a cut part may keep of the whole line's limit: 1/16, so that several fit, escapes included.
_SHARE = 16
#: What has to stay of its kind: labels are texts by name, requests a list.
_EMPTY: Mapping[str, object] = {"labels": {}, "requests": []}


def shorten(line: Line, limit: int) -> Line:
    """Return the line in at most about `limit` bytes: the largest parts go first, and say that they were cut.

    A line that holds no JSON object comes back as it is.
    """
    try:
        parts = _decoder.decode(line.json)
    except msgspec.MsgspecError:
        return line
    excess = len(line.json) - limit
    for name in sorted(parts, key=lambda name: len(bytes(parts[name])), reverse=True):
        if excess <= 0:
            break
        before = len(bytes(parts[name]))
        parts[name] = msgspec.Raw(msgspec.json.encode(_cut(name, parts[name], limit // _SHARE)))
        excess -= before - len(bytes(parts[name]))
    return Line(line.weight, msgspec.json.encode(parts), line.task)


def _cut(name: str, raw: msgspec.Raw, characters: int) -> object:
    note = f"[cut, it had {len(bytes(raw))} bytes]"
    if not bytes(raw).startswith(b'"'):
        # A payload or a result may be anything, so also a note.
        return _EMPTY.get(name, note)
    text = msgspec.json.decode(raw, type=str)
    # The frames that matter stand at a traceback's end.
    return f"{note} {text[-characters:]}" if name == "traceback" else f"{text[:characters]} {note}"
