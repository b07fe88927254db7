"""ebats: run an asynchronous task system from one YAML file."""

from kombu.transport import TRANSPORT_ALIASES

from ebats.runner.execution.api import Context, Payload, Reject, Retry

__all__ = [
    # What a task may ask for as a parameter.
    "Context",
    "Payload",
    # What a task may raise.
    "Reject",
    "Retry",
]

__version__ = "0.1.0"

# By name only: the transport is imported when somebody opens a sqlite:// URL.
TRANSPORT_ALIASES["sqlite"] = "ebats.runner.broker.sqlite:Transport"
