"""A part of a graph: what is wanted, what leads to it, what follows, and no neighbours."""

import pytest

from ebats.runner.graph.build import build
from ebats.runner.graph.graph import Graph
from ebats.runner.graph.only import keep, names
from tests.unit.graph.files import graph, many

TEXT = """
queues: {demo: {}}
ladders: {notify: [1s, 3s]}
tasks:
  ship: {python: "a:b", queue: demo, retry: notify, then: shipped}
  tell: {python: "a:c", queue: demo}
  note: {python: "a:d"}
  mail: {python: "a:e"}
events:
  paid: {tasks: [ship, {task: note, delay: 5s}]}
  shipped: {tasks: [tell, mail]}
  other: {tasks: [note]}
producers:
  nightly: {cron: "0 3 * * *", event: paid}
consumers: {one: {queues: [demo]}, rest: {}}
"""
WHOLE = graph(TEXT)


def kept(*wanted: str) -> set[str]:
    """Return the names of what is kept around some others, but for what is always there."""
    return {
        f"{node.kind} {node.name}"
        for node in keep(WHOLE, wanted).nodes
        if node.kind not in ("dead", "exchange", "outside")
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (
            "ship",
            {
                *(
                    "producer nightly",
                    "event paid",
                    "queue demo",
                    "task ship",
                    "ladder notify",
                    "consumer one",
                ),
                *("event shipped", "task tell", "task mail", "queue mail", "consumer rest"),
            },
        ),
        (
            "tell",
            {
                *("producer nightly", "event paid", "queue demo", "task ship", "ladder notify"),
                *("event shipped", "task tell", "consumer one"),
            },
        ),
        ("other", {"event other", "queue note", "task note", "consumer rest"}),
        (
            "note",
            {
                *("producer nightly", "event other", "event paid"),
                *("rung 5s", "queue note", "task note", "consumer rest"),
            },
        ),
    ],
)
def test_a_part_is_what_leads_there_and_what_follows(wanted: str, found: set[str]) -> None:
    assert kept(wanted) == found


def test_a_queue_a_consumer_and_a_ladder_stand_for_their_tasks() -> None:
    assert kept("demo") == kept("one") == kept("ship", "tell")
    assert kept("notify") == kept("ship")


def test_several_parts_are_one() -> None:
    assert kept("ship", "other") == kept("ship") | kept("other")


def test_a_part_of_everything_is_everything_but_the_sinks() -> None:
    everything = keep(WHOLE, names(WHOLE))
    assert everything.nodes == tuple(node for node in WHOLE.nodes if node.kind != "sink")
    assert everything.edges == WHOLE.edges


def test_only_what_has_a_name_can_be_asked_for() -> None:
    found = graph(
        'tasks: {ship: {python: "a:b", retry: [1s]}}\nevents: {paid: {tasks: [{task: ship, delay: 3s}]}}'
    )
    assert names(found) == ("shop.events", "paid", "ship", "all")


def test_edges_of_a_part_lead_to_what_is_in_it() -> None:
    whole = build(many(40))
    for name in names(whole):
        part: Graph = keep(whole, [name])
        assert {end for edge in part.edges for end in (edge.source, edge.target)} <= part.by_id.keys()
        assert {node.within for node in part.nodes if node.within} <= part.by_id.keys()
