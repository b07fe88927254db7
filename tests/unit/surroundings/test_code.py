"""A task that nothing leads to is named, unless somebody may address it."""

from pathlib import Path

import pytest

from ebats.pipelines.load import examine
from ebats.runner.surroundings.code import unreached

FILE = """\
version: 1
name: shop
tasks:
  ship: {python: "code:ship"}
  bill: {python: "code:bill"}
events:
  paid: {tasks: [ship]}
"""
SECRET = "a-token-that-nobody-guesses"


def found(folder: Path, text: str = FILE) -> list[tuple[str, int, str]]:
    """Return id, line and text of what is found."""
    file = folder / "shop.yaml"
    file.write_text(text)
    problems = unreached(examine(str(file), {}).pipeline)
    return [(each.rule.id, each.place.line, each.text) for each in problems]


def gateway(auth: str) -> str:
    return f"producers: {{in: {{http: {{listen: '127.0.0.1:9501', auth: {{bearer: {auth}}}}}}}}}\n"


TOLD = [("EB306", 5, "no event leads to `bill`, and nothing here addresses it")]


def test_a_task_of_no_event_is_named(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def ship(): pass\ndef bill(): pass\n")
    assert found(tmp_path) == TOLD


def test_code_that_names_it_may_address_it(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "views.py").write_text("publisher.run_task('bill', {})\n")
    assert found(tmp_path) == []


def test_other_peoples_code_says_nothing(tmp_path: Path) -> None:
    for folder in (".venv", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "some.py").write_text("'bill'\n")
    assert found(tmp_path) == TOLD


@pytest.mark.parametrize(
    "more",
    [
        "producers: {nightly: {cron: '0 3 * * *', task: bill}}\n",
        "producers: {in: {http: {}}}\n",
        gateway(SECRET),
        gateway(f"[{{token: {SECRET}, allow: {{tasks: [bill]}}}}]"),
        gateway(f"[{{token: {SECRET}, allow: {{queues: [bill]}}}}]"),
    ],
)
def test_what_the_file_itself_may_address_is_well(more: str, tmp_path: Path) -> None:
    assert found(tmp_path, FILE + more) == []


def test_a_gateway_that_may_not_address_it_leaves_it_unreached(tmp_path: Path) -> None:
    assert found(tmp_path, FILE + gateway(f"[{{token: {SECRET}, allow: {{events: [paid]}}}}]")) == TOLD


def test_in_a_file_without_events_programs_address_tasks(tmp_path: Path) -> None:
    assert found(tmp_path, FILE.partition("events:")[0]) == []
