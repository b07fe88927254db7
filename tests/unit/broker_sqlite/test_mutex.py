import threading
from pathlib import Path

import pytest

from ebats.runner.broker.sqlite import mutex
from ebats.runner.broker.sqlite.mutex import ProcessLocks


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "x.db.d").mkdir()
    return str(tmp_path / "x.db.d")


def test_a_process_has_one_set_of_locks_for_a_database(folder: str) -> None:
    first, second = mutex.acquire(folder), mutex.acquire(folder)
    assert first is second
    mutex.release(first)
    assert second.live(1)  # closed files would say "bad file descriptor"
    mutex.release(second)


def test_an_owner_of_this_process_is_alive_until_it_gives_up(folder: str) -> None:
    locks = mutex.acquire(folder)
    assert locks.live(5)
    assert not locks.is_dead(5)
    locks.die(5)
    assert locks.is_dead(5)
    mutex.release(locks)


def test_the_mutex_keeps_threads_apart(folder: str) -> None:
    locks = mutex.acquire(folder)
    inside: list[int] = []

    def work(locks: ProcessLocks) -> None:
        for _ in range(200):
            with locks.writing():
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=work, args=(locks,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not inside
    mutex.release(locks)


@pytest.mark.parametrize("file", ["lock", "owners"])
def test_a_folder_that_was_deleted_and_made_again_gets_new_locks(folder: str, file: str) -> None:
    old = mutex.acquire(folder)
    Path(folder, file).unlink()
    new = mutex.acquire(folder)
    assert new is not old
    mutex.release(old)
    mutex.release(new)
