"""What follows from an order that is paid, whoever has told of it."""

from ebats import Context


def ship(order_id: str, city: str, context: Context) -> None:
    """Stand in for the warehouse."""
    context.logger.info(f"{order_id} is on its way to {city}")
