"""docs/reliability.md is what the program writes from what its tests found."""

import os

import pytest

from tests.faults import page
from tests.faults.rows.finding import Finding
from tests.faults.rows.table import ROWS


def run(**more: object) -> page.Run:
    found = Finding(row=7, test="t", broker="rabbitmq310", faults=5, confirmed=2000, passed=True)
    for name, value in more.items():
        setattr(found, name, value)
    return page.Run(date="2026-11-23", versions={"ebats": "1"}, minutes=61.2, findings=[found])


def test_every_row_stands_in_the_table_on_each_broker_that_it_concerns() -> None:
    lines = page.table(run())[1:]

    assert [int(line[0]) for line in lines] == [row.number for row in ROWS for _ in row.brokers]
    assert {len(line) for line in lines} == {9}
    assert [line for line in lines if line[3:] != ["", "", "", "", "", "not run"]] == [
        ["7", page.ROWS[6].fault, "RabbitMQ 3.10", "5", "2,000", "0", "0", "0", "held"]
    ]


@pytest.mark.parametrize("more", [{"passed": False}, {"passed": False, "lost": 3}])
def test_a_row_that_failed_is_shown_as_that(more: dict[str, object]) -> None:
    assert "**failed**" in page.shown(run(**more))


def test_the_control_is_no_part_of_the_sums() -> None:
    text = page.shown(run(is_control=True, lost=851))

    assert "**0 faults** were caused among **0 confirmed messages: 0 were lost.**" in text
    assert "| 7 | RabbitMQ 3.10 | 5 | 2,000 | 851 | yes |" in text


def test_notes_stand_below_the_table() -> None:
    text = page.shown(run(notes=["all done 3.1 s after the last kill"]))

    assert "    - RabbitMQ 3.10: all done 3.1 s after the last kill.\n" in text


def test_a_run_is_read_as_it_was_written(tmp_path: page.Path) -> None:
    page.write(run(), tmp_path / "run.json", tmp_path / "page.md")

    assert page.read(tmp_path / "run.json") == run()
    assert (tmp_path / "page.md").read_text() == page.shown(run())


def test_a_later_run_of_some_rows_replaces_these() -> None:
    old, new = run(), run(confirmed=3000)
    other = Finding(row=8, test="t", broker="rabbitmq310", confirmed=5)
    old.findings.append(other)

    found = page.merged(old, new, (7,))

    assert found.findings == [*new.findings, other]
    assert found.minutes == old.minutes + new.minutes


def test_a_terminal_gets_what_was_run() -> None:
    head, line = page.printed(run()).splitlines()
    assert head.split()[:2] == ["fault", "broker"]
    assert line.endswith("held")


def test_the_page_is_what_the_program_writes() -> None:
    """EBATS_TEST_WRITE=1 writes it anew, from the run that is kept beside it."""
    kept = page.read()
    if os.environ.get("EBATS_TEST_WRITE"):
        page.PAGE.write_text(page.shown(kept), "utf-8")

    assert page.PAGE.read_text("utf-8") == page.shown(kept)
