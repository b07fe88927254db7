"""`ebats logs`, the command itself, on both brokers; and what sinks and tasks say about records."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from ebats.runner.execution.record import encode
from tests.acceptance.orders import HISTORY, logs, prepare, send, write
from tests.brokers import free_port
from tests.commands import RunningCommand
from tests.elastic_client import ElasticClient
from tests.faults.site import Site
from tests.records import log
from tests.waiting import wait_until


@pytest.fixture
def shop(site: Site) -> Site:
    """A pipeline with one event and its two tasks."""
    return prepare(site)


def check_found(site: Site) -> None:
    """Check what is found of the three orders, wherever it is kept."""
    # Every attempt of order FB138
    found = logs(site, "--label", "order=FB138").stdout.splitlines()
    assert len(found) == 3
    assert all("  order=FB138" in line and "  m1  " in line for line in found)
    assert sorted(line.split()[2] for line in found) == ["OK", "OK", "RETRY"]
    # The order that died, as JSON, and in its life, with what the task said
    (line,) = logs(site, "--outcome", "dead", "--format", "json").stdout.splitlines()
    dead = json.loads(line)
    assert (dead["id"], dead["reason"], dead["labels"]) == ("m2", "rejected", {"order": "FB139"})
    (document,) = logs(site, "--outcome", "dead", "--format", "ecs").stdout.splitlines()
    assert json.loads(document)["messaging"]["message"]["id"] == "m2"
    life = logs(site, "--id", "m1").stdout
    head, _, attempts = life.partition("\n\n")
    assert "id           m1\nevent        order_paid\nlabels       order=FB138\npublished    " in head
    told = [line for line in attempts.splitlines() if line.startswith("20")]
    assert [line.split()[2] for line in told if "  bill  " not in line] == ["INFO", "RETRY", "INFO", "OK"]
    assert len(told) == 5
    assert "packs FB138" in life
    # Where it was raised
    assert '/shop.py", line ' in life
    # And the rest of what can be asked for
    assert len(logs(site, "--task", "bill", "--since", "1h").stdout.splitlines()) == 3
    assert (
        len(logs(site, "--event", "order_paid", "--task", "ship", "--level", "warning").stdout.splitlines())
        == 2
    )
    assert logs(site, "--until", "1h", "--event", "order_paid").stdout == ""
    newest = logs(site, "--limit", "1")
    assert len(newest.stdout.splitlines()) == 1
    assert "the newest 1 record in sink " in newest.stderr


def test_every_attempt_of_an_order_is_found_in_files(shop: Site) -> None:
    write(shop, HISTORY)
    send(shop)
    shop.run()
    check_found(shop)


def run_until_sent(site: Site) -> None:
    """Run until Elasticsearch has all records: what a run's last 5 s didn't suffice for goes next."""
    wait_until(lambda: "for the next run to send" not in site.run(), 90, "records stay unsent")


@pytest.mark.slow
def test_every_attempt_of_an_order_is_found_in_elasticsearch(shop: Site, elastic: ElasticClient) -> None:
    search = {
        "elasticsearch": {"hosts": [elastic.url], "data_stream": elastic.stream, "batch": {"wait": "100ms"}}
    }
    # Given both: Elasticsearch is asked.
    write(shop, {"history": {"file": {"path": "log.jsonl", "level": "error"}}, "search": search})
    logs(shop, "--setup")
    send(shop)
    run_until_sent(shop)
    elastic.refresh()
    check_found(shop)
    assert "in sink search (" in logs(shop).stderr
    assert "in sink history (log.jsonl)" in logs(shop, "--sink", "history").stderr


def test_new_records_are_followed(shop: Site, start_ebats: Callable[..., RunningCommand]) -> None:
    write(shop, HISTORY)
    env = {"EBATS_STATE_DIR": str(shop.folder / "state")}
    following = start_ebats("logs", shop.file, "--follow", "--event", "order_paid", cwd=shop.folder, env=env)
    send(shop)
    shop.run()
    wait_until(lambda: following.output.count("order=FB") == 7, 30, lambda: following.output)
    following.interrupt()
    assert following.wait() == 0
    assert following.output.count("order=FB") == 7


# What may be wrong.


def test_without_a_sink_that_keeps_records_it_says_what_to_add(shop: Site) -> None:
    write(shop, {})
    error = logs(shop, code=2).stderr
    assert "has no sink that keeps records" in error
    assert "history: {file: {path: " in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sink", "histry"), "has no sink 'histry'; did you mean `history`?"),
        (
            ("--sink", "console"),
            "console is a sink of the kind `std`, which keeps no records; there is `history`",
        ),
        (("--since", "soon"), "--since: 'soon' is no time: write how long ago, such as 15m"),
        (("--since", "1h", "--until", "2h"), "--until 2h isn't after --since 1h"),
        (("--label", "FB138"), "'FB138' is no label: write NAME=VALUE"),
        (("--limit", "0"), "'0' is neither a number from 1 nor `all`"),
        (("--outcome", "failed"), "invalid choice: 'failed'"),
    ],
)
def test_wrong_usage_is_said(local_shop: Site, words: tuple[str, ...], said: str) -> None:
    assert said in logs(local_shop, *words, code=2).stderr


@pytest.fixture
def local_shop(local_site: Site) -> Site:
    """A pipeline whose broker doesn't matter."""
    write(prepare(local_site), HISTORY)
    return local_site


def test_a_bad_file_and_an_elasticsearch_that_is_away_have_their_exit_codes(local_shop: Site) -> None:
    write(local_shop, {"search": {"elasticsearch": {"hosts": [f"http://127.0.0.1:{free_port()}"]}}})
    assert "can't reach Elasticsearch at http://127.0.0.1:" in logs(local_shop, code=1).stderr
    local_shop.file.write_text("version: 1\nname: shop\nlogs: {a: {file: {}}}\n")
    logs(local_shop, code=78)


def test_names_that_the_file_does_not_have_are_doubted(local_shop: Site) -> None:
    error = logs(local_shop, "--task", "shp", "--event", "order_pad", "--label", "ordre=1").stderr
    assert "has no task 'shp'; did you mean `ship`?" in error
    assert "has no event 'order_pad'; did you mean `order_paid`?" in error
    assert "has no label 'ordre'; did you mean `order`?" in error
    assert "there is no file " in error


def test_who_reads_only_the_beginning_gets_no_complaint(local_shop: Site) -> None:
    line = encode(log(pipeline="site")).json.decode() + "\n"
    (local_shop.folder / "log.jsonl").write_text(line * 50_000)
    done = subprocess.run(
        ["sh", "-c", '"$0" -m ebats logs "$1" --limit all | head -n 1', sys.executable, str(local_shop.file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=local_shop.folder,
        timeout=60,
        env={**os.environ, "EBATS_STATE_DIR": str(local_shop.folder / "state")},
    )
    assert done.stdout == "2026-01-01 12:00:00.125Z  INFO   orders#2  started\n"
    assert done.stderr == ""


def test_records_that_wait_unsent_are_said(local_shop: Site) -> None:
    # Given a run whose Elasticsearch is away
    port = free_port()
    write(local_shop, {**HISTORY, "search": {"elasticsearch": {"hosts": [f"http://127.0.0.1:{port}"]}}})
    command = local_shop.start()
    wait_until(
        lambda: "of sink search wait on disk, unsent" in logs(local_shop, code=1).stderr, 30, "it is said"
    )
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    # When it has ended, what it left is still said
    local_shop.end(command)
    assert "of sink search wait on disk, unsent" in logs(local_shop, code=1).stderr
