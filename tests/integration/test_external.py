"""Other people's exchanges and queues: looked at, used, never changed."""

from collections.abc import Callable
from contextlib import closing

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.runner.broker import declare, present
from ebats.runner.broker.mismatch import TopologyMismatch
from tests.conftest import Broker
from tests.integration.test_declare import silent
from tests.integration.wire import Wire

FILE = """\
version: 1
name: NAME
broker: {url: "URL", declare: DECLARE}
exchanges:
  trade: {type: topic, external: true}
queues:
  orders: {external: true, name: orders.v1}
tasks:
  ship: {python: "shop:ship"}
events:
  wanted: {exchange: trade, key: ["*.WAIT", "*.*.WAIT"], tasks: [ship]}
  paid: {queue: orders, tasks: [ship]}
"""

CLASSIC = {"x-queue-type": "classic"}


def load(broker: Broker, *edits: tuple[str, str], url: str = "", declared: str = "always") -> Pipeline:
    """Return the pipeline of the file above, with edits."""
    text = FILE.replace("NAME", broker.prefix).replace("URL", url or broker.url).replace("DECLARE", declared)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return from_bytes("shop.yaml", text.encode(), {}).pipeline


def complaint(act: Callable[[], object]) -> list[str]:
    """Return the lines of the mismatch that is raised."""
    with pytest.raises(TopologyMismatch) as raised:
        act()
    assert raised.value.exit_code == 78
    return str(raised.value).splitlines()


def make_theirs(wire: Wire) -> None:
    """Make what is somebody else's, as ebats wouldn't."""
    wire.channel.exchange_declare("trade", "topic", durable=False, auto_delete=False)
    wire.channel.queue_declare("orders.v1", durable=False, auto_delete=False, arguments=CLASSIC)


def test_all_that_is_missing_is_said_at_once_with_what_differs(broker: Broker, wire: Wire) -> None:
    pipeline, name = load(broker), broker.prefix
    wire.queue(f"{name}.ship", CLASSIC)

    lines = complaint(lambda: declare.apply(pipeline, silent))

    to_do = "and is external here: have its owner make it, or take `external` out, and ebats makes it"
    assert lines[0].startswith(f"shop.yaml:9:3: error[EB312]: the queue {name}.ship differs: ")
    assert lines[1:] == [
        f"shop.yaml:5:3: error[EB313]: the exchange trade isn't on the broker, {to_do}",
        f"shop.yaml:7:3: error[EB313]: the queue orders.v1 isn't on the broker, {to_do}",
    ]
    assert complaint(lambda: declare.apply(pipeline, silent)) == lines, "it was declared all the same"


