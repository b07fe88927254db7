"""Payload and result travel only where a sink asks for them, and stop before those that don't."""

import msgspec

from ebats.runner.execution.record import Line

_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder()


def without_payload(lines: list[Line]) -> list[Line]:
    """Return the lines without payload and result; the rest of each is as it was, byte by byte."""
    return [
        _stripped(line) if b'"payload":' in line.json or b'"result":' in line.json else line for line in lines
    ]


def _stripped(line: Line) -> Line:
    # Raw: what a payload holds is skipped, not built.
    parts = _decoder.decode(line.json)
    parts.pop("payload", None)
    parts.pop("result", None)
    return Line(line.weight, _encoder.encode(parts), line.task)
