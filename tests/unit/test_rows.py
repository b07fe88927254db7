"""The rows of the faults: each is there, and has tests for each broker that it concerns."""

from tests.faults.rows.table import BY_NUMBER, ROWS


def test_rows_are_numbered_without_a_gap() -> None:
    assert [row.number for row in ROWS] == list(range(1, 26))
    assert len(BY_NUMBER) == 25