def test_theirs_may_be_of_any_kind_and_stays_as_it_is(broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    wire.send("orders.v1", "1")

    assert declare.apply(load(broker), silent)

    assert wire.ready("orders.v1") == 1
    make_theirs(wire)  # again as they are: with anything changed that is an error
    message = wire.get("orders.v1")
    assert not message.delivery_info["redelivered"], "looking has taken the message in hand"
    for key, count in (("a.WAIT", 1), ("b.c.WAIT", 2), ("b.c", 2)):
        wire.publish(b"{}", "trade", key)
        wire.wait_ready(f"{broker.prefix}.ship", count)
    if broker.node:
        bound = broker.node.list_bindings(broker.vhost)
        assert {queue for exchange, _, queue in bound if exchange == "trade"} == {f"{broker.prefix}.ship"}
        assert not [exchange for exchange, _, queue in bound if queue == "orders.v1"]


@pytest.mark.parametrize("type_", ["topic", "direct", "fanout"])
def test_the_brokers_own_exchanges_are_external_ones(broker: Broker, wire: Wire, type_: str) -> None:
    wire.queue("orders.v1")
    key = 'key: ["*.WAIT", "*.*.WAIT"], ' if type_ != "fanout" else ""
    pipeline = load(
        broker,
        ("type: topic, external: true", f"type: {type_}, external: true, name: amq.{type_}"),
        ('key: ["*.WAIT", "*.*.WAIT"], ', key.replace("*", "a") if type_ == "direct" else key),
    )

    assert declare.apply(pipeline, silent)

    wire.publish(b"{}", f"amq.{type_}", "a.WAIT")
    wire.wait_ready(f"{broker.prefix}.ship", 1)


def test_a_stream_is_no_intake(each_rabbitmq: Broker) -> None:
    broker = each_rabbitmq
    with closing(Wire(broker.url)) as wire:
        make_theirs(wire)
        wire.channel.queue_delete("orders.v1")
        wire.queue("orders.v1", {"x-queue-type": "stream"})

    assert complaint(lambda: declare.apply(load(broker), silent)) == [
        "shop.yaml:7:3: error[EB315]: the queue orders.v1 can't be used: it is a stream, whose messages"
        " stay in it"
        " whoever takes them; bind a queue to what fills it"
    ]


def test_never_declares_nothing_and_lists_all_that_is_missing(broker: Broker, wire: Wire) -> None:
    make_theirs(wire)
    pipeline = load(broker, declared="never")

    lines = complaint(lambda: present.check(pipeline, silent, lambda: False))

    made_by = "and with `declare: never` isn't made: let `ebats apply shop.yaml` do it, by a user who may"
    assert (
        f"shop.yaml:3:1: error[EB313]: the exchange {broker.prefix}.tasks isn't on the broker, {made_by}"
        in lines
    )
    assert (
        f"shop.yaml:9:3: error[EB313]: the queue {broker.prefix}.ship isn't on the broker, {made_by}" in lines
    )
    assert len(lines) == len(set(lines)) > 30
    assert complaint(lambda: present.check(pipeline, silent, lambda: False)) == lines
    assert declare.apply(pipeline, silent)
    assert present.check(pipeline, silent, lambda: False)


# Rights.


def test_each_right_that_is_lacking_is_said_with_the_permission_to_grant(each_rabbitmq: Broker) -> None:
    broker = each_rabbitmq
    name = broker.prefix
    ours = rf"^{name}\."
    with closing(Wire(broker.url)) as wire:
        make_theirs(wire)
    says_which = broker.kind != "rabbitmq310"
    all_of_queue = "configure" if says_which else "configure or read from"
    permissions = "configure permission" if says_which else "configure and read permissions"
    full = {"configure": ours, "write": rf"{ours}|^amq\.default$", "read": rf"{ours}|^trade$|^orders\.v1$"}
    on_host = f"in the virtual host '{name}'"
    may_not = f"error[EB314]: the user '{name}' may not"
    cases = [
        (
            {"configure": rf"^{name}\..*[^p]$"},
            f"shop.yaml:9:3: error[EB314]: the queue {name}.ship can't be declared: the user '{name}' may not"
            f" {all_of_queue} the queue {name}.ship: add ^{name}\\. to its {permissions} {on_host}",
        ),
        (
            {"configure": "^$"},
            f"shop.yaml:3:1: error[EB314]: the queue {name}.lock can't be declared: the user '{name}' may"
            f" not configure"
            f" the queue {name}.lock: add ^{name}\\. to its configure permission {on_host}",
        ),
        (
            {"write": ours},
            f"shop.yaml:3:1: {may_not} write to the default exchange: add ^amq\\.default$ to its write"
            f" permission {on_host}",
        ),
        (
            {"read": rf"{ours}|^orders"},
            f"shop.yaml:5:3: error[EB314]: the exchange trade can't be used: the user '{name}' may not"
            f" read from the"
            f" exchange trade: add ^trade$ to its read permission {on_host}",
        ),
        (
            {"read": rf"{ours}|^trade"},
            f"shop.yaml:7:3: error[EB314]: the queue orders.v1 can't be used: the user '{name}' may not"
            f" read from"
            f" the queue orders.v1: add ^orders\\.v1$ to its read permission {on_host}",
        ),
    ]
    for lacking, line in cases:
        url = broker.url_of_user(**{**full, **lacking})
        assert complaint(lambda url=url: declare.apply(load(broker, url=url), silent)) == [line]  # type: ignore[misc]
    assert declare.apply(load(broker, url=broker.url_of_user(**full)), silent)


def test_never_says_which_rights_to_use_are_lacking(each_rabbitmq: Broker) -> None:
    broker = each_rabbitmq
    name = broker.prefix
    with closing(Wire(broker.url)) as wire:
        make_theirs(wire)
    declare.apply(load(broker), silent)

    def lines(**permissions: str) -> list[str]:
        url = broker.url_of_user(configure="^$", **permissions)
        pipeline = load(broker, url=url, declared="never")
        return complaint(lambda: present.check(pipeline, silent, lambda: False))

    ours = rf"^{name}\."
    on_host = f"in the virtual host '{name}'"
    may_not = f"the user '{name}' may not"
    assert lines(write=r"^$", read=f"{ours}|^trade|^orders") == [
        f"shop.yaml:3:1: error[EB314]: {may_not} write to the exchange {name}.dead: add ^{name}\\. to its"
        f" write permission {on_host}",
        f"shop.yaml:3:1: error[EB314]: {may_not} write to the default exchange: add ^amq\\.default$ to its"
        f" write permission {on_host}",
    ]
    assert lines(write=rf"{ours}|^amq\.default$", read="^trade|^orders") == [
        f"{place} error[EB314]: the queue {name}.{queue} can't be used: {may_not} read from the queue"
        f" {name}.{queue}: add ^{name}\\. to its read permission {on_host}"
        for place, queue in (("shop.yaml:3:1:", "suspects"), ("shop.yaml:9:3:", "ship"))
    ]
    url = broker.url_of_user(configure="^$", write=rf"{ours}|^amq\.default$", read=f"{ours}|^orders")
    assert present.check(load(broker, url=url, declared="never"), silent, lambda: False)
