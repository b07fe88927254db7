"""Errors that say that a message is refused for good: sent again it would be refused again."""

from amqp.exceptions import AccessRefused, IrrecoverableChannelError, NotFound

from ebats.pipelines.problems import EbatsError
from ebats.runner.broker.connect import BROKER_ERRORS


def refusal(error: BaseException) -> str | None:
    """Return why a message is refused for good; None: an error of the connection, or of the whole broker."""
    if isinstance(error, IrrecoverableChannelError):
        return str(getattr(error, "reply_text", error))
    return None if isinstance(error, (*BROKER_ERRORS, EbatsError)) else f"{type(error).__name__}: {error}"


def is_named(error: IrrecoverableChannelError, exchange: str) -> bool:
    """Return whether an error says that just this exchange isn't there, or may not be written to."""
    text = str(error)
    if " to topic " in text or not isinstance(error, NotFound | AccessRefused):
        return False
    return f"exchange '{exchange or 'amq.default'}'" in text
