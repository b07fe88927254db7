"""`ebats list` and `ebats schema`: what is in a file, and what may be."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ebats import schemas
from ebats.pipelines.problems import BadFile, UnreadableFile
from ebats.runner import cli
from ebats.runner.commands import list_file, listing, schema_file, table_config
from ebats.runner.commands.columns import columns

FILE = """\
version: 1
name: shop
exchanges: {trade: {type: topic}, old: {type: fanout, external: true}}
queues: {demo: {crashes: 3}, intake: {external: true}}
ladders: {notify: [1s, 1m]}
tasks:
  ship: {python: "tasks:ship", queues: [demo, fast], retry: notify, then: shipped, timeout: none}
  tell:
    {http: {method: PUT, url: "https://me:Hidden@a.example.com/"}, queue: fast, retry: [5s], on_dead: shipped}
  carry: {http: {from: payload}}
events:
  paid: {tasks: [ship, {task: tell, delay: 10s}], labels: {order: "{{ id }}"}, schema: {type: object}}
  wanted: {exchange: trade, key: ["*.a", "*.b"], tasks: [{task: ship, queue: fast}]}
  moved: {queue: intake, tasks: [carry]}
  shipped: {tasks: [carry]}
producers:
  nightly: {cron: "0 3 * * *", event: paid}
  gateway: {http: {listen: 127.0.0.1:9501, auth: {bearer: "Hidden"}}}
  feed: {python: "tasks:feed", event: paid}
consumers: {demo: {queues: [demo], processes: 2}, rest: {}}
logs: {search: {elasticsearch: {hosts: ["http://es:9200"], data_stream: logs-ebats-shop}}}
alerts:
  channels: {ops: {wecom: {url: "https://qyapi.weixin.qq.com/?key=Hidden"}}}
  rules: [{dead_letters: 1, tasks: [ship]}]
