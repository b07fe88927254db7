"""Conformance: where a message goes."""

from collections.abc import Callable

import pytest

from tests.integration.wire import Wire, bodies, body, confirms_of

TOPICS = {
    "a.b": {"a.b"},
    "a.*": {"a.b", "a.", "a.b\n"},
    "a.#": {"a", "a.b", "a.b.c", "a.", "a.b\n", "a..b"},
    "#": {"", "a", "b", "a.b", "a.b.c", "A.b", "a.", ".b", "a.b\n", "a..b", "x.a.y"},
    "*": {"a", "b"},
    "*.b": {"a.b", "A.b", ".b"},
    "#.b": {"b", "a.b", "A.b", ".b", "a..b"},
    "a.#.b": {"a.b", "a..b"},
    "a.*.b": {"a..b"},
    "#.a.#": {"a", "a.b", "a.b.c", "a.", "a.b\n", "a..b", "x.a.y"},
    "*.*.*": {"a.b.c", "a..b", "x.a.y"},
    "#.*": {"a", "b", "a.b", "a.b.c", "A.b", "a.", ".b", "a.b\n", "a..b", "x.a.y"},
    "": {""},
    "a.[b]": set(),
    "a.b*": set(),
    "##": set(),
}


def test_the_default_exchange_leads_to_the_queue_called_like_the_key(wire: Wire) -> None:
    wire.queue("one")
    wire.queue("two")
    wire.publish(b"x", "", "two")
    assert wire.get("two").delivery_info["exchange"] == ""
    assert wire.ready("one") == 0


def test_a_direct_exchange_compares_the_whole_key(wire: Wire) -> None:
    wire.exchange("tasks", "direct")
    for key in ("ship", "ship.it", "*"):
        wire.queue(f"q.{key}")
        wire.channel.queue_bind(f"q.{key}", "tasks", key)
    wire.publish(b"x", "tasks", "ship")
    wire.wait_ready("q.ship", 1)
    assert [wire.ready("q.ship.it"), wire.ready("q.*")] == [0, 0]


def test_a_fanout_exchange_ignores_the_key_and_keeps_it(wire: Wire) -> None:
    wire.exchange("all", "fanout")
    for name in ("one", "two"):
        wire.queue(name)
        wire.channel.queue_bind(name, "all", "")
    wire.publish(b"x", "all", "some.key")
    for name in ("one", "two"):
        assert wire.get(name).delivery_info["routing_key"] == "some.key"


def test_a_topic_exchange_matches_word_by_word(wire: Wire) -> None:
    wire.exchange("events", "topic")
    names = {pattern: f"q{number}" for number, pattern in enumerate(TOPICS)}
    for pattern, name in names.items():
        wire.queue(name, {})
        wire.channel.queue_bind(name, "events", pattern)
    for key in sorted(set().union(*TOPICS.values())):
        wire.publish(key.encode(), "events", key)
    for pattern, name in names.items():
        wire.wait_ready(name, len(TOPICS[pattern]))
        found = {body(wire.get(name)).decode() for _ in TOPICS[pattern]}
        assert (pattern, found) == (pattern, TOPICS[pattern])


def test_a_message_is_in_a_queue_once_however_many_bindings_match(wire: Wire) -> None:
    wire.exchange("events", "topic")
    wire.queue("work")
    for pattern in ("a.*", "a.#", "*.b", "a.b"):
        wire.channel.queue_bind("work", "events", pattern)
    wire.publish(b"x", "events", "a.b")
    wire.publish(b"last", "events", "a.c")
    wire.wait_ready("work", 2)


def test_one_publish_goes_to_several_queues_with_separate_fates(wire: Wire) -> None:
    wire.exchange("events", "topic")
    for name in ("one", "two"):
        wire.queue(name)
        wire.channel.queue_bind(name, "events", "order.*")
    wire.publish(b"x", "events", "order.paid")
    wire.ack(wire.get("one"))
    message = wire.get("two")
    assert message.delivery_info["exchange"] == "events"
    assert message.delivery_info["routing_key"] == "order.paid"
    assert wire.ready("one") == 0


def test_binding_twice_is_one_binding_and_unbinding_ends_it(wire: Wire) -> None:
    wire.exchange("events", "topic")
    wire.queue("work")
    for _ in range(2):
        wire.channel.queue_bind("work", "events", "a")
    wire.publish(b"1", "events", "a")
    wire.wait_ready("work", 1)
    wire.channel.queue_unbind("work", "events", "a")
    wire.channel.queue_unbind("work", "events", "a")
    wire.publish(b"2", "events", "a")
    wire.send("work", "3")
    wire.consume("work")
    assert bodies(wire.receive(2)) == ["1", "3"]


