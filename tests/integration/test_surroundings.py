"""`ebats validate --connect` says what a start would stumble over on the broker, and changes nothing."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from amqp.exceptions import NotFound

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.runner.broker import declare
from ebats.runner.surroundings import broker as surroundings
from ebats.runner.surroundings import elastic
from tests.commands import run_ebats
from tests.conftest import Broker
from tests.integration.test_declare import silent, stored
from tests.integration.test_external import FILE, load, make_theirs
from tests.integration.wire import Wire

NOTHING = "\n".join(
    [
        "version: 1",
        "name: shop",
        "tasks: {ship: {python: 'shop:ship'}}",
        "broker: {url: 'URL'}",
    ]
)


def found(pipeline: Pipeline) -> list[tuple[str, int, str]]:
    """Return id, line and text of what is found, in its order."""
    problems = surroundings.look(pipeline, wait_s=2.0)
    assert all(problem.severity == "error" for problem in problems)
    return [(problem.rule.id, problem.place.line, problem.text) for problem in problems]


def at(url: str) -> Pipeline:
    """Return a small pipeline on a broker; `broker` is in its line 4."""
    return from_bytes("shop.yaml", NOTHING.replace("URL", url).encode(), {}).pipeline


def exists(wire: Wire, queue: str) -> bool:
    with wire.connection.channel() as channel:
        try:
            channel.queue_declare(queue, passive=True)
        except NotFound:
            return False
    return True


def test_before_the_first_start_all_is_well_and_stays_as_it_was(broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    pipeline = load(broker)
    for _ in range(2):
        assert found(pipeline) == []
    for name in ("ship", "dead", "topology", "lock", "delay.10s"):
        assert not exists(wire, pipeline.on_broker(name))
    if broker.node:
        assert broker.node.list_queues(broker.vhost) == ["orders.v1"]
        assert not [name for name in broker.node.list_exchanges(broker.vhost) if broker.prefix in name]


def test_after_a_start_all_is_well_and_stays_as_it_was(broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    pipeline = load(broker)
    declare.apply(pipeline, silent)
    before = stored(wire, pipeline)
    assert found(pipeline) == []
    assert stored(wire, pipeline) == before
    assert found(load(broker, declared="never")) == []


def test_another_runner_that_changes_the_topology_is_not_waited_for(broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    pipeline = load(broker)
    wire.channel.queue_declare(pipeline.on_broker("lock"), exclusive=True, auto_delete=False)
    assert found(pipeline) == []


def test_what_is_missing_or_differs_is_said_at_its_place(broker: Broker, wire: Wire) -> None:
    pipeline, name = load(broker), broker.prefix
    wire.queue(f"{name}.ship", {"x-queue-type": "classic"})
    wire.queue(f"{name}.dead", {"x-queue-type": "quorum"})
    told = found(pipeline)
    assert [(id_, line) for id_, line, _ in told] == [
        ("EB313", 5),
        ("EB313", 7),
        ("EB312", 3),
        ("EB312", 9),
    ]
    assert told[0][2].startswith("the exchange trade isn't on the broker, and is external here")
    assert told[3][2].startswith(f"the queue {name}.ship differs: ")
    assert "x-queue-type is classic on the broker and quorum for this file" in told[3][2]
    assert not exists(wire, "orders.v1")


@pytest.mark.parametrize("type_", ["direct", "fanout"])
def test_an_external_exchange_of_another_type_is_said(type_: str, broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    wire.channel.exchange_delete("trade")
    wire.channel.exchange_declare("trade", type_, durable=True, auto_delete=False)
    [problem] = surroundings.look(load(broker))
    assert (problem.rule.id, problem.place.line) == ("EB312", 5)
    assert problem.text == (
        f"the exchange trade differs: type is {type_} on the broker and topic for this file"
    )
    assert problem.hint.startswith(f"write `type: {type_}` in the file")


def test_never_says_all_that_is_missing(broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    told = found(load(broker, declared="never"))
    assert {id_ for id_, _, _ in told} == {"EB313"}
    assert len(told) > 30
    assert not exists(wire, f"{broker.prefix}.ship")


def test_a_broker_that_is_away_is_said_once_for_each_url() -> None:
    with closing(socket.socket()) as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"amqp://shop:hunter2@127.0.0.1:{taken.getsockname()[1]}/shop"
        [(id_, line, text)] = found(at(url))
        assert (id_, line) == ("EB310", 4)
        assert text.startswith(f"the broker at amqp://shop@127.0.0.1:{taken.getsockname()[1]}/shop can't be ")
        assert "Connection refused" in text
        two = NOTHING.replace("'URL'", f"['{url}', '{url}x']").encode()
        assert len(found(from_bytes("shop.yaml", two, {}).pipeline)) == 2


def test_one_of_several_urls_that_answers_is_enough(each_rabbitmq: Broker) -> None:
    urls = f"['amqp://guest:guest@127.0.0.1:1/', '{each_rabbitmq.url}']"
    assert found(from_bytes("s.yaml", NOTHING.replace("'URL'", urls).encode(), {}).pipeline) == []


def test_a_broker_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begun = time.monotonic()
        [(id_, _, _)] = found(at(f"amqp://guest:guest@127.0.0.1:{mute.getsockname()[1]}/"))
        assert id_ == "EB310"
        assert time.monotonic() - begun < 15


def test_a_wrong_password_or_virtual_host_is_said_without_the_password(each_rabbitmq: Broker) -> None:
    broker = each_rabbitmq
    url = broker.url_of_user()
    for wrong in (url.replace("secret", "hunter2"), f"{url}-else"):
        [problem] = surroundings.look(at(wrong))
        assert (problem.rule.id, problem.place.line) == ("EB311", 4)
        assert "doesn't let this user in" in problem.text
        assert "hunter2" not in str(problem)
        assert "secret" not in str(problem)


def test_rights_that_are_lacking_are_said_before_the_first_start(each_rabbitmq: Broker) -> None:
    broker, name = each_rabbitmq, each_rabbitmq.prefix
    with closing(Wire(broker.url)) as wire:
        make_theirs(wire)
        ours = rf"^{name}\."
        full = {
            "configure": ours,
            "write": rf"{ours}|^amq\.default$",
            "read": rf"{ours}|^trade$|^orders\.v1$",
        }
        assert found(load(broker, url=broker.url_of_user(**full))) == []
        cases = [
            ({"configure": "^$"}, f"add ^{name}\\. to its configure permission"),
            ({"write": "^amq\\.default$"}, f"add ^{name}\\. to its write permission"),
            ({"write": ours}, "add ^amq\\.default$ to its write permission"),
            ({"read": "^trade$|^orders\\.v1$"}, f"add ^{name}\\. to its read permission"),
            ({"read": f"{ours}|^trade$"}, "add ^orders\\.v1$ to its read permission"),
        ]
        for lacking, grant in cases:
            [(id_, _, text)] = found(load(broker, url=broker.url_of_user(**{**full, **lacking})))
            assert id_ == "EB314"
            assert grant in text
        assert not exists(wire, f"{name}.ship")


def test_an_embedded_broker_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    assert found(at(f"sqlite:///{file}")) == []
    assert not list(tmp_path.iterdir())
    [(id_, _, text)] = found(at(f"sqlite:///{tmp_path}/none/shop.db"))
    assert (id_, text.endswith(f"there is no folder {tmp_path}/none")) == ("EB317", True)


def test_what_is_external_to_an_embedded_broker_that_is_not_there_is_missing(tmp_path: Path) -> None:
    broker = Broker(kind="sqlite", url=f"sqlite:///{tmp_path}/none.db", prefix="shop")
    assert [(id_, line) for id_, line, _ in found(load(broker))] == [("EB313", 5), ("EB313", 7)]


def test_a_file_that_is_no_broker_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("this is no database, and never was" * 100)
    [(id_, line, text)] = found(at(f"sqlite:///{tmp_path}/shop.db"))
    assert (id_, line) == ("EB317", 4)
    assert "the embedded broker's file" in text


def test_validate_prints_it_and_fails(broker: Broker, wire: Wire, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    text = FILE.replace("NAME", broker.prefix).replace("URL", broker.url).replace("DECLARE", "always")
    file.write_text(text)
    arguments = ("validate", "--connect", "--no-import", "--format", "text", file)
    result = run_ebats(*arguments)
    assert (result.returncode, result.stderr) == (1, "")
    assert (
        f"{file}:5:3: error[EB313]: the exchange trade isn't on the broker, and is external " in result.stdout
    )
    assert result.stdout.endswith("shop.yaml: 2 errors\n")
    make_theirs(wire)
    assert run_ebats(*arguments).returncode == 0


# Elasticsearch.


@pytest.fixture
def answering() -> Iterator[Callable[..., int]]:
    """Serve one answer over HTTP, on a port."""
    import threading
    from contextlib import ExitStack
    from http.server import BaseHTTPRequestHandler, HTTPServer

    with ExitStack() as stack:

        def answering(status: int, body: bytes = b"{}", product: str = "Elasticsearch") -> int:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.send_response(status)
                    self.send_header("X-Elastic-Product", product)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, format: str, *args: object) -> None:
                    pass

            server = stack.enter_context(HTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return int(server.server_port)

        yield answering


def sink_at(port: int) -> Pipeline:
    text = (
        f"version: 1\nname: shop\nlogs:\n  there: {{elasticsearch: {{hosts: ['http://127.0.0.1:{port}']}}}}\n"
    )
    return from_bytes("shop.yaml", text.encode(), {}).pipeline


@pytest.mark.parametrize("status", [200, 403])
def test_an_elasticsearch_that_knows_the_login_is_well(status: int, answering: Callable[..., int]) -> None:
    assert elastic.look(sink_at(answering(status))) == ()


@pytest.mark.parametrize(
    ("status", "product", "why"),
    [
        (401, "Elasticsearch", "it answers 401: security_exception missing authentication credentials"),
        (503, "Elasticsearch", "it answers 503: security_exception missing"),
        (200, "something else", "what answers there is not Elasticsearch"),
    ],
)
def test_an_elasticsearch_that_does_not_answer_well_is_said(
    status: int, product: str, why: str, answering: Callable[..., int]
) -> None:
    body = b'{"error": {"type": "security_exception", "reason": "missing authentication credentials"}}'
    port = answering(status, body, product)
    [problem] = elastic.look(sink_at(port))
    assert (problem.rule.id, problem.place.line, problem.place.column) == ("EB320", 4, 34)
    assert problem.text.startswith(f"`there` can't write to http://127.0.0.1:{port}: {why}")


def test_an_elasticsearch_that_is_away_is_said() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        [problem] = elastic.look(sink_at(taken.getsockname()[1]))
    assert "no connection" in problem.text
