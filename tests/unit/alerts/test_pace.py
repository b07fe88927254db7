"""Twenty messages a minute for a robot, whichever process sends them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.alerts.channels.pace import ROBOT, Pace

URL = "https://qyapi.example.com/send?key=secret-of-a-robot"


class Clock:
    """Time as a test has it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 30), min_size=30, max_size=120))
def test_never_more_than_twenty_within_a_minute(gaps: list[float]) -> None:
    clock = Clock()
    pace = Pace(URL, None, clock=clock)
    pace._careful = ROBOT  # what is kept in a file goes by this one
    sent = []
    for gap in gaps:
        clock.now += gap
        while wait_s := pace.take():
            assert 0 < wait_s <= ROBOT.window_s
            clock.now += wait_s + 0.001
        sent.append(clock.now)
    # A request that began may arrive up to ten seconds later.
    assert all(later - earlier >= 60 for earlier, later in zip(sent, sent[20:], strict=False))


def test_the_first_ten_go_at_once_and_then_one_each_few_seconds(tmp_path: Path) -> None:
    clock = Clock()
    pace = Pace(URL, str(tmp_path), clock=clock)
    assert [pace.take() for _ in range(10)] == [0.0] * 10
    assert pace.take() == pytest.approx(7.0)
    clock.now += 7.1
    assert pace.take() == 0.0


def test_another_process_goes_on_counting(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(10):
        assert Pace(URL, str(tmp_path), clock=clock).take() == 0.0
    assert Pace(URL, str(tmp_path), clock=clock).take() > 0
    assert Pace(f"{URL}2", str(tmp_path), clock=clock).take() == 0.0


def test_the_key_is_not_in_the_file(tmp_path: Path) -> None:
    Pace(URL, str(tmp_path / "robots")).take()
    [file] = (tmp_path / "robots").iterdir()
    assert "secret" not in file.name + file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["[1, 2", "{}", '["x"]', "[null]"])
def test_a_file_that_was_half_written_stops_nobody(tmp_path: Path, content: str) -> None:
    clock = Clock()
    pace = Pace(URL, str(tmp_path), clock=clock)
    pace.take()
    [file] = tmp_path.iterdir()
    file.write_text(content)
    waited = 0.0
    while waited <= ROBOT.window_s and (wait_s := pace.take()):
        clock.now += wait_s
        waited += wait_s
    assert waited <= ROBOT.window_s


def test_without_a_place_to_remember_half_as_many_go() -> None:
    clock = Clock()
    pace = Pace(URL, "/dev/null/no-folder", clock=clock)
    sent = 0
    end = clock.now + 60
    while clock.now < end:
        wait_s = pace.take()
        sent += not wait_s
        clock.now += wait_s
    assert sent <= 10


def test_a_clock_that_was_set_back_holds_nobody_up_for_longer_than_the_window(tmp_path: Path) -> None:
    clock = Clock()
    pace = Pace(URL, str(tmp_path), clock=clock)
    for _ in range(10):
        pace.take()
    clock.now -= 86_400
    assert 0 < pace.take() <= ROBOT.window_s


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    pace = Pace(URL, str(tmp_path))
    target = tmp_path / "target"
    target.write_text("mine")
    assert pace._path
    pace._path.symlink_to(target)
    assert pace.take() == 0.0
    assert target.read_text() == "mine"
