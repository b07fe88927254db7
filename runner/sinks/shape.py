"""A line as a sink of JSON writes it: what the sink may see of it, in its format, forging nothing."""

from collections.abc import Callable
from typing import Literal

import msgspec

from ebats.runner.execution.record import Line
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.safe import safe, unforged
from ebats.runner.sinks.setting import Setting


def shape(format_: Literal["json", "ecs"], exposures: Exposures, setting: Setting) -> Callable[[Line], bytes]:
    """Return what turns a line into what a sink writes, without line end."""
    formatted = exposures.json if format_ == "json" else Documents(setting, exposures).of

    def shaped(line: Line) -> bytes:
        try:
            return safe(formatted(line))
        except msgspec.MsgspecError:
            return unforged(line.json)

    return shaped