def test_unbinding_takes_one_key_only(wire: Wire) -> None:
    wire.exchange("events", "topic")
    wire.queue("work")
    for key in ("a", "b"):
        wire.channel.queue_bind("work", "events", key)
    wire.channel.queue_unbind("work", "events", "a")
    wire.publish(b"no", "events", "a")
    wire.publish(b"yes", "events", "b")
    wire.consume("work")
    assert bodies(wire.receive(1)) == ["yes"]


def test_what_another_connection_declared_routes_here(connect: Callable[[], Wire]) -> None:
    first = connect()
    first.exchange("events", "topic")
    first.queue("work")
    first.channel.queue_bind("work", "events", "a.#")
    first.close()
    second = connect()
    second.publish(b"x", "events", "a.b")
    assert body(second.get("work")) == b"x"


def test_an_unroutable_message_is_confirmed_and_dropped(wire: Wire) -> None:
    wire.exchange("events", "topic")
    confirmed = confirms_of(wire.channel)
    wire.publish(b"x", "events", "nobody")
    wire.drain_until(lambda: 1 in confirmed, "the confirm")


def test_an_unroutable_mandatory_message_comes_back_before_its_confirm(wire: Wire) -> None:
    wire.exchange("events", "topic")
    seen: list[object] = []
    wire.channel.confirm_select()
    wire.channel.events["basic_ack"].add(lambda tag, multiple: seen.append(tag))
    wire.channel.events["basic_return"].add(
        lambda error, exchange, key, message: seen.append(
            (error.reply_code, error.reply_text, exchange, key, message.properties["message_id"])
        )
    )
    wire.publish(b"x", "events", "nobody", mandatory=True, message_id="m1")
    wire.drain_until(lambda: len(seen) == 2, "return and confirm")
    assert seen == [(312, "NO_ROUTE", "events", "nobody", "m1"), 1]


def test_a_routable_mandatory_message_does_not_come_back(wire: Wire) -> None:
    wire.queue("work")
    returned: list[object] = []
    wire.channel.events["basic_return"].add(lambda *args: returned.append(args))
    confirmed = confirms_of(wire.channel)
    wire.publish(b"x", "", "work", mandatory=True)
    wire.drain_until(lambda: 1 in confirmed, "the confirm")
    assert not returned


def test_the_alternate_exchange_gets_what_has_no_route_under_its_own_key(wire: Wire) -> None:
    wire.fanout_to_queue("dead")
    wire.exchange("tasks", "direct", alternate_exchange="dead")
    returned: list[object] = []
    wire.channel.events["basic_return"].add(lambda *args: returned.append(args))
    wire.publish(b"x", "tasks", "removed", mandatory=True)
    message = wire.get("dead")
    assert message.delivery_info["exchange"] == "tasks"
    assert message.delivery_info["routing_key"] == "removed"
    wire.drain_for(0.2)
    assert not returned


def test_the_alternate_exchange_gets_nothing_that_has_a_route(wire: Wire) -> None:
    wire.fanout_to_queue("dead")
    wire.exchange("tasks", "direct", alternate_exchange="dead")
    wire.queue("work")
    wire.channel.queue_bind("work", "tasks", "ship")
    wire.publish(b"x", "tasks", "ship")
    wire.wait_ready("work", 1)
    assert wire.ready("dead") == 0


def test_an_alternate_exchange_without_queues_drops(wire: Wire) -> None:
    wire.exchange("unrouted", "fanout")
    wire.exchange("events", "topic", alternate_exchange="unrouted")
    returned: list[object] = []
    wire.channel.events["basic_return"].add(lambda *args: returned.append(args))
    confirmed = confirms_of(wire.channel)
    wire.publish(b"x", "events", "nobody")
    wire.publish(b"x", "events", "nobody", mandatory=True)
    wire.drain_until(lambda: len(confirmed) == 2, "the confirms")
    assert len(returned) == 1


def test_publishing_to_an_unknown_exchange_closes_the_channel_with_404(wire: Wire) -> None:
    channel = wire.new_channel()

    def publish_nowhere() -> None:
        channel.basic_publish(channel.prepare_message(b"x"), exchange="nowhere", routing_key="a")
        wire.drain_until(lambda: False, "the error")

    with pytest.raises(wire.connection.channel_errors, match="no exchange 'nowhere'") as caught:
        publish_nowhere()
    assert caught.value.reply_code == 404
    wire.queue("work")
    wire.send("work", "the connection still works")


def test_keys_may_be_255_bytes_of_any_text(wire: Wire) -> None:
    key = "é" * 127 + "x"
    wire.exchange("tasks", "direct")
    wire.queue("work")
    wire.channel.queue_bind("work", "tasks", key)
    wire.publish(b"x", "tasks", key)
    assert wire.get("work").delivery_info["routing_key"] == key
