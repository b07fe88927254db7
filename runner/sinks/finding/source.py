"""What every place is to those who look for records in it: it finds them, and tells of new ones."""

from collections.abc import Generator, Iterator
from typing import Protocol

from ebats.pipelines.problems import EbatsError
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.finding.search import Search


class SourceError(EbatsError):
    """Raised when a place can't be searched; its text says why, for people."""


class Source(Protocol):
    """A place where records are kept."""

    def find(self, search: Search) -> Generator[Found, None, None]:
        """Yield the records that are meant, the oldest first.

        Raises:
            SourceError: the place can't be searched.
        """
        ...

    def follow(self, search: Search) -> Generator[Found | None, None, None]:
        """Yield what `find` yields and then, for ever, what is new; None whenever nothing is, for now.

        A limit is about what is there at the beginning.

        Raises:
            SourceError: the place can't be searched.
        """
        ...

    def notes(self) -> Iterator[str]:
        """Yield what people should know about what was found since it was last asked."""
        ...
