"""The rows of the faults: each is there, and has a test in its full form on each broker that it concerns."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults.rows.finding import ROWS as CHOSEN
from tests.faults.rows.table import BY_NUMBER, ROWS

ROOT = Path(__file__).parents[2]
#: Prints (row, broker) of each test of the rows that `python -m tests.faults` would run.
COLLECT = """
import json, sys, pytest
class Collected:
    def pytest_collection_finish(self, session):
        from tests.faults.rows.conftest import broker_of, row_of
        found = {(row, broker_of(item)) for item in session.items
                 if (row := row_of(item)) and 'finding' in item.fixturenames}
        sys.stderr.write(json.dumps(sorted(found)))
sys.exit(pytest.main(["--collect-only", "-qq", "-m", "", "tests/faults/rows"], plugins=[Collected()]))
"""


def test_rows_are_numbered_without_a_gap() -> None:
    assert [row.number for row in ROWS] == list(range(1, 26))
    assert len(BY_NUMBER) == 25


def test_each_row_is_shown_on_each_broker_that_it_concerns() -> None:
    environment = {**os.environ, CHOSEN: ",".join(map(str, BY_NUMBER))}
    result = subprocess.run(
        [sys.executable, "-c", COLLECT], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    shown = {(row, broker) for row, broker in json.loads(result.stderr.splitlines()[-1])}

    missing = {(row.number, broker) for row in ROWS for broker in row.brokers} - shown
    assert not missing, sorted(missing)
