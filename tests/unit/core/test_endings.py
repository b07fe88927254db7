"""Ends of processes, in words."""

import pytest

from ebats.runner.endings import death


@pytest.mark.parametrize(
    ("code", "pause_s", "is_ours", "said"),
    [
        (3, 0.1, False, "died: exit code 3; another one begins in 0.1 s"),
        (-11, 25.6, False, "died: killed by SIGSEGV; another one begins in 25.6 s"),
        (
            -9,
            0.4,
            False,
            "died: killed by SIGKILL, as the kernel does when memory runs out; another one begins in 0.4 s",
        ),
        (-9, None, True, "died: killed by SIGKILL"),
        (-99, None, False, "died: killed by signal 99"),
    ],
)
def test_a_death_is_told_with_its_cause_and_what_follows(
    code: int, pause_s: float | None, is_ours: bool, said: str
) -> None:
    assert death(code, pause_s, is_ours=is_ours) == said
