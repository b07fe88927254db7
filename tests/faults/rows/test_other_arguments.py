"""Queues and exchanges that exist with other arguments: all is said at once, and nothing is touched."""

from contextlib import closing
from typing import Any

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.lines import check_told
from tests.faults.site import Site
from tests.integration.wire import Wire, rung_arguments, work_arguments

pytestmark = [pytest.mark.row(20), pytest.mark.slow]

COUNT = 50
#: What differs, by kind and name.
DIFFERENCES = {
    ("queue", "demo"): "x-delivery-limit is 5 on the broker and 20",
    ("queue", "mail"): "x-queue-type is classic on the broker and quorum",
    ("queue", "delay.700ms"): "x-message-ttl is 900 on the broker and 700",
    ("exchange", "orders"): "type is fanout on the broker and topic",
}


def write(site: Site, **sections: Any) -> None:
    """Write a file with two queues, a rung of its own and an exchange."""
    site.write(
        exchanges={"orders": {"type": "topic"}},
        queues={"demo": {}, "mail": {}},
        tasks={
            "work": {"python": "tasks:work", "queue": "demo", "retry": ["700ms"]},
            "mail": {"python": "tasks:work"},
        },
        events={
            "happened": {"tasks": ["work"]},
            "wanted": {"exchange": "orders", "key": "#", "tasks": ["mail"]},
        },
        **sections,
    )


def make_others(site: Site) -> None:
    """Put queues and an exchange with other arguments in the place of the file's, as somebody else would."""
    name = site.name
    with closing(Wire(site.url)) as wire:
        for queue in ("demo", "mail", "delay.700ms"):
            wire.channel.queue_delete(f"{name}.{queue}")
        wire.channel.exchange_delete(f"{name}.orders")
        wire.queue(f"{name}.demo", work_arguments(f"{name}.dead", limit=5))
        wire.queue(f"{name}.mail", {"x-queue-type": "classic"})
        wire.queue(f"{name}.delay.700ms", rung_arguments(f"{name}.tasks", 900))
        wire.exchange(f"{name}.orders", "fanout")
        for exchange, key, queue in (
            ("events", "happened", "demo"),
            ("tasks", "work", "demo"),
            ("orders", "", "mail"),
        ):
            wire.channel.queue_bind(f"{name}.{queue}", f"{name}.{exchange}", key)


def test_a_clash_ends_the_run_with_both_values_and_deletes_nothing(row_site: Site, finding: Finding) -> None:
    # Given a pipeline with messages in queues that somebody else made
    site = row_site
    write(site)
    site.declare()
    make_others(site)
    site.send([f"m-{number}" for number in range(COUNT)])
    site.send([f"o-{number}" for number in range(COUNT)], exchange="orders")
    finding.caused(len(DIFFERENCES))

    # When it is started
    output = site.run(code=78)

    # Then it says what differs, a line for each, and what to do
    for (kind, name), values in DIFFERENCES.items():
        check_told(
            output, begins=rf"error\[EB312\]: the {kind} {site.name}.{name} differs: .*{values} for this file"
        )
        if kind == "queue":
            assert f"write `generations: {{{name}: 2}}` at the top of the file" in output
    assert "delete it on the broker, and it is made anew" in output
    # And nothing was deleted or taken
    assert (site.ready("demo"), site.ready("mail")) == (COUNT, COUNT)
    assert not site.oracle.started()

    # And what it says to do works: the messages go on
    with closing(Wire(site.url)) as wire:
        wire.channel.exchange_delete(f"{site.name}.orders")
    write(site, generations={name: 2 for kind, name in DIFFERENCES if kind == "queue"})
    site.run("--fail-on-dead")
    finding.add(site.oracle.judge(), duplicates=0)
