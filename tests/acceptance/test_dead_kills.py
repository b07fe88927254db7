"""`ebats dead` is killed, interrupted, started twice: no letter is lost, and few come back twice."""

import signal
import time
from collections import Counter
from collections.abc import Callable

from tests.acceptance.letters import dead, listed, shop, write
from tests.commands import RunningCommand
from tests.faults.site import Site
from tests.waiting import wait_until

__all__ = ["shop"]


def test_a_killed_list_loses_nothing(shop: Site, start_ebats: Callable[..., RunningCommand]) -> None:
    write(shop, *({"id": str(number)} for number in range(3000)))
    for pause_s in (0.4, 0.6, 0.8):
        command = start_ebats("dead", "list", shop.file)
        time.sleep(pause_s)
        command.kill()
    command = start_ebats("dead", "list", shop.file)
    time.sleep(0.6)
    command.interrupt()
    command.wait()
    shop.wait_ready("dead", 3000)


def test_killed_retries_lose_nothing_and_repeat_one_message_at_most(
    shop: Site, start_ebats: Callable[..., RunningCommand]
) -> None:
    write(shop, *({"id": str(number)} for number in range(1500)))
    kills = 3
    for kill in range(1, kills + 1):
        command = start_ebats("dead", "retry", shop.file, "--all")
        wait_until(
            lambda kill=kill, command=command: shop.ready("fast") >= 60 * kill or not command.running, 30
        )
        command.process.send_signal(signal.SIGKILL)
        command.wait()
    # What a killed one had in hand comes back, on the embedded broker after a moment.
    wait_until(lambda: shop.ready("fast") + shop.ready("dead") >= 1500, 15)
    again = Counter(letter.n for letter in shop.take("fast"))
    still = Counter(letter.n for letter in shop.take("dead"))
    assert again.keys() | still.keys() == {str(number) for number in range(1500)}
    assert max(still.values(), default=1) == 1
    twice = [name for name in again if again[name] + still[name] > 1]
    assert len(twice) <= kills, twice


def test_two_retries_at_once_do_no_harm(shop: Site, start_ebats: Callable[..., RunningCommand]) -> None:
    write(shop, *({"id": str(number)} for number in range(600)))
    commands = [start_ebats("dead", "retry", shop.file, "--all") for _ in range(2)]
    assert [command.wait() for command in commands] == [0, 0]
    dead(shop, "retry", "--all")  # each saw only what the other hadn't in hand
    assert Counter(letter.n for letter in shop.take("fast")) == Counter(map(str, range(600)))
    assert shop.ready("dead") == 0


def test_letters_come_back_while_the_pipeline_runs_and_die_again_only_once(site: Site) -> None:
    site.write_work()
    command = site.start()
    site.send(["a", "b"], do="raise")
    site.wait_ready("dead", 2)
    result = dead(site, "retry", "--all")
    assert result.stdout == "2 of 2 dead letters published again\n", result.stderr
    wait_until(lambda: len(site.oracle.started()) == 4, 20)
    site.wait_ready("dead", 2)
    site.end(command)
    assert [letter["attempts"] for letter in listed(site)] == [1, 1]
