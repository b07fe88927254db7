"""What `ebats validate` found, as SARIF 2.1.0 (OASIS): what code scanning of GitHub and others takes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ebats import __version__
from ebats.pipelines.explanations import Explanation, explanations
from ebats.pipelines.problems import Problem
from ebats.pipelines.rules import Rule
from ebats.runner.commands.problem_link import from_root, link
from ebats.runner.commands.verdict import Verdict, problems

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def text(verdicts: Sequence[Verdict], environ: Mapping[str, str]) -> str:
    """Return the log, with a line end. Its rules are those that something was found of."""
    found = problems(verdicts)
    rules = sorted({problem.rule for problem in found})
    numbers = {rule: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "ebats",
                "version": __version__,
                "rules": [_rule(rule, environ) for rule in rules],
            }
        },
        # Our columns count characters, not UTF-16's units.
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(verdicts, environ)],
        "results": [_result(problem, numbers, environ) for problem in found],
    }
    whole = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _rule(rule: Rule, environ: Mapping[str, str]) -> dict[str, Any]:
    told = explanations().get(rule.id)
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.about},
        **({"fullDescription": {"text": told.why}, "help": _help(told)} if told else {}),
        "helpUri": link(rule, environ),
        "defaultConfiguration": {"level": rule.severity},
    }


def _help(told: Explanation) -> dict[str, str]:
    example = f"An example:\n\n```yaml\n{told.example}```\n"
    return {
        "text": f"What to do: {told.mend}",
        "markdown": f"{told.why}\n\n**What to do:** {told.mend}\n\n{example}",
    }


def _invocation(verdicts: Sequence[Verdict], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return how the check itself went: what couldn't be read is no result."""
    unreadable = [verdict for verdict in verdicts if verdict.unreadable]
    notifications = [
        {
            "level": "error",
            "message": {"text": verdict.unreadable},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(verdict.file, environ)}}],
        }
        for verdict in unreadable
    ]
    return {"executionSuccessful": not unreadable, "toolExecutionNotifications": notifications}


def _result(problem: Problem, numbers: Mapping[Rule, int], environ: Mapping[str, str]) -> dict[str, Any]:
    place = problem.place
    hint = f"; {problem.hint}" if problem.hint else ""
    location = {
        "artifactLocation": _artifact(place.file, environ),
        "region": {"startLine": place.line, "startColumn": place.column},
    }
    return {
        "ruleId": problem.rule.id,
        "ruleIndex": numbers[problem.rule],
        "level": problem.severity,
        "message": {"text": problem.text + hint},
        "locations": [{"physicalLocation": location}],
    }


def _artifact(file: str, environ: Mapping[str, str]) -> dict[str, str]:
    path = from_root(file, environ)
    if path.startswith("/"):
        return {"uri": f"file://{quote(path)}"}
    # A first part with a colon would be taken for a scheme: RFC 3986, section 4.2.
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}
