"""A pipeline from its file: reads it, and puts the steps from text to plan together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ebats.pipelines import disk, links, rules
from ebats.pipelines.check import check
from ebats.pipelines.garbage import uncollected
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem, UnreadableFile
from ebats.pipelines.resolve import resolve
from ebats.pipelines.secrets import conceal
from ebats.pipelines.source import MOST_BYTES, Budget, Source, parse
from ebats.pipelines.values import Values

if TYPE_CHECKING:
    from ebats.pipelines.cases import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A pipeline that can run, and what is doubtful in its file."""

    pipeline: Pipeline
    #: What the file says, with those that it includes, where, and which of its values are secrets.
    source: Source
    warnings: tuple[Problem, ...]
    #: Those of its own `tests`. No process of a runner needs them: they aren't in the pipeline.
    cases: "tuple[Case, ...]" = ()


def load(path: str, environ: Mapping[str, str]) -> Pipeline:
    """Return the pipeline that a file describes; `examine` also returns what is doubtful in it.

    `environ` fills in the variables of the file, and where it has none a `.env`
    beside the file (unless it is a `dotenv.Complete`). Else nothing is read but
    what the file names, schemas for instance, and the time zone database.

    Raises:
        BadFile: the file has errors; it holds all problems, in the order of the file.
        UnreadableFile: there is no such file, or it can't be read.
    """
    return examine(path, environ).pipeline


def examine(path: str, environ: Mapping[str, str], *, with_links: bool = True) -> Loaded:
    """Return what `load` does, with the warnings. Raises what `load` does.

    Without links nothing is said about how the parts of a file fit together: it may not be able to run.
    """
    try:
        # One that goes on is too large, whatever follows.
        with Path(path).open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(f"can't read {path}: {error.strerror}") from error
    return from_bytes(path, content, environ, with_links=with_links)


@uncollected
def from_bytes(path: str, content: bytes, environ: Mapping[str, str], *, with_links: bool = True) -> Loaded:
    """Return what a file with this content describes. Paths in it are relative to the folder of `path`.

    `with_links`: see `examine`.

    Raises:
        BadFile: the content has errors.
    """
    variables, unset = _variables(path, environ)
    source, problems = read(path, content, variables)
    problems += unset
    if source is None or (not source.data and problems):
        raise BadFile(tuple(sorted(problems)))
    source, misshapen = check(source)
    values = Values(source)
    pipeline = resolve(values)
    if pipeline.included:
        from ebats.pipelines import include

        problems += include.ambiguous_modules(pipeline)
    if with_links:
        links.check(pipeline, values)
    cases = read_cases(values, pipeline) if with_links and values.get("tests") else ()
    found = tuple(
        each
        for each in sorted(concealed(_causes({*problems, *misshapen, *values.problems}), source))
        if with_links or not rules.is_link(each.rule)
    )
    if any(problem.severity == "error" for problem in found):
        raise BadFile(found)
    return Loaded(pipeline=pipeline, source=source, warnings=found, cases=cases)


def read_cases(values: Values, pipeline: Pipeline) -> "tuple[Case, ...]":
    """Return the cases of `tests`, about this pipeline; what is wrong with them goes to `values.problems`."""
    # Most files have none, and their types alone take longer to import than most files to check.
    from ebats.pipelines import links_cases
    from ebats.pipelines.resolve_cases import resolve_cases

    cases = resolve_cases(values, pipeline)
    links_cases.check(pipeline, values)
    return cases


def read(path: str, content: bytes, variables: Mapping[str, str]) -> tuple[Source | None, list[Problem]]:
    """Return what a file says, with those that it includes, and what is wrong so far; None: one is missing.

    The variables are those of the file, with its `.env`.
    """
    budget = Budget()
    source, problems = parse(path, content, variables, budget)
    if not isinstance(source.data, dict):
        return source, problems
    if source.data.get("include") is None and ("include",) not in source.broken:
        return source, problems
    from ebats.pipelines import include

    merged, more = include.expand(source, variables, budget)
    return merged, problems + more


def _variables(path: str, environ: Mapping[str, str]) -> tuple[Mapping[str, str], list[Problem]]:
    """Return `environ` with what the `.env` beside a file adds to it, and what is wrong with that one."""
    folder = Path(path).parent
    if not disk.is_file(folder / ".env"):
        return environ, []
    from ebats.pipelines import dotenv

    return dotenv.beside(folder, environ)


def _causes(problems: set[Problem]) -> set[Problem]:
    """Return problems without those that may only follow from others: who mends these is done."""
    is_whole = not any(rules.is_before_links(each.rule) for each in problems)
    return problems if is_whole else {each for each in problems if each.rule not in rules.UNUSED}


def concealed(problems: Iterable[Problem], source: Source) -> Iterator[Problem]:
    """Yield problems without what files of secrets hold."""
    for problem in problems:
        text, hint = (conceal(each, source.contents) for each in (problem.text, problem.hint))
        yield replace(problem, text=text, hint=hint) if source.contents else problem
