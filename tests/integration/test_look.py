"""Looking at what a pipeline has on the broker while somebody changes it."""

import threading
from contextlib import closing
from pathlib import Path

from kombu.connection import Connection

from ebats.pipelines.load import load
from ebats.runner.broker import look
from ebats.runner.broker.declare import apply
from ebats.runner.broker.lock import alone
from tests.conftest import Broker
from tests.integration.wire import Wire
from tests.waiting import wait_until


def say(_level: str, _text: str) -> None:
    pass


def test_who_comes_amidst_the_first_declaration_waits_for_its_end(broker: Broker, tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(f"{{version: 1, name: {broker.prefix}, broker: {{url: '{broker.url}'}}, tasks: {{}}}}")
    pipeline = load(str(path), {})
    with closing(Wire(broker.url)) as wire:
        # As it is when the topology is kept and nothing is bound yet.
        apply(pipeline, say)
        held, go_on = threading.Event(), threading.Event()

        def hold(_connection: Connection) -> bool:
            held.set()
            return go_on.wait(30)

        holder = threading.Thread(target=alone, args=(pipeline, say, lambda: False, hold))
        holder.start()
        assert held.wait(10)
        found: list[bool | None] = []
        looker = threading.Thread(
            target=lambda: found.append(look.ensure(pipeline, say, lambda: False, compare=False))
        )
        looker.start()
        looker.join(0.5)
        assert looker.is_alive()
        go_on.set()
        wait_until(lambda: found == [False])
        holder.join()
        looker.join()
        wire.wait_ready(f"{broker.prefix}.topology", 1)
