"""What the pipeline does: plain functions. The payload's keys are their arguments."""

from ebats import Context


def greet(name: str, context: Context) -> None:
    """Say hello to whoever came."""
    context.logger.info(f"Hello, {name}!")
