"""What sinks say about records, and tasks about their own, on both brokers; none of them is forged."""

import json
from dataclasses import replace

import pytest

from tests.acceptance.orders import logs, order, prepare, send, write
from tests.faults.site import Site

#: What forges lines, moves cursors or turns texts, where it is shown as it is.
EVIL = "a\nb\r\x1b[31m\x85\x9b31m\u2028c\u2029\u202ed"


@pytest.fixture
def shop(site: Site) -> Site:
    """A pipeline with one event and its two tasks."""
    return prepare(site)


def test_each_sink_has_its_level_format_and_payload_and_tasks_change_them(shop: Site) -> None:
    write(
        shop,
        {
            "console": {"std": {"format": "json", "level": "error"}},
            "history": {"file": {"path": "log.jsonl", "level": "warning", "payload": "keys"}},
            "ecs": {"file": {"path": "ecs.jsonl", "format": "ecs", "level": "warning", "mask": ["card_no"]}},
            "other": {"file": {"path": "other.jsonl", "level": "debug"}},
        },
        # All of it, also what sinks leave out, in full, and not everywhere.
        logs={"level": "debug", "payload": "full", "sinks": ["console", "ecs"]},
    )
    send(shop)
    output = shop.run()

    console = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    said = [record["text"] for record in console if record["kind"] == "log" and record.get("task") == "ship"]
    assert said.count("looks for a van") == 4
    assert not [record for record in console if record.get("task") != "ship" and record["level"] != "error"]
    done = next(record for record in console if record.get("id") == "m3" and record["kind"] == "execution")
    assert done["payload"] == {"n": "FB140", "order": "FB140"}
    assert done["result"] == {"van": 7, "card_no": "4711"}

    ecs = [json.loads(line) for line in (shop.folder / "ecs.jsonl").read_text().splitlines()]
    runs = {
        (one["messaging"]["message"]["id"], one["ebats"]["attempt"]): one
        for one in ecs
        if "outcome" in one["event"]
    }
    assert {*runs} == {("m1", 1), ("m1", 2), ("m2", 1), ("m3", 1)}
    assert runs["m3", 1]["ebats"]["result"] == {"van": 7, "card_no": "***"}
    assert "4711" not in json.dumps(runs["m1", 1])

    assert not [record for record in shop.records() if record["task"] == "ship"]
    other = (shop.folder / "other.jsonl").read_text()
    assert '"task":"bill"' in other
    assert '"task":"ship"' not in other


def test_no_record_forges_a_line_in_any_sink_or_in_what_is_found(shop: Site) -> None:
    write(
        shop,
        {
            "console": {"std": {"level": "debug", "payload": "full"}},
            "json": {"std": {"format": "json", "payload": "full"}},
            "ecs": {"std": {"format": "ecs", "payload": "full"}},
            "history": {"file": {"path": "log.jsonl", "payload": "full"}},
            "documents": {"file": {"path": "ecs.jsonl", "format": "ecs", "payload": "full"}},
        },
    )
    shop.declare()
    fails = order(shop, "1", f"i{EVIL}", do="fail")
    dies = order(shop, "2", "i2", do="die")
    body = json.dumps({"n": "3", "order": EVIL, EVIL: EVIL, "do": "fail"}).encode()
    shop.send_messages(
        [fails, replace(dies, headers={"traceparent": EVIL}), replace(dies, name="3", body=body)]
    )
    output = shop.run()

    files = [(shop.folder / name).read_text() for name in ("log.jsonl", "ecs.jsonl")]
    found = [
        logs(shop, "--sink", sink, *words, "--format", format_).stdout
        for sink in ("history", "documents")
        for format_ in ("text", "json", "ecs")
        for words in ((), ("--id", "i2"))
    ]
    for text in (output, *files, *found):
        assert text.count("\n") > 2
        assert [line for line in text.split("\n") if not line.isprintable()] == []
    for text in files:
        assert all(json.loads(line) for line in text.splitlines())
    # And it is found by what it is called, whatever that is.
    assert len(logs(shop, "--id", f"i{EVIL}", "--format", "json").stdout.splitlines()) >= 3
    assert len(logs(shop, "--label", f"order={EVIL}", "--sink", "documents").stdout.splitlines()) == 3
