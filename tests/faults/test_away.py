"""A broker that isn't there yet, never comes, or goes while a run ends. Outages themselves: see the rows."""

import time
from collections.abc import Callable

from tests.brokers import RabbitNode, free_port
from tests.faults.site import Site
from tests.waiting import wait_until

Make = Callable[[str], Site]


def test_broker_away_at_the_start_is_waited_for_and_said_once(
    own_node: Callable[..., RabbitNode], make_site: Make
) -> None:
    node = own_node()
    site = make_site(node.url)
    site.write_work()
    node.stop()

    command = site.launch()
    command.wait_for_output("can't be reached")
    time.sleep(3)
    assert command.running
    assert command.output.count("can't be reached") == 1

    node.start()
    command.wait_for_output("takes from", 40)
    site.send(["m-0"])
    site.wait_done()
    site.end(command)


def test_run_without_a_broker_ends_when_it_is_told_to(make_site: Make) -> None:
    site = make_site(f"amqp://guest:guest@127.0.0.1:{free_port()}/")
    site.write_work()
    command = site.launch()
    command.wait_for_output("can't be reached")

    site.end(command, deadline_s=15)


def test_broker_that_goes_while_a_run_ends_holds_up_nobody(
    own_node: Callable[..., RabbitNode], make_site: Make
) -> None:
    node = own_node()
    site = make_site(node.url)
    site.write_work({"concurrency": 2, "prefetch": 4})
    command = site.start()
    site.send([f"m-{number}" for number in range(6)], seconds=2)
    site.wait_started(2)
    node.kill()

    command.terminate()
    command.wait(35)  # grace, and what is left for a broker that doesn't answer
    wait_until(lambda: not command.family(), 10, "processes were left behind")

    node.start()
    site.run("--fail-on-dead")
    site.oracle.judge().check(duplicates=4)
