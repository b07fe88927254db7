"""ebats: run an asynchronous task system from one YAML file."""

from typing import TYPE_CHECKING, Any

from ebats.runner.broker import embedded
from ebats.runner.execution.api import Context, Payload, ProducerContext, Reject, Retry
from ebats.runner.execution.unpublished import BadPayload, NotConfirmed, PublishError, Refused, Unroutable

if TYPE_CHECKING:
    from ebats.runner.callbacks.request import Request
    from ebats.runner.client.client import Client
    from ebats.runner.client.errors import GatewayError, GatewayRefused, GatewayUnavailable
    from ebats.runner.publishing.publisher import Publisher

__all__ = [
    # A task may ask for Context and Payload as parameters, and raise Reject and Retry; a producer's function
    # may ask for a ProducerContext, and `prepare` of an HTTP callback gets a Request. Programs publish with
    # Publisher, or through a gateway with Client; what they raise is a PublishError: NotConfirmed, Refused,
    # Unroutable; from a gateway GatewayUnavailable and GatewayRefused, the first two's children; or
    # BadPayload, for a payload that its event's schema doesn't allow.
    "BadPayload",
    "Client",
    "Context",
    "GatewayError",
    "GatewayRefused",
    "GatewayUnavailable",
    "NotConfirmed",
    "Payload",
    "ProducerContext",
    "PublishError",
    "Publisher",
    "Refused",
    "Reject",
    "Request",
    "Retry",
    "Unroutable",
]

__version__ = "0.1.0"

# So that kombu's `Connection("sqlite:///shop.db")` works wherever ebats is imported.
embedded.announce()


def __getattr__(name: str) -> Any:
    """Import what few need when it is asked for: tasks and commands start without it."""
    if name == "Publisher":
        from ebats.runner.publishing.publisher import Publisher

        return Publisher
    if name == "Request":
        from ebats.runner.callbacks.request import Request

        return Request
    if name == "Client":
        from ebats.runner.client.client import Client

        return Client
    if name in ("GatewayError", "GatewayRefused", "GatewayUnavailable"):
        from ebats.runner.client import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'ebats' has no attribute {name!r}")
