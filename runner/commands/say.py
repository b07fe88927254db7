"""What commands say beside their results: lines on standard error."""

import sys


def say(level: str, text: str) -> None:
    """Write a line for people, with its level where that isn't plain information."""
    mark = "" if level == "info" else f"{level}: "
    sys.stderr.write(f"ebats: {mark}{text}\n")
    sys.stderr.flush()
