"""What `ebats validate` found, as commands to GitHub's runner: annotations on the lines of a change.

The commands: docs.github.com, "Workflow commands for GitHub Actions"; the escapes are those of its toolkit
(actions/toolkit, packages/core/src/command.ts).
"""

from collections.abc import Mapping, Sequence

from ebats.pipelines.counting import counted
from ebats.pipelines.problems import Problem
from ebats.runner.commands.problem_link import from_root, link
from ebats.runner.commands.problems import count
from ebats.runner.commands.verdict import Verdict, problems, summary

#: Of each severity GitHub shows so many of one step.
_SHOWN = 10


def text(verdicts: Sequence[Verdict], environ: Mapping[str, str]) -> str:
    """Return a line for each problem and each good file, and the count of all problems at the end."""
    found = problems(verdicts)
    lines = [_problem(problem, environ) for problem in found]
    for verdict in verdicts:
        if verdict.unreadable:
            file = from_root(verdict.file, environ)
            lines.append(_command("error", {"file": file, "title": "ebats"}, verdict.unreadable))
        elif not verdict.has_errors:
            lines.append(f"{verdict.file}: ok ({summary(verdict)})")
    return "".join(f"{line}\n" for line in [*lines, _end(verdicts, found)])


def _problem(problem: Problem, environ: Mapping[str, str]) -> str:
    place = problem.place
    properties = {
        "file": from_root(place.file, environ),
        "line": str(place.line),
        "col": str(place.column),
        "title": f"{problem.rule} {problem.rule.name}",
    }
    # The log shows the message alone, so that has the place too.
    message = f"{place}: {problem.text}" + (f"; {problem.hint}" if problem.hint else "")
    url = link(problem.rule, environ)
    more = url if url.startswith("http") else f"ebats explain {problem.rule}"
    return _command(problem.severity, properties, f"{message}\n{more}")


def _end(verdicts: Sequence[Verdict], found: Sequence[Problem]) -> str:
    """Return the count; as an annotation too, where GitHub shows only some of the problems."""
    unreadable = sum(1 for verdict in verdicts if verdict.unreadable)
    parts = [count(found) or "no problem", *([f"{unreadable} unreadable"] if unreadable else [])]
    line = f"{counted(len(verdicts), 'file')}: {', '.join(parts)}"
    severities = [problem.severity for problem in found]
    if max(severities.count("error") + unreadable, severities.count("warning")) <= _SHOWN:
        return line
    more = f"{line}; GitHub shows {_SHOWN} of a kind, and the log of this step has all"
    return _command("notice", {"title": "ebats"}, more)


def _command(name: str, properties: Mapping[str, str], message: str) -> str:
    written = ",".join(f"{key}={_escaped_property(value)}" for key, value in properties.items())
    return f"::{name} {written}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
