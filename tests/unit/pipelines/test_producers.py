"""Producers of a file become values, and processes."""

import json

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec, producers
from ebats.pipelines.producer import Allow, HttpProducer, PythonProducer, TickProducer, Token


def pipeline(**found: object) -> Pipeline:
    file = {
        "version": 1,
        "name": "shop",
        "timezone": "Asia/Shanghai",
        "tasks": {"report": {"python": "shop.tasks:report"}},
        "events": {"nightly": {"tasks": ["report"]}},
        "producers": found,
    }
    return from_bytes("shop.yaml", json.dumps(file).encode(), {}).pipeline


def http(**keys: object) -> HttpProducer:
    producer = pipeline(gateway={"http": keys}).producers["gateway"]
    assert isinstance(producer, HttpProducer)
    return producer


def tick(**keys: object) -> TickProducer:
    producer = pipeline(clock=keys).producers["clock"]
    assert isinstance(producer, TickProducer)
    return producer


def test_a_gateway_has_its_defaults() -> None:
    gateway = http()
    assert (gateway.host, gateway.port, gateway.processes) == ("127.0.0.1", 9501, 1)
    assert (gateway.max_body, gateway.max_item, gateway.depth) == (16 * 2**20, 2**20, 64)
    assert (gateway.header_timeout_s, gateway.idle_timeout_s, gateway.max_connections) == (10.0, 75.0, 1000)
    assert (gateway.tokens, gateway.secrets, gateway.rate, gateway.insecure) == ((), (), None, False)


def test_a_gateway_has_what_is_written() -> None:
    gateway = http(listen="[::1]:80", max_body="1KB", idle_timeout="2m", hosts=["a.b"], insecure=True)
    assert (gateway.host, gateway.port, gateway.max_body) == ("::1", 80, 1000)
    assert (gateway.idle_timeout_s, gateway.hosts, gateway.insecure) == (120.0, ("a.b",), True)


def test_tokens_are_texts_or_mappings_and_take_the_rate_of_all() -> None:
    allowed = {
        "name": "shop",
        "token": "b",
        "allow": {"events": ["nightly"], "queues": ["report"]},
        "rate": 5,
    }
    assert http(auth={"bearer": "a"}).tokens == (Token(name="bearer", token="a"),)
    first, second = http(auth={"bearer": ["a", allowed]}, rate=9).tokens
    assert first == Token(name="bearer1", token="a", rate=9.0)
    frozen = Allow(events=frozenset({"nightly"}), queues=frozenset({"report"}))
    assert second == Token(name="shop", token="b", allow=frozen, rate=5.0)


def test_secrets_are_one_or_several() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert http(auth={"secret": secret}).secrets == (secret,)
    assert http(auth={"secret": [secret, secret]}).secrets == (secret, secret)


def test_a_secret_is_in_no_repr() -> None:
    assert "a-token" not in repr(http(auth={"bearer": "a-token"}))


def test_a_clock_has_the_zone_of_the_pipeline_unless_it_has_its_own() -> None:
    assert tick(cron="0 3 * * *", event="nightly").timezone == "Asia/Shanghai"
    assert tick(cron="0 3 * * *", event="nightly", timezone="Europe/Berlin").timezone == "Europe/Berlin"


def test_a_clock_keeps_its_payload_as_json() -> None:
    assert tick(every="10s", task="report").payload == "{}"
    assert tick(every="10s", task="report", payload=None).payload == "null"
    assert (
        tick(every="10s", task="report", payload={"ü": [1, "{{ tick }}"]}).payload == '{"ü":[1,"{{ tick }}"]}'
    )


def test_a_clock_may_only_tick_at_the_start() -> None:
    producer = tick(at_start=True, event="nightly")
    assert (producer.at_start, producer.cron, producer.every_ms) == (True, None, None)


def test_a_producer_may_be_a_function() -> None:
    producer = pipeline(feed={"python": "shop.feed:watch"}).producers["feed"]
    assert isinstance(producer, PythonProducer)
    assert (str(producer.python), producer.event) == ("shop.feed:watch", None)


def test_each_producer_is_a_process_and_a_gateway_as_many_as_are_written() -> None:
    found = pipeline(
        gateway={"http": {}, "processes": 2},
        beat={"every": "1s", "task": "report"},
        feed={"python": "shop.feed:watch"},
    )

    def named(*only: str) -> list[tuple[str, str]]:
        return [(spec.name, spec.role) for spec in producers(found, 5, only)]

    both = [("gateway#1", "gateway"), ("gateway#2", "gateway")]
    assert named() == [*both, ("beat#1", "ticker"), ("feed#1", "feeder")]
    assert named("gateway") == both
    spec: ProcessSpec = producers(found, 5)[2]
    assert (spec.began_ms, spec.producer) == (5, found.producers["beat"])
