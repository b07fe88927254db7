"""Path, query and headers of requests."""

import pytest
from multidict import MultiDict

from ebats.pipelines.producer import HttpProducer
from ebats.runner.gateway import asked
from ebats.runner.gateway.refusal import Refusal
from tests.unit.core.shop import pipeline

FILE = """
version: 1
name: shop
tasks: {ship: {python: "shop:ship"}}
producers:
  gateway: {http: {listen: "HOST:9501", hosts: [API.shop.example], insecure: true}}
"""


def hosts(host: str = "127.0.0.1") -> asked.Hosts:
    producer = pipeline(FILE.replace("HOST", host)).producers["gateway"]
    assert isinstance(producer, HttpProducer)
    return asked.Hosts(producer)


@pytest.mark.parametrize(
    "host",
    [
        *(None, "localhost", "localhost:9501", "LOCALHOST", "127.0.0.1:9501", "10.1.2.3", "[::1]:9501"),
        *("[::1]", "api.shop.example", "api.shop.example:443", "Api.Shop.Example"),
    ],
)
def test_this_gateways_own_names_and_addresses_are_taken(host: str | None) -> None:
    found = hosts()
    for _ in range(2):
        found.check(host)


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil", "[evil]"])
def test_other_names_are_refused(host: str) -> None:
    with pytest.raises(Refusal) as error:
        hosts().check(host)
    assert error.value.status == 421


def test_the_name_that_is_listened_on_is_taken() -> None:
    hosts("gate.internal").check("gate.internal:9501")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=UTF-8", "application/json"),
        ('application/json;charset="utf-8"', "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_json_in_utf_8_is_taken(given: str, kind: str) -> None:
    assert asked.media_type({"Content-Type": given}, (asked.JSON, asked.NDJSON)) == kind


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/plain; application/json"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/x-ndjson"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_other_bodies_are_not(headers: dict[str, str]) -> None:
    with pytest.raises(Refusal) as error:
        asked.media_type(headers, (asked.JSON,))
    assert error.value.status == 415


@pytest.mark.parametrize(
    ("given", "found"),
    [("a", "a"), ('"a b"', "a b"), ('"', '"'), ("x" * 240, "x" * 240)],
)
def test_a_key_is_a_text_or_a_string_in_quotes(given: str, found: str) -> None:
    assert asked.key({"Idempotency-Key": given}) == found


@pytest.mark.parametrize("given", ["", '""', "x" * 241, "é", "a\tb"])
def test_what_can_be_no_id_is_no_key(given: str) -> None:
    with pytest.raises(Refusal, match="Idempotency-Key has 1 to 240 characters"):
        asked.key({"Idempotency-Key": given})


def test_the_id_of_a_signed_request_is_its_key() -> None:
    assert asked.key({"Idempotency-Key": "another"}, "msg_1") == "msg_1"
    assert asked.key({}) is None
    with pytest.raises(Refusal, match="webhook-id has 1 to 240"):
        asked.key({}, "x" * 241)


def test_a_query_says_how_one_message_is_published() -> None:
    query = {"id": "i", "delay": "90s", "queue": "q", "route": "a.b"}
    found = asked.one("event", "paid", query, ("paid",))
    assert found.one == {"event": "paid", "id": "i", "delay_s": 90.0, "queue": "q", "route": "a.b"}
    assert not found.partial
    assert asked.several({"partial": "true"}).partial
    assert asked.several({"partial": ""}).partial
    assert not asked.several({"partial": "0"}).partial


@pytest.mark.parametrize(
    ("query", "status"),
    [({"dealy": "1s"}, 400), ({"delay": "10"}, 400), ({"id": "x" * 256}, 400), ({"partial": "1"}, 400)],
)
def test_what_a_query_can_not_mean_is_refused(query: dict[str, str], status: int) -> None:
    with pytest.raises(Refusal) as error:
        asked.one("event", "paid", query, ("paid",))
    assert error.value.status == status


def test_a_parameter_comes_once() -> None:
    with pytest.raises(Refusal, match="comes twice"):
        asked.one("event", "paid", MultiDict([("delay", "1s"), ("delay", "9d")]), ("paid",))
    with pytest.raises(Refusal, match="comes twice"):
        asked.several(MultiDict([("partial", "0"), ("partial", "1")]))


def test_names_that_are_not_there_are_not_found() -> None:
    with pytest.raises(Refusal, match="there is no task 'shp'; did you mean `ship`") as error:
        asked.one("task", "shp", {}, ("ship",))
    assert error.value.status == 404
    with pytest.raises(Refusal, match="there is no `route` here"):
        asked.one("task", "ship", {"route": "a"}, ("ship",))
    with pytest.raises(Refusal, match="partial"):
        asked.several({"partial": "perhaps"})
    with pytest.raises(Refusal, match="there is no `partail` here"):
        asked.several({"partail": "1"})
