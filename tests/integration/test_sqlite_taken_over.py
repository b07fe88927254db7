"""The embedded broker where a living process has lost its locks: others take its messages over."""

from collections.abc import Callable
from pathlib import Path

import pytest
from amqp.exceptions import ConnectionForced

from tests.integration.actor import actor
from tests.integration.wire import Wire, bodies

Lose = Callable[[Path], None]
TAKEN = "(took this one|taken this process) for dead"


def open_and_close(owners: Path) -> None:
    """Open the file of locks and close it, as a task does that copies the folder: that drops them all."""
    owners.open().close()


def delete(owners: Path) -> None:
    """Delete it, as who clears temporary files does."""
    owners.unlink()


@pytest.mark.parametrize("lose", [open_and_close, delete])
def test_who_was_taken_for_dead_settles_nothing_and_takes_nothing_more(tmp_path: Path, lose: Lose) -> None:
    # Given a connection with one message of two, in a process that has lost its locks
    url = f"sqlite:///{tmp_path}/x.db"
    sleeper = Wire(url)
    sleeper.queue("q")
    sleeper.send("q", "a", "b")
    sleeper.consume("q", prefetch=1)
    (late,) = sleeper.receive(1)
    lose(tmp_path / "x.db.d" / "owners")
    with actor(url, "hold", "q", "5") as other:
        # When another process has both, and the first acknowledges what it had
        assert other.wait_for_lines(2) == ["a", "b"]
        with pytest.raises(ConnectionForced, match=TAKEN):
            sleeper.ack(late)
        # Then both are still the other's
        with pytest.raises(ConnectionForced, match=TAKEN):
            sleeper.drain(0.5)
        with pytest.raises(ConnectionForced, match=TAKEN):
            sleeper.channel.basic_get("q")
        sleeper.close()
        again = Wire(url)
        assert again.ready("q") == 0
        other.kill()
    # And come back when that one dies
    again.consume("q")
    assert bodies(again.receive(2)) == ["a", "b"]
    again.close()


def test_who_has_locks_that_were_deleted_takes_nobody_for_dead(tmp_path: Path) -> None:
    # Given a process that works by a new file of locks, and one that had opened the old one
    url = f"sqlite:///{tmp_path}/x.db"
    old = Wire(url)
    old.queue("q")
    old.send("q", "a", "b")
    delete(tmp_path / "x.db.d" / "owners")
    with actor(url, "hold", "q", "5") as other:
        other.wait_for_lines(2)

        # Then the old one connects anew, before it looks for the dead
        with pytest.raises(ConnectionForced, match="were deleted"):
            old.drain_for(5)
        old.close()
        new = Wire(url)
        new.drain_for(1.5)
        assert new.ready("q") == 0
        new.close()
