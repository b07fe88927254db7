"""What each kind of entry point has to be, found out when it is imported."""

from collections.abc import Callable, Mapping
from typing import Any

from ebats.runner.execution.call import inspect_function
from ebats.runner.execution.producer import inspect_producer

#: By the kinds of `pipelines.entry_points`. They raise BadEntryPoint.
INSPECT: Mapping[str, Callable[[Callable[..., Any]], object]] = {
    "task": inspect_function,
    "producer": inspect_producer,
    "other": callable,
}
