"""`ebats explain`: what a kind of problem means, how it is mended, and a file that has it."""

import json
import sys

from ebats.pipelines.explanations import Explanation, explanations
from ebats.pipelines.problems import UsageError
from ebats.pipelines.rules import RULES, Rule
from ebats.pipelines.suggestion import suggest
from ebats.runner.commands.problems import render

#: What an example is called where it is shown.
EXAMPLE = "pipeline.yaml"


def list_(*, as_json: bool) -> int:
    """Print each rule on a line: id, severity, name and what it is about; return the exit code."""
    if as_json:
        _print_json([_plain(rule) for rule in RULES.values()])
    else:
        wide = max(len(rule.name) for rule in RULES.values())
        for rule in RULES.values():
            sys.stdout.write(f"{rule.id}  {rule.severity:<7}  {rule.name:<{wide}}  {rule.about}\n")
    return 0


def explain(names: list[str], *, as_json: bool) -> int:
    """Print all that is told of rules, by their ids or their names; return the exit code.

    Raises:
        UsageError: there is no such rule.
    """
    rules = [_find(name) for name in names]
    if as_json:
        _print_json([_plain(rule) | _details(explanations()[rule.id]) for rule in rules])
    else:
        sys.stdout.write("\n".join(_text(explanations()[rule.id]) for rule in rules))
    return 0


def output(explanation: Explanation) -> str:
    """Return what `ebats validate` prints for the problems of a rule's example."""
    if explanation.not_run:
        return explanation.printed
    # Most commands that explain something don't check a file.
    from ebats.runner.commands.verdict import judge

    found = judge(EXAMPLE, {}, content=explanation.example.encode())
    return render(found.problems, texts={EXAMPLE: explanation.example})


def markdown(explanation: Explanation) -> str:
    """Return what is told of a rule below its heading, as Markdown: what it means, what to do, an example."""
    rule = explanation.rule
    # So that nobody takes the example for a good one.
    mark = "<!-- not a pipeline -->\n"
    return (
        f"**{rule.severity.capitalize()}.** {rule.about}\n\n{explanation.why}\n\n"
        f"**What to do:** {explanation.mend}\n\n"
        f"{mark}```yaml\n{explanation.example}```\n\n```text\n{output(explanation)}```\n"
    )


def _find(name: str) -> Rule:
    by_name = {rule.name: rule for rule in RULES.values()}
    rule = RULES.get(name.upper()) or by_name.get(name.lower())
    if rule is None:
        near = suggest(name.upper() if name[:1] in "eE" else name, [*by_name, *RULES])
        hint = near if near.startswith("did") else "`ebats explain` lists them"
        raise UsageError(f"there is no problem {name}; {hint}")
    return rule


def _text(explanation: Explanation) -> str:
    rule = explanation.rule
    return (
        f"{rule.id}: {rule.name}\n\n{rule.severity.capitalize()}. {rule.about}\n\n{explanation.why}\n\n"
        f"What to do: {explanation.mend}\n\nAn example:\n\n{_indented(explanation.example)}\n"
        f"`ebats validate` prints:\n\n{_indented(output(explanation))}"
    )


def _indented(text: str) -> str:
    return "".join(f"    {line}".rstrip(" ") for line in text.splitlines(keepends=True))


def _plain(rule: Rule) -> dict[str, str]:
    return {"id": rule.id, "name": rule.name, "severity": rule.severity, "about": rule.about}


def _details(explanation: Explanation) -> dict[str, str]:
    return {
        "why": explanation.why,
        "mend": explanation.mend,
        "example": explanation.example,
        "output": output(explanation),
    }


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
