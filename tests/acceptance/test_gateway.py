"""What is posted to a gateway is on the broker when it answers, where the file says, byte for byte."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.commands import run_ebats
from tests.faults.site import Site
from tests.gateway import TOKEN, Gateway
from tests.integration.wire import Wire, body, headers
from tests.waiting import wait_until

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def gateway(site: Site) -> Gateway:
    """A running gateway of a shop."""
    gateway = Gateway(site=site)
    gateway.write({"auth": {"bearer": TOKEN}})
    gateway.start()
    return gateway


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    """A look at the broker."""
    with closing(Wire(site.url)) as wire:
        yield wire


def test_items_reach_the_queues_that_their_names_say(gateway: Gateway, wire: Wire, site: Site) -> None:
    item = {"exchange": "orders", "queue": "", "route": "a.GO", "payload": {"n": 1}}
    items = [
        item,
        {"queue": "alone", "payload": "two"},
        {"exchange": "orders", "queue": "alone", "route": "b.GO", "payload": [3]},
        {"event": "happened", "payload": 4, "id": "four", "headers": {"trace": "t4"}},
        {"task": "alone", "payload": 5, "queue": "slow"},
        {"queue": "alone", "payload": '{"as": "it stands"}', "raw": True},
    ]
    answer = gateway.post("/v1/messages", items, BEARER)
    assert len(set(answer.ids)) == len(items)
    assert answer.ids[3] == "four"
    alone = [wire.get(f"{site.name}.alone") for _ in range(4)]
    assert [body(each) for each in alone] == [b'{"n": 1}', b'"two"', b"[3]", b'{"as": "it stands"}']
    assert [each.properties["message_id"] for each in alone] == [answer.ids[index] for index in (0, 1, 2, 5)]
    assert {each.properties["delivery_mode"] for each in alone} == {2}
    four = wire.get(f"{site.name}.demo")
    assert (body(four), headers(four)["trace"]) == (b"4", "t4")
    assert body(wire.get(f"{site.name}.slow")) == b"5"


def test_ndjson_and_the_path_of_existing_publishers(gateway: Gateway, wire: Wire, site: Site) -> None:
    lines = b'{"queue": "alone", "payload": 1.10}\r\n\n{"queue": "alone", "payload": 12345678901234567890123}'
    answer = gateway.post("/", lines, {**BEARER, "Content-Type": "application/x-ndjson"})
    assert len(answer.ids) == 2
    # As they were written: another reader may have other numbers.
    found = [body(wire.get(f"{site.name}.alone")) for _ in range(2)]
    assert found == [b"1.10", b"12345678901234567890123"]


def test_an_event_and_a_task_by_their_paths(gateway: Gateway, wire: Wire, site: Site) -> None:
    assert gateway.post("/v1/events/happened?id=one", b'{"n":  1}', BEARER).ids == ["one"]
    message = wire.get(f"{site.name}.demo")
    assert (body(message), message.properties["message_id"]) == (b'{"n":  1}', "one")
    assert message.delivery_info["routing_key"] == "happened"
    gateway.post("/v1/events/noted", "a note", BEARER)
    assert body(wire.get(f"{site.name}.alone")) == b"a note"
    assert gateway.post("/v1/tasks/alone?queue=slow", {}, BEARER).status == 202
    assert body(wire.get(f"{site.name}.slow")) == b"{}"
    assert gateway.post("/v1/events/wanted?route=a.GO", {}, BEARER).status == 202
    gateway.post("/v1/tasks/alone?delay=1ms", {}, BEARER)
    assert [body(wire.get(f"{site.name}.alone")) for _ in range(2)] == [b"{}", b"{}"]


def test_one_bad_item_keeps_all_of_a_request_out(gateway: Gateway, wire: Wire, site: Site) -> None:
    items = [{"queue": "alone", "payload": 0}, {"queue": "alon", "payload": 1}, 2]
    answer = gateway.post("/v1/messages", items, BEARER)
    assert (answer.status, answer.code) == (422, "invalid")
    assert answer.reasons == {
        1: "there is no queue 'alon'; did you mean `alone`?",
        2: "an item is an object, and this is a number",
    }
    assert wire.ready(f"{site.name}.alone") == 0
    partial = gateway.post("/v1/messages?partial=true", items, BEARER)
    assert [id_ is None for id_ in partial.ids] == [False, True, True]
    assert partial.reasons == answer.reasons
    assert body(wire.get(f"{site.name}.alone")) == b"0"
    nothing = gateway.post("/v1/messages?partial=true", items[1:], BEARER)
    assert (nothing.status, list(nothing.reasons)) == (422, [0, 1])


def test_a_key_makes_the_same_ids_each_time(gateway: Gateway, wire: Wire, site: Site) -> None:
    item = {"queue": "alone", "payload": 1}
    keyed = {**BEARER, "Idempotency-Key": '"order 7"'}
    assert gateway.post("/v1/messages", [item], keyed).ids == ["order 7"]
    assert gateway.post("/v1/messages", [item, {**item, "id": "own"}], keyed).ids == ["order 7-0", "own"]
    assert gateway.post("/v1/events/happened", 1, keyed).ids == ["order 7"]
    assert gateway.post("/v1/messages", [item], keyed).ids == ["order 7"]
    # Repeats are not removed.
    wire.wait_ready(f"{site.name}.alone", 4)


def test_what_no_queue_takes_is_named(gateway: Gateway, wire: Wire, site: Site) -> None:
    items = [{"exchange": "orders", "route": route, "payload": 1} for route in ("a.GO", "nobody")]
    answer = gateway.post("/v1/messages", items, BEARER)
    assert (answer.status, answer.code) == (422, "unroutable")
    assert list(answer.reasons) == [1]
    error = answer.json["error"]
    assert error["confirmed"] == error["ids"][:1]
    assert wire.get(f"{site.name}.alone").properties["message_id"] == error["ids"][0]
    partial = gateway.post("/v1/messages?partial=1", items, BEARER)
    assert [id_ is None for id_ in partial.ids] == [False, True]
    assert partial.reasons == answer.reasons
    none = gateway.post("/v1/messages?partial=1", [items[1], {"queue": "nope", "payload": 1}], BEARER)
    assert (none.status, none.code) == (422, "unroutable")
    assert sorted(none.reasons) == [0, 1]
    assert none.json["error"]["confirmed"] == []


def test_payloads_are_checked_by_the_schemas_of_their_events(
    gateway: Gateway, wire: Wire, site: Site
) -> None:
    bad, good = {"price": "7"}, {"price": 7}
    items = [
        {"exchange": "orders", "route": "price", "payload": bad},
        {"event": "priced", "payload": bad},
        {"exchange": "orders", "route": "price", "payload": '{"price": "7"}', "raw": True},
        {"exchange": "orders", "route": "price", "payload": good},
    ]
    answer = gateway.post("/v1/messages?partial=true", items, BEARER)
    assert list(answer.reasons) == [0, 1, 2]
    assert all(reason.startswith("/price: ") for reason in answer.reasons.values()), answer.reasons
    single = gateway.post("/v1/events/priced", bad, BEARER)
    assert (single.status, list(single.reasons)) == (422, [0])
    assert body(wire.get(f"{site.name}.alone")) == b'{"price": 7}'
    assert wire.ready(f"{site.name}.alone") == 0


def test_counters_say_what_was_sent_and_asked(gateway: Gateway, site: Site) -> None:
    item = {"exchange": "orders", "route": "a.GO", "payload": 1}
    gateway.post("/v1/messages", [item] * 3, BEARER)
    gateway.post("/v1/messages", [item, {**item, "route": "nobody"}], BEARER)
    gateway.post("/v1/messages", [item, 7], BEARER)
    gateway.post("/v1/messages", [item], {})
    found = gateway.get("/v1/status", BEARER).json
    counters = ("send_success", "send_error", "req_success", "req_error")
    assert list(found) == ["start", "pid", *counters]
    assert [found[name] for name in counters] == [4, 1, 1, 3]
    assert gateway.get("/v1/status").status == 401

    def told() -> dict[str, Any]:
        """Return what `ebats status` shows of the process."""
        env = {"EBATS_STATE_DIR": str(site.folder / "state")}
        output = run_ebats("status", site.file, "--format", "json", env=env).stdout
        (runner,) = json.loads(output)["runners"]
        process: dict[str, Any] = runner["processes"][0]
        return process

    wait_until(lambda: told().get("req_error") == 3, 20, lambda: str(told()))
    process = told()
    assert [process[name] for name in counters] == [4, 1, 1, 3]
    assert process["listen"] == f"http://127.0.0.1:{gateway.port}"
    assert gateway.get("/healthz").json == {"status": "alive", "pipeline": site.name}
    assert gateway.get("/readyz").status == 200


def test_what_is_elsewhere_or_otherwise_is_told_so(gateway: Gateway) -> None:
    item = [{"queue": "alone", "payload": 1}]
    cases = {
        404: ("POST", "/v2/messages", BEARER),
        405: ("PUT", "/v1/messages", BEARER),
        401: ("POST", "/v1/messages", {"Authorization": "Bearer another"}),
        421: ("POST", "/v1/messages", {**BEARER, "Host": "shop.evil.example"}),
    }
    for status, (method, path, given) in cases.items():
        answer = gateway.ask(method, path, b"[]", {"Content-Type": "application/json", **given})
        assert answer.status == status, answer
        assert answer.headers["content-type"].startswith("application/json")
    assert gateway.ask("PUT", "/", b"", BEARER).headers["allow"] == "POST"
    assert gateway.post("/v1/events/happend", 1, BEARER).code == "unknown_event"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""):
        assert gateway.post("/v1/messages", item, {**BEARER, "Content-Type": kind}).status == 415
    assert gateway.post("/v1/messages", item, {**BEARER, "Content-Encoding": "gzip"}).status == 415
    assert gateway.post("/v1/messages?partail=1", item, BEARER).code == "bad_query"
    bad = gateway.post("/v1/messages", b'[{"queue": "alone", "payload": 1},\n]', BEARER)
    assert (bad.status, bad.code, bad.json["error"]["line"]) == (400, "bad_json", 2)
    # Browsers of other sites' pages get no leave to ask.
    assert not any(name.startswith("access-control") for name in bad.headers)
