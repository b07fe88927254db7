"""What is in a graph: nodes, edges, and no secrets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ebats.runner.graph import describe
from ebats.runner.graph.as_json import as_json
from ebats.runner.graph.build import build
from ebats.runner.graph.dot import dot
from ebats.runner.graph.graph import Graph
from ebats.runner.graph.mermaid import mermaid
from ebats.runner.graph.picture.svg import draw
from tests.unit.graph.files import FILES, graph, loaded

FORMATS = (mermaid, dot, draw, as_json)
TWO_TASKS = """
queues: {demo: {}}
ladders: {notify: [1s, 3s]}
tasks:
  ship: {python: "a:b", queue: demo, retry: notify, then: shipped, on_dead: lost}
  tell: {python: "a:c", queue: demo}
events:
  paid: {tasks: [ship, {task: tell, delay: 10s}]}
  shipped: {tasks: [tell]}
  lost: {tasks: [tell]}
"""
SECRETS = """
broker: {url: "amqp://user:hunter2@rabbit/v"}
tasks:
  call:
    http:
      url: "https://user:hunter2@api.example.com:8443/hooks/hunter2?key=hunter2"
      headers: {Authorization: hunter2}
      sign: {secret: whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==}
  base: {http: {url: "{{ base }}/hunter2"}}
events: {paid: {tasks: [call, base], labels: {x: hunter2}}}
producers:
  gateway: {http: {listen: 127.0.0.1:9501, auth: {bearer: hunter2-hunter2-hunter2}}}
  nightly: {cron: "0 3 * * *", event: paid, payload: {token: hunter2}}
logs:
  search: {elasticsearch: {hosts: ["https://es:9200"], api_key: hunter2}}
