"""Ids of messages that come without one."""

import os
import random
import re
import sys
from subprocess import run

from ebats.runner.execution.ids import new_id

FORKS = """
import os, random
from ebats.runner.execution.ids import new_id
for _ in range(3):
    random.seed(1)
    if not os.fork():
        os.write(1, f"{new_id()}\\n".encode())
        os._exit(0)
    os.wait()
    os.write(1, f"{new_id()}\\n".encode())
"""


def test_an_id_is_32_hexadecimal_digits() -> None:
    ids = {new_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(re.fullmatch("[0-9a-f]{32}", id_) for id_ in ids)


def test_no_two_processes_give_the_same_id() -> None:
    found = [line for _ in range(2) for line in _printed(FORKS)]
    assert len(found) == 12
    assert len({*found}) == 12


def test_whoever_seeds_pythons_random_numbers_gets_other_ids_all_the_same() -> None:
    random.seed(7)
    first = new_id()
    random.seed(7)
    assert new_id() != first


def _printed(program: str) -> list[str]:
    done = run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    return done.stdout.split()
