"""More lost links than the broker's delivery limit counts, while a message is at work."""

import json
import time
from collections.abc import Callable

import pytest

from tests.faults.test_away import Make
from tests.proxy import Proxy


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_more_cuts_than_the_delivery_limit_make_no_dead_letter(
    rabbitmq_port: tuple[str, int], proxy_to: Callable[[int], Proxy], make_site: Make
) -> None:
    # Given one task of 45 seconds, and messages that wait behind it, over a link that is cut 30 times
    vhost, port = rabbitmq_port
    proxy = proxy_to(port)
    site = make_site(f"amqp://guest:guest@127.0.0.1:{port}/{vhost}")
    site.write_work({"processes": 1, "concurrency": 1, "prefetch": 4}, retry=["1s"], timeout="5m")
    through = json.loads(site.file.read_text())
    through["broker"]["url"] = f"amqp://guest:guest@127.0.0.1:{proxy.port}/{vhost}"
    site.file.write_text(json.dumps(through))
    command = site.start()
    site.send(["long"], seconds=45)
    site.wait_started(1)
    site.send(["behind-1", "behind-2"])
    for _ in range(30):
        time.sleep(1.3)
        proxy.cut()

    # Then each ran once, and nothing is dead
    site.wait_done()
    site.end(command)
    assert sorted(run["n"] for run in site.oracle.started()) == ["behind-1", "behind-2", "long"]
    assert not site.take()
    site.wait_ready("work", 0)
