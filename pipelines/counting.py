"""Numbers with their nouns, in texts for people."""


def counted(number: int, noun: str) -> str:
    """Return `1 queue` or `2 queues`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
