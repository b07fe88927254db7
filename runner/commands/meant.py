"""Warnings that are meant: a comment on their line, `# ebats: ignore[EB306]`, says so."""

import re
from collections.abc import Iterable, Mapping

from ebats.pipelines.problems import Problem
from ebats.runner.commands.problems import lines_of, read_lines

_COMMENT = re.compile(r"#\s*ebats:\s*ignore\[([^\]]*)\]", re.IGNORECASE)


def without_meant(problems: Iterable[Problem], texts: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Return problems without the warnings whose line has a comment with their id, as ruff's `noqa`.

    Errors stay, whatever is written: no file runs with them. `texts` are those of files that aren't on
    the disk, by their names.
    """
    files = {name: lines_of(text) for name, text in (texts or {}).items()}
    return tuple(each for each in problems if each.severity == "error" or not _is_meant(each, files))


def _is_meant(problem: Problem, files: dict[str, list[str]]) -> bool:
    lines = read_lines(problem.place.file, files)
    line = lines[problem.place.line - 1] if problem.place.line <= len(lines) else ""
    named = {name.strip().upper() for names in _COMMENT.findall(line) for name in names.split(",")}
    return problem.rule.id in named
