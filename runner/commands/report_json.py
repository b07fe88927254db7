"""What `ebats validate` found, as one JSON object; its keys are documented and only ever get more."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ebats.pipelines.problems import Problem
from ebats.runner.commands.problem_link import link
from ebats.runner.commands.verdict import Verdict, problems


def text(verdicts: Sequence[Verdict], environ: Mapping[str, str]) -> str:
    """Return the object, with a line end."""
    found = problems(verdicts)
    unreadable = sum(1 for verdict in verdicts if verdict.unreadable)
    whole = {
        "files": [_file(verdict) for verdict in verdicts],
        "problems": [_problem(problem, environ) for problem in found],
        "counts": {"files": len(verdicts), "unreadable": unreadable, **_counts(found)},
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _file(verdict: Verdict) -> dict[str, Any]:
    status = "unreadable" if verdict.unreadable else "bad" if verdict.has_errors else "good"
    contents = verdict.contents
    return {
        "file": verdict.file,
        "status": status,
        "reason": verdict.unreadable or None,
        "contents": contents and {f"{noun}s": number for noun, number in contents.items()},
        **_counts(verdict.problems),
    }


def _counts(found: Iterable[Problem]) -> dict[str, int]:
    severities = [problem.severity for problem in found]
    return {"errors": severities.count("error"), "warnings": severities.count("warning")}


def _problem(problem: Problem, environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": problem.rule.id,
        "name": problem.rule.name,
        "severity": problem.severity,
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "text": problem.text,
        "hint": problem.hint,
        "url": link(problem.rule, environ),
    }