alerts:
  channels:
    robot: {wecom: {url: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=hunter2"}}
    hook: {webhook: {url: "https://hooks.slack.com/services/hunter2"}}
  rules: [{dead_letters: 1}]
"""


def edges(found: Graph) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.kind, edge.target) for edge in found.edges}


def test_messages_go_from_events_over_queues_to_tasks_and_on() -> None:
    assert edges(graph(TWO_TASKS)) == {
        ("outside:", "publish", "exchange:events"),
        ("event:paid", "route", "queue:demo"),
        ("event:paid", "route", "rung:10s.paid.tell@demo"),
        ("rung:10s.paid.tell@demo", "wait", "queue:demo"),
        ("event:shipped", "route", "queue:demo"),
        ("event:lost", "route", "queue:demo"),
        ("queue:demo", "feed", "task:ship"),
        ("queue:demo", "feed", "task:tell"),
        ("queue:demo", "take", "consumer:all"),
        ("task:ship", "retry", "ladder:notify"),
        ("ladder:notify", "die", "dead:"),
        ("task:tell", "die", "dead:"),
        ("task:ship", "then", "event:shipped"),
        ("task:ship", "on_dead", "event:lost"),
    }


def test_an_event_stands_in_its_exchange_or_its_intake() -> None:
    found = graph("""
exchanges: {erp: {type: topic, external: true}}
queues: {old: {external: true}}
tasks: {ship: {python: "a:b"}}
events:
  paid: {tasks: [ship]}
  wanted: {exchange: erp, key: "*.WANTED", tasks: [ship]}
  moved: {queue: old, tasks: [ship]}
""")
    assert {node.id: node.within for node in found.of_kind("event")} == {
        "event:paid": "exchange:events",
        "event:wanted": "exchange:erp",
        "event:moved": "queue:old",
    }
    assert found.by_id["exchange:erp"].external
    assert found.by_id["event:wanted"].details == ("*.WANTED",)
    assert {target for _, kind, target in edges(found) if kind == "publish"} == {
        "exchange:events",
        "exchange:erp",
        "queue:old",
    }


@pytest.mark.parametrize(
    ("producer", "published"),
    [
        ('{cron: "0 3 * * *", event: paid}', {"event:paid"}),
        ("{every: 10s, task: ship}", {"key:task.ship"}),
        ('{python: "a:f", event: paid}', {"event:paid"}),
        ('{python: "a:f"}', {"exchange:events"}),
        ("{http: {}}", {"exchange:events", "exchange:erp", "exchange:tasks"}),
        (
            "{http: {listen: 127.0.0.1:1, auth: {bearer: [{name: a, token: a-long-and-random-text,"
            " allow: {events: [paid], tasks: [ship], queues: [ship], exchanges: [erp]}}]}}}",
            {"event:paid", "key:task.ship", "key:queue.ship", "exchange:erp"},
        ),
    ],
)
def test_a_producer_leads_to_what_it_publishes(producer: str, published: set[str]) -> None:
    found = graph(f"""
exchanges: {{erp: {{type: topic}}}}
tasks: {{ship: {{python: "a:b"}}, alone: {{python: "a:c"}}}}
events: {{paid: {{tasks: [ship]}}}}
producers: {{one: {producer}}}
""")
    assert {target for source, _, target in edges(found) if source == "producer:one"} == published


def test_a_gateway_leads_to_queues_that_are_only_published_to() -> None:
    found = graph("""
queues: {theirs: {external: true}}
tasks: {ship: {python: "a:b"}}
events: {paid: {tasks: [ship]}}
producers: {gateway: {http: {}}}
""")
    published = {target for source, _, target in edges(found) if source == "producer:gateway"}
    assert published == {"exchange:events", "exchange:"}
    assert ("key:queue.theirs", "route", "queue:theirs") in edges(found)


def test_a_task_that_no_event_has_is_addressed_by_its_name() -> None:
    found = graph('tasks: {alone: {python: "a:c"}}')
    assert ("key:task.alone", "route", "queue:alone") in edges(found)
    assert ("outside:", "publish", "exchange:tasks") in edges(found)


@pytest.mark.parametrize("write", FORMATS)
def test_no_secret_is_shown(write: Callable[[Graph], str]) -> None:
    drawn = write(graph(SECRETS))
    assert "hunter2" not in drawn
    assert "whsec" not in drawn
    assert "POST api.example.com:8443" in drawn


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example.com/x?key=1", "POST api.example.com"),
        ("https://u:p@api.example.com", "POST api.example.com"),
        ("https://{{ host }}/x", "POST {{ host }}"),
        ("{{ notify_url }}", "POST {{ notify_url }}"),
        ("http://[::1]:8080/x", "POST [::1]:8080"),
    ],
)
def test_of_a_url_the_host_is_shown(url: str, shown: str) -> None:
    found = graph(f'tasks: {{call: {{http: {{url: "{url}", allow_hosts: ["127.0.0.1"]}}}}}}')
    assert found.by_id["task:call"].details == (shown,)


def test_the_files_sinks_and_channels_are_in_the_graph() -> None:
    found = graph(SECRETS)
    assert [node.name for node in found.of_kind("sink", "channel")] == ["search", "robot", "hook"]


def test_json_has_all_nodes_and_edges() -> None:
    found = graph(TWO_TASKS)
    data = json.loads(as_json(found))
    assert [node["id"] for node in data["nodes"]] == [node.id for node in found.nodes]
    assert {"source": "task:ship", "target": "event:shipped", "kind": "then"} in data["edges"]
    ladder = {"id": "ladder:notify", "kind": "ladder", "name": "notify", "details": ["1s", "3s"]}
    assert ladder in data["nodes"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_edges_lead_from_nodes_to_nodes(path: Path) -> None:
    found = build(loaded(path))
    assert len(found.by_id) == len(found.nodes)
    for edge in found.edges:
        assert {edge.source, edge.target} <= found.by_id.keys()
        assert edge.task is None or edge.task in found.by_id
    assert {node.within for node in found.nodes if node.within} <= found.by_id.keys()


def test_an_unusual_queue_is_described() -> None:
    found = graph("""
queues: {fast: {type: classic, ack: early}}
tasks: {ship: {python: "a:b", queue: fast}}
""")
    assert found.by_id["queue:fast"].details == ("classic, ack: early",)
    assert describe.outside() == ("ebats publish", "Publisher, AMQP")
