"""docs/problems.md: each kind of problem has its section, and each example really has that problem alone.

`EBATS_TEST_WRITE=1` writes the page anew from schemas/problems.md and the code.
"""

import os
import re
from pathlib import Path

import pytest

from ebats import schemas
from ebats.pipelines import rules
from ebats.pipelines.explanations import anchor, explanations
from ebats.pipelines.rules import RULES, Rule
from ebats.runner.commands.explain import EXAMPLE, markdown
from ebats.runner.commands.verdict import judge

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "problems.md"
CODE = [
    path.read_text("utf-8")
    for folder in ("pipelines", "runner")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "rules.py"
]
NAMES = {rule.id: name for name, rule in vars(rules).items() if isinstance(rule, Rule)}

#: What stands above the rules of each group, by the first number.
GROUPS = {
    0: "Reading the file",
    100: "The shape of its values",
    200: "How they fit together",
    300: "What it needs around it",
    400: "Its tests",
}
BEGINNING = """\
# Problems, by their ids

`ebats validate` and all other commands name each problem of a file by an id: `error[EB103]`. An id never
changes its meaning. `ebats explain EB103` prints its section of this page. The examples are tried by a test,
and below each stands what `ebats validate` prints for it. How to check files in CI: [validate](validate.md).
"""


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_each_rule_is_explained(rule: Rule) -> None:
    """A new rule gets a section of its own in schemas/problems.md."""
    told = explanations().get(rule.id)
    missing = [
        what
        for what, is_there in (
            ("a sentence or more on what it means", told and told.why),
            ("a paragraph that begins with `Mend: `", told and told.mend),
            ("a ```yaml block with a file that has this problem and no other", told and told.example),
        )
        if not is_there
    ]
    assert not missing, (
        f"schemas/problems.md: the section `## {rule.id}` ({rule.name}), between its neighbours, lacks "
        f"{', '.join(missing)}; then EBATS_TEST_WRITE=1 writes docs/problems.md"
    )


def test_sections_stand_in_order_and_each_is_of_a_rule() -> None:
    titles = re.findall(r"^## (.*)$", schemas.problems(), re.MULTILINE)
    assert titles == sorted(titles)
    assert [title for title in titles if title not in RULES] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_each_example_has_its_problem_and_no_other(rule: Rule) -> None:
    told = explanations()[rule.id]
    if told.not_run:
        assert f"[{rule.id}]" in told.printed, "an example that isn't run needs a ```text block of its output"
        return
    found = judge(EXAMPLE, {}, content=told.example.encode())
    assert [str(problem) for problem in found.problems if problem.rule != rule] == []
    assert {problem.rule for problem in found.problems} == {rule}


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_no_rule_is_dead(rule: Rule) -> None:
    name = NAMES[rule.id]
    assert any(f"rules.{name}" in code for code in CODE), f"nothing says `rules.{name}`: take {rule.id} out"


def test_ids_and_names_are_each_used_once() -> None:
    assert len({rule.name for rule in RULES.values()}) == len(RULES)
    assert list(RULES) == sorted(RULES)
    assert all(re.fullmatch(r"EB\d{3}", id_) for id_ in RULES)


def test_the_page_is_up_to_date() -> None:
    if os.environ.get("EBATS_TEST_WRITE"):
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page(), "EBATS_TEST_WRITE=1 writes docs/problems.md"


def page() -> str:
    """Return what the page has to be."""
    parts = [BEGINNING]
    grouped = {
        start: [rule for rule in RULES.values() if start <= int(rule.id[2:]) < start + 100]
        for start in GROUPS
    }
    for start, title in GROUPS.items():
        if grouped[start]:
            rows = "".join(row(rule) for rule in grouped[start])
            parts.append(f"## {title}\n\n| id | name | | |\n|---|---|---|---|\n{rows}")
    parts += [
        f"## {rule.id}: {rule.name}\n\n{markdown(explanations()[rule.id])}"
        for rules_of_group in grouped.values()
        for rule in rules_of_group
        if rule.id in explanations()
    ]
    return "\n".join(parts)


def row(rule: Rule) -> str:
    return f"| [{rule.id}](#{anchor(rule)}) | `{rule.name}` | {rule.severity} | {rule.about} |\n"
