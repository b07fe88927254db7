"""The tasks of the benchmarks, for ebats."""

from tests.benchmarks.counter import of_environment

from ebats import Retry

counter = of_environment()


def noop(n: int) -> None:
    """Do nothing."""
    counter.raise_it()


def fails_once(n: int) -> None:
    """Ask for another attempt; the records say when each began."""
    counter.raise_it()
    raise Retry("again")
