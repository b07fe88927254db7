"""A broker that is killed in the second in which its queues were made still has what they confirmed."""

from collections.abc import Callable
from contextlib import closing

import pytest

from ebats.pipelines.load import load
from ebats.pipelines.topology import derive
from tests.brokers import RabbitNode
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rabbitmq310", "rabbitmq40"])
def test_what_new_queues_confirmed_is_there_after_their_broker_was_killed(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site], kind: str
) -> None:
    # Given a pipeline that has just been declared, for the first time and after an edit
    node = own_node(kind)
    site = make_site(node.url)
    for tasks in (["work"], ["work", "work_async"]):
        site.write(tasks={name: {"python": f"tasks:{name}"} for name in tasks})
        site.declare()
        # Rungs of hours are among the last that are made.
        queues = [
            queue.name
            for queue in derive(load(str(site.file), {})).queues
            if queue.kind != "topology" and (queue.kind != "rung" or queue.name.endswith(("h", "d")))
        ]

        # When each of its queues has confirmed a message, and the broker is killed
        with closing(Wire(node.url)) as wire:
            before = {name: wire.ready(name) for name in queues}
            for name in queues:
                wire.send(name, "kept")
            node.kill()
        node.start()

        # Then none is lost
        with closing(Wire(node.url)) as wire:
            wait_until(
                lambda wire=wire, before=before: all(wire.ready(name) > before[name] for name in before),
                30,
                lambda wire=wire, before=before: str({name: wire.ready(name) for name in before}),
            )