"""
FILE = FILE.replace("queues: {demo:", "queues: {fast: {}, demo:")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(FILE)
    return str(path)


def table(section: str, file: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """Return the cells of a table; between columns there are two spaces or more."""
    assert list_file.main(section, file, {}, "text") == 0
    lines = capsys.readouterr().out.splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell] for line in lines]


def rows(section: str, file: str, capsys: pytest.CaptureFixture[str]) -> dict[Any, Any]:
    assert list_file.main(section, file, {}, "json") == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_a_task_says_what_runs_where_and_when(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    head, ship, tell, carry = table("tasks", file, capsys)
    assert head == ["NAME", "RUNS", "QUEUES", "EVENTS", "RETRY", "TIMEOUT", "THEN", "ON DEAD"]
    assert ship == ["ship", "tasks:ship", "demo, fast", "paid, wanted", "1s, 1m", "none", "shipped", "-"]
    assert tell[:2] == ["tell", "PUT https://me:******@a.example.com/"]
    assert tell[2:] == ["fast", "paid", "5s", "30s", "-", "shipped"]
    assert carry == ["carry", "requests of the payload", "carry", "moved, shipped", "-", "30s", "-", "-"]
    assert rows("tasks", file, capsys)["ship"]["attempts"] == 3


def test_an_event_says_where_it_comes_from_and_what_follows(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = rows("events", file, capsys)
    assert found["paid"] == {
        "name": "paid",
        "exchange": "shop.events",
        "keys": ["paid"],
        "queue": None,
        "tasks": ["ship", "tell +10s"],
        "format": "json",
        "schema": "events.paid.schema",
        "labels": ["order"],
        "owner": None,
    }
    assert (found["wanted"]["exchange"], found["wanted"]["keys"]) == ("shop.trade", ["*.a", "*.b"])
    assert found["wanted"]["tasks"] == ["ship@fast"]
    assert (found["moved"]["exchange"], found["moved"]["queue"]) == (None, "intake")


def test_queues_exchanges_and_ladders_say_who_uses_them(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    queues = rows("queues", file, capsys)
    assert (queues["fast"]["tasks"], queues["fast"]["consumers"]) == (["ship", "tell"], ["rest"])
    assert (queues["intake"]["events"], queues["intake"]["external"]) == (["moved"], True)
    assert queues["carry"]["on_broker"] == "shop.carry"
    exchanges = rows("exchanges", file, capsys)
    assert exchanges["trade"]["events"] == ["wanted"]
    assert exchanges[None]["on_broker"] == "shop.tasks"
    assert table("ladders", file, capsys) == [
        ["NAME", "WAITS", "ATTEMPTS", "LONGEST", "TASKS"],
        ["notify", "1s, 1m", "3", "61s", "ship"],
        ["-", "5s", "2", "5s", "tell"],
    ]


def test_producers_consumers_sinks_rules_and_channels(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert table("producers", file, capsys)[1:] == [
        ["nightly", "clock", "0 3 * * *", "paid"],
        ["gateway", "http", "127.0.0.1:9501", "-"],
        ["feed", "python", "tasks:feed", "paid"],
    ]
    assert rows("consumers", file, capsys)["demo"]["queues"] == ["demo"]
    assert table("sinks", file, capsys)[1][:3] == [
        "search",
        "elasticsearch",
        "http://es:9200 logs-ebats-shop",
    ]
    assert table("rules", file, capsys)[1][:3] == ["dead_letters", "dead_letters", "1"]
    assert table("channels", file, capsys)[1] == ["ops", "wecom", "https://qyapi.weixin.qq.com/***"]


def test_what_came_out_of_a_file_of_secrets_is_neither_listed_nor_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hook").write_text("https://hooks.example.com/Hidden/{{ id }}")
    (tmp_path / "word").write_text("Hidden")
    file = tmp_path / "shop.yaml"
    file.write_text(
        "version: 1\nname: shop\nexchanges: {trade: {}}\n"
        "tasks: {tell: {http: {url: '${file:hook}'}}, ship: {python: 'tasks:${file:word}'}}\n"
        "events: {paid: {exchange: trade, key: 'a.${file:word}', tasks: [tell, ship]}}\n"
        "logs: {history: {file: {path: 'logs/${file:word}.jsonl'}}}\n"
    )
    sections = [["list", section] for section in listing.SECTIONS]
    drawn = [["graph", "--format", each] for each in ("mermaid", "dot", "svg", "json")]
    for command in (*sections, *drawn):
        assert cli.main([*command, str(file)]) == 0
        output = capsys.readouterr()
        assert "Hidden" not in output.out + output.err, command
    assert table("tasks", str(file), capsys)[1][:2] == ["tell", "POST ***"]


def test_what_a_file_has_none_of_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.yaml").write_text("version: 1\nname: shop\n")
    assert list_file.main("tasks", str(tmp_path / "f.yaml"), {}, "text") == 0
    assert capsys.readouterr().out == "no tasks\n"
    assert list_file.main("tasks", str(tmp_path / "f.yaml"), {}, "json") == 0
    assert capsys.readouterr().out == "[]\n"


def test_a_bad_file_is_refused_with_78(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("version: 1\n")
    with pytest.raises(BadFile):
        list_file.main("tasks", str(tmp_path / "f.yaml"), {}, "text")
    assert cli.main(["list", "tasks", str(tmp_path / "f.yaml")]) == 78


def test_the_help_knows_every_section() -> None:
    assert tuple(listing.SECTIONS) == table_config.SECTIONS == tuple(listing.SHOWN)


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    text = columns(("A", "B"), [("订单", "x"), ("a\x1bb", "")])
    assert text == "A     B\n订单  x\na b\n"


def test_the_schema_is_printed_and_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert schema_file.main(None) == 0
    assert json.loads(capsys.readouterr().out) == schemas.read("pipeline.v1")
    target = tmp_path / "pipeline.v1.json"
    assert schema_file.main(str(target)) == 0
    assert target.read_text() == schemas.text("pipeline.v1")
    assert stat.S_IMODE(target.stat().st_mode) & 0o600 == 0o600
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(UnreadableFile, match="can't write"):
        schema_file.main(str(tmp_path))
