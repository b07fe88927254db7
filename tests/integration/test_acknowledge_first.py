"""What is acknowledged before its run is gone, though its process dies the moment after: `ack: early`."""

import subprocess
import sys
from contextlib import closing

from tests.conftest import Broker
from tests.integration.wire import Wire

_TAKER = """
import os, signal, sys, time
import ebats
from ebats.pipelines.model import Broker
from ebats.runner.broker.consume import Intake

came = []
intake = Intake(Broker(urls=(sys.argv[1],)), {sys.argv[2]: 10}, came.append, print)
intake.start()
while len(came) < 3:
    time.sleep(0.01)
for delivery in came:
    assert intake.acknowledge_first(delivery, 10)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_acknowledged_first_does_not_come_back(main_broker: Broker) -> None:
    with closing(Wire(main_broker.url)) as wire:
        queue = wire.queue(f"{main_broker.prefix}.hasty")
        wire.send(queue, "a", "b", "c")
        killed = subprocess.run(
            [sys.executable, "-c", _TAKER, main_broker.url, queue], timeout=60, check=False
        )
        assert killed.returncode == -9
        wire.consume(queue)
        wire.drain_for(2.5)
        assert wire.messages == []
