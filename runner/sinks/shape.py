"""A line as a sink of JSON writes it: what the sink may see of it, forging nothing."""

from collections.abc import Callable

import msgspec

from ebats.runner.execution.record import Line
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.safe import safe, unforged


def shape(exposures: Exposures) -> Callable[[Line], bytes]:
    """Return what turns a line into what a sink writes, without line end."""

    def shaped(line: Line) -> bytes:
        try:
            return safe(exposures.json(line))
        except msgspec.MsgspecError:
            return unforged(line.json)

    return shaped
