"""What follows from a claim: an insurer is asked, for hours if need be, and pays or is phoned."""

from typing import Any

from ebats import Context


def ask_insurer(claim: str, amount: int, context: Context) -> dict[str, int]:
    """Stand in for the insurer: he grants whatever is asked for."""
    context.logger.info(f"{claim} is decided")
    return {"granted": amount}


def pay(payload: dict[str, Any], result: dict[str, int]) -> str:
    """Pay what the insurer grants."""
    return f"paid {result['granted']} for {payload['claim']}"


def phone(payload: dict[str, Any], attempts: int) -> str:
    """Do what a program couldn't."""
    return f"phoned about {payload['claim']}, after {attempts} attempts"
