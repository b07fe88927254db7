"""What each kind of problem means, how it is mended, and a smallest file that has it.

The texts are `schemas/problems.md`: a section for each rule, in the order of their ids.

    ## EB103

    Some sentences of what it means, and why it matters.

    Mend: what to do about it.

    ```yaml
    a file that has this problem, and no other
    ```

An example that can't be tried by reading alone, for it needs a port or a broker, has
`Not run: why` before it, and a `text` block with what is printed behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ebats import schemas
from ebats.pipelines.rules import RULES, Rule

_SECTION = re.compile(r"^## (?P<id>EB\d+)\n(?P<body>.*?)(?=^## EB|\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_MEND, _NOT_RUN = "Mend: ", "Not run: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is told of one rule."""

    rule: Rule
    #: Markdown, as `mend` is.
    why: str
    #: What to do about it.
    mend: str
    #: A file with this problem and no other.
    example: str
    #: Why the example can't be tried by reading it; an empty text where it can.
    not_run: str
    #: What is printed for an example that can't be tried.
    printed: str


@cache
def explanations() -> dict[str, Explanation]:
    """Return all that is told, by the rules' ids, in the order of the text."""
    return {each.rule.id: each for each in _read(schemas.problems())}


def anchor(rule: Rule) -> str:
    """Return the name of a rule's heading on the page of all problems, as GitHub makes it."""
    return f"{rule.id}-{rule.name}".lower()


def _read(text: str) -> Iterator[Explanation]:
    for section in _SECTION.finditer(text):
        blocks = {found["kind"]: found["text"] for found in _FENCE.finditer(section["body"])}
        told = [part.strip() for part in _FENCE.sub("", section["body"]).split("\n\n") if part.strip()]
        yield Explanation(
            rule=RULES[section["id"]],
            why="\n\n".join(part for part in told if not part.startswith((_MEND, _NOT_RUN))),
            mend=_labelled(told, _MEND),
            example=blocks.get("yaml", ""),
            not_run=_labelled(told, _NOT_RUN),
            printed=blocks.get("text", ""),
        )


def _labelled(parts: list[str], label: str) -> str:
    return next((part.removeprefix(label) for part in parts if part.startswith(label)), "")
