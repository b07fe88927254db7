"""ebats: run an asynchronous task system from one YAML file."""

from kombu.transport import TRANSPORT_ALIASES

__version__ = "0.1.0"

# By name only: the transport is imported when somebody opens a sqlite:// URL.
TRANSPORT_ALIASES["sqlite"] = "ebats.runner.broker.sqlite:Transport"
