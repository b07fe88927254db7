"""What is done when a merchant can't be told; telling it needs no code."""

from pathlib import Path
from typing import Any

from ebats import Context

ALERTS = Path(__file__).parent / "logs" / "alerts.txt"


def mark_failed(payload: dict[str, Any], reason: str, attempts: int, context: Context) -> str:
    """Keep what somebody has to look at: this follows when a message of `notify_merchant` is dead."""
    text = f"the merchant of {payload['order_id']} has not been told: {reason} after {attempts} attempts"
    context.logger.warning(text)
    return text


def tell(alert: dict[str, Any]) -> None:
    """Keep an alert where somebody looks: the channel `desk`."""
    ALERTS.parent.mkdir(exist_ok=True)
    with ALERTS.open("a", encoding="utf-8") as file:
        file.write(f"{alert['title']}\n{alert['text']}\n\n")
