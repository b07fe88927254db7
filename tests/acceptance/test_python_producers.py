"""Producers that are Python functions: what they yield is published, on both brokers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_ebats
from tests.faults.site import Site
from tests.waiting import wait_until

FEEDS = Path(__file__).with_name("feeds.py")
TEN = {f"m-{number}" for number in range(10)}


def write(site: Site, function: str, event: str | None = "happened") -> None:
    """Write a file with a producer, and a task that notes what it is given."""
    shutil.copy(FEEDS, site.folder)
    producer = {"python": f"feeds:{function}"} | ({"event": event} if event else {})
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}, "other": {"tasks": ["work"]}},
        producers={"feed": producer},
    )


def notes(site: Site) -> list[str]:
    """Return what the producer wrote down."""
    path = site.folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def errors(site: Site) -> list[dict[str, Any]]:
    """Return what the producer's process has logged as errors."""
    return [line for line in site.records("log") if line["process"] == "feed#1" and line["level"] == "error"]


def runs(site: Site) -> list[str]:
    """Return the messages that were done, by their names, each as often as it was."""
    return sorted(record["id"] for record in site.records() if record["outcome"] == "success")


@pytest.mark.parametrize("function", ["ten", "ten_async"])
def test_what_a_generator_yields_is_published_and_the_run_ends_with_it(site: Site, function: str) -> None:
    write(site, function)
    site.run()
    assert site.oracle.done_names() == TEN
    assert len(runs(site)) == 10
    assert not errors(site)


@pytest.mark.parametrize("function", ["ten_in_a_list", "ten_awaited", "ten_published", "ten_published_async"])
def test_a_function_may_return_its_items_or_publish_by_itself(local_site: Site, function: str) -> None:
    write(local_site, function)
    local_site.run()
    assert local_site.oracle.done_names() == TEN
    assert len(runs(local_site)) == 10


def test_without_an_event_it_yields_events_and_what_publish_takes_by_name(site: Site) -> None:
    write(site, "pairs", event=None)
    site.run()
    found = {record["id"]: record["event"] for record in site.records() if record["outcome"] == "success"}
    assert found["mine"] == "happened"
    assert sorted(found.values()) == ["happened", "happened", "other"]


def test_it_is_started_again_when_it_fails_and_not_when_it_returns(local_site: Site) -> None:
    site = local_site
    write(site, "fails_twice")
    site.run()
    assert notes(site) == ["called"] * 3
    assert site.oracle.done_names() == {"call-1", "call-2", "call-3"}
    first, second = errors(site)
    assert first["text"] == "failed: RuntimeError: no luck in call 1; it is started again in 1 s"
    assert second["text"] == "failed: RuntimeError: no luck in call 2; it is started again in 2 s"
    assert "feeds.py" in first["traceback"]


@pytest.mark.parametrize("function", ["yields_nonsense", "yields_nonsense_async"])
def test_what_cannot_be_published_is_told_at_its_yield(local_site: Site, function: str) -> None:
    write(local_site, function)
    local_site.run()
    assert notes(local_site) == ["told the payload['at'] is an object, which JSON doesn't have: convert it"]
    assert local_site.oracle.done_names() == {"m-0", "m-1"}
    assert not errors(local_site)


def test_a_generator_that_does_not_listen_has_failed(local_site: Site) -> None:
    write(local_site, "misnames", event=None)
    local_site.run()
    (error,) = errors(local_site)
    assert "there is no event 'hapened'; did you mean `happened`?" in error["text"]
    assert "it is started again in 1 s" in error["text"]
    assert local_site.oracle.done_names() == {"m-0"}


def test_a_producer_that_returned_is_not_started_again_and_status_says_so(local_site: Site) -> None:
    site = local_site
    write(site, "ten")
    command = site.launch()
    command.wait_for_output("leaves: finished, after 10 items")
    site.wait_started(10)

    def processes() -> dict[str, dict[str, Any]]:
        env = {"EBATS_STATE_DIR": str(site.folder / "state")}
        found = json.loads(run_ebats("status", site.file, "--format", "json", env=env).stdout)
        return {each["name"]: each for each in found["runners"][0]["processes"]}

    wait_until(lambda: processes().get("feed#1", {}).get("finished"))
    assert processes()["feed#1"] | {"pid": None, "yielded": 10} == processes()["feed#1"]
    env = {"EBATS_STATE_DIR": str(site.folder / "state")}
    assert "finished" in run_ebats("status", site.file, env=env).stdout
    assert command.output.count("publishes what feeds:ten yields") == 1
    site.end(command)
    assert len(runs(site)) == 10


def test_a_producers_process_imports_little(local_site: Site) -> None:
    write(local_site, "imported")
    local_site.run()
    assert notes(local_site) == ["imported []"]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("NUMBER", "feeds:NUMBER is no function but int"),
        ("nobody", "module 'feeds' has no attribute 'nobody'"),
        ("wants", "nobody gives it 'number'"),
    ],
)
def test_a_function_that_cannot_be_called_is_told_at_its_line(
    local_site: Site, function: str, text: str
) -> None:
    write(local_site, function)
    line = local_site.file.read_text().splitlines().index(f'      "python": "feeds:{function}",') + 1
    output = local_site.run(code=78)
    assert f"pipeline.yaml:{line}:" in output
    assert text in output
