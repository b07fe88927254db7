"""`ebats plan`, `ebats apply` and `ebats prune`, the commands themselves, on both brokers."""

import json
import re
import subprocess
from contextlib import closing
from typing import Any

import pytest

from ebats.runner.broker import prune as pruning
from ebats.runner.commands import prune
from tests.commands import run_ebats
from tests.faults.site import Site
from tests.integration.wire import Wire


def write(site: Site, delay: str = "10m", second: str = "mail", **more: Any) -> None:
    """Write a file with an event's delayed task, and one of another name."""
    site.write(
        tasks={
            "ship": {"python": "tasks:work", "retry": ["2s"]},
            second: {"python": "tasks:other" if second == "mail" else "tasks:collect"},
        },
        events={
            "created": {"tasks": [{"task": "ship", "delay": delay}]},
            "paid": {"tasks": ["ship", second]},
        },
        **more,
    )


def ebats(site: Site, command: str, *flags: str, code: int = 0) -> str:
    """Run a command on the file; return what it printed."""
    done: subprocess.CompletedProcess[str] = run_ebats(command, site.file, *flags)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def stored(site: Site) -> Any:
    """Return the topology that the broker keeps, and leave it there."""
    with closing(Wire(site.url)) as wire:
        message = wire.get(f"{site.name}.topology")
        return json.loads(message.body)


def test_a_plan_says_what_is_new_and_changes_nothing(site: Site) -> None:
    write(site)
    first = ebats(site, "plan", "--detailed-exitcode", code=2)
    assert re.search(rf"^  \+ queue     {site.name}\.ship$", first, re.MULTILINE)
    assert re.search(r"^  \+ bindings  \d+$", first, re.MULTILINE)
    with closing(Wire(site.url)) as wire, pytest.raises(Exception, match=r"NOT_FOUND|no queue"):
        wire.ready(f"{site.name}.ship")
    assert ebats(site, "plan") == first


def test_apply_does_what_the_plan_says_and_then_there_is_none(site: Site) -> None:
    write(site)
    assert "applied in" in ebats(site, "apply")
    for command in (("plan", "--detailed-exitcode"), ("apply",)):
        assert ebats(site, *command) == f"{site.name}: the broker matches the file\n"
    with closing(Wire(site.url)) as wire:
        wire.channel.queue_delete(f"{site.name}.mail")
    assert f"  + queue     {site.name}.mail\n" in ebats(site, "plan", "--detailed-exitcode", code=2)
    ebats(site, "apply")
    assert site.ready("mail") == 0


def test_a_plan_says_what_becomes_of_messages_and_apply_does_it(site: Site) -> None:
    write(site)
    site.declare()
    site.send(["a", "b"], key="paid")
    site.send(["c"], key="created")
    write(site, "20m", "sms")

    said = ebats(site, "plan", "--detailed-exitcode", code=2)

    name = site.name
    for line in (
        f"  + rung      {name}.delay.20m.created.ship",
        f"  + binding   {name}.events paid -> {name}.sms",
        f"  - binding   {name}.events paid -> {name}.mail",
        "  - task      mail is gone; what had begun becomes a dead letter",
        f"  - queue     {name}.mail has left the file; 2 messages wait there:"
        " they move to where the file wants them; what is for something that is gone becomes a dead letter",
        f"  - rung      {name}.delay.10m.created.ship has left the file; 1 message waits there:"
        " each goes where the file wants it when its wait ends",
    ):
        assert f"{line}\n" in said
    assert "2 messages to move; nothing is deleted; `ebats prune` deletes what has left the file" in said
    found = json.loads(ebats(site, "plan", "--format", "json"))
    assert found["differs"] is True
    assert {"queue": f"{name}.mail", "kind": "work", "ready": 2} in found["left"]
    assert {"exchange": f"{name}.events", "key": "paid", "queue": f"{name}.sms"} in found["make"]["bindings"]
    assert (site.ready("mail"), site.ready("delay.10m.created.ship")) == (2, 1)

    applied = ebats(site, "apply")

    assert f"moved 2 messages of {name}.mail to where the file wants it now" in applied
    assert (site.ready("mail"), site.ready("sms"), site.ready("delay.10m.created.ship")) == (0, 2, 1)


def test_a_clash_is_told_with_its_way_out(site: Site) -> None:
    with closing(Wire(site.url)) as wire:
        wire.queue(f"{site.name}.ship", {"x-queue-type": "classic"})
    write(site)
    said = ebats(site, "plan", "--detailed-exitcode", code=2)
    assert "`generations: {ship: 2}`" in said
    assert "1 clash: a start would change nothing, and end with 78" in said
    assert "`generations: {ship: 2}`" in ebats(site, "apply", code=78)
    write(site, generations={"ship": 2})
    assert f"  - queue     {site.name}.ship has left the file\n" in ebats(site, "plan")
    ebats(site, "apply")


def test_a_broker_that_is_away_is_an_error(site: Site) -> None:
    site.url = "amqp://guest:guest@127.0.0.1:9/"
    write(site)
    for command in ("plan", "apply", "prune"):
        assert "gave up waiting" in ebats(site, command, "--wait", "200ms", code=1)


def test_prune_deletes_what_is_empty_and_ours_and_says_what_stays(site: Site) -> None:
    write(site)
    site.declare()
    site.send(["c"], key="created")
    write(site, "20m", "sms")
    assert "run `ebats apply" in ebats(site, "prune", code=78)
    site.declare()

    said = ebats(site, "prune", "--yes")

    name = site.name
    assert f"    queue     {name}.mail  stays: the file changed less than a minute ago" in said
    assert f"    queue     {name}.delay.10m.created.ship  stays: 1 message waits there" in said
    assert "nothing can be deleted yet\n" in said


def test_prune_asks_first_and_forgets_what_is_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    write(site)
    site.declare()
    write(site, "20m", "sms", ladders={"x": ["1s"]})
    site.declare()
    monkeypatch.setattr(pruning, "_RECENT_S", 0.0)
    assert "say --yes" in ebats(site, "prune", code=2)

    assert prune.main(str(site.file), {}, yes=True) == 0

    kept = stored(site)
    assert kept["former"]["queues"] == {}
    assert kept["former"]["wirings"] == []
    assert kept["redirects"] == []
    with closing(Wire(site.url)) as wire, pytest.raises(Exception, match=r"NOT_FOUND|no queue"):
        wire.ready(f"{site.name}.mail")
    # All that the file has is there, and works.
    site.send(["m"], key="paid")
    site.run("--fail-on-dead")
    assert f"{site.name}: nothing is left of former files" in ebats(site, "prune")
    assert "matches the file" in ebats(site, "plan")


def test_prune_keeps_what_somebody_uses(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    write(site)
    command = site.start()
    write(site, "20m", "sms")
    site.declare()
    monkeypatch.setattr(pruning, "_RECENT_S", 0.0)
    said = ebats(site, "prune", "--yes")
    site.end(command)
    # The command itself still counts the minute; the consumer is what it names first.
    assert f"    queue     {site.name}.mail  stays: 1 consumer of a runner with an older file" in said
