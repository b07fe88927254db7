"""Tasks as short as can be."""


def fail() -> None:
    raise ValueError("broken")


def fine() -> str:
    return "fine"
