"""What is wrong with a file: a problem, its place, what to do about it."""

from dataclasses import dataclass
from typing import ClassVar

from ebats.pipelines.rules import Rule, Severity


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where in a file something stands."""

    file: str
    #: Counted from 1, as editors do.
    line: int
    #: Counted from 1.
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, or doubtful, in a file."""

    place: Place
    rule: Rule
    #: One sentence: what is wrong.
    text: str
    #: One sentence: what to do.
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """Whether a file that has it can be run."""
        return self.rule.severity

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.place}: {self.severity}[{self.rule}]: {self.text}{hint}"


class EbatsError(Exception):
    """The base of all errors that are for people: its text says what is wrong and what to do."""

    #: What a command that ends with it exits with.
    exit_code: ClassVar[int] = 1


class BadFile(EbatsError):
    """Raised when a pipeline file has problems: all of them, at once."""

    #: EX_CONFIG of sysexits.h, so that a unit can say RestartPreventExitStatus=78.
    exit_code = 78

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class UnreadableFile(EbatsError):
    """Raised when there is no such file, or it can't be read."""

    exit_code = 2


class UsageError(EbatsError):
    """Raised when what was written on the command line doesn't fit the file."""

    exit_code = 2
