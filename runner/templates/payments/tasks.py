"""What is done when a merchant can't be told; telling one needs no code."""

from typing import Any

from ebats import Context


def mark_failed(payload: dict[str, Any], reason: str, attempts: int, context: Context) -> str:
    """Keep what somebody has to look at: this follows when a message of `tell_merchant` is dead."""
    text = f"the merchant of {payload['order_id']} has not been told: {reason} after {attempts} attempts"
    context.logger.warning(text)
    return text
