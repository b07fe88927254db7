"""`ebats dead`: letters are looked at, come back, go, and are lost in none of these; on both brokers."""

import base64
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest

from ebats.runner.commands import revive
from ebats.runner.commands.dead import Search
from tests.acceptance.letters import dead, listed, names, shop, write
from tests.faults.site import Site
from tests.integration.wire import Wire

__all__ = ["shop"]


def test_letters_are_listed_filtered_and_still_there(shop: Site) -> None:
    now = time.time()
    write(
        shop,
        {
            "id": "a",
            "last": now - 7200,
            "event": "happened",
            "attempt": 3,
            "error": "E",
            "text": "x\ny\x1b[2J",
        },
        {"id": "b", "last": now - 60, "task": "other", "reason": "timeout", "queue": "slow"},
        {"id": "c", "last": now - 90_000, "task": "gone"},
    )
    assert [letter["id"] for letter in listed(shop)] == ["c", "a", "b"]
    assert names(listed(shop, "--task", "other")) == {"b"}
    assert names(listed(shop, "--task", "other", "--task", "gone")) == {"b", "c"}
    assert names(listed(shop, "--event", "happened", "--reason", "failed")) == {"a"}
    assert names(listed(shop, "--since", "3h")) == {"a", "b"}
    assert names(listed(shop, "--older-than", "1h")) == {"a", "c"}
    assert names(listed(shop, "--id", "c")) == {"c"}
    assert len(listed(shop, "--limit", "2")) == 2
    assert names(listed(shop, "--since", "2020-01-01T00:00:00Z", "--older-than", "2021-01-01")) == set()
    result = dead(shop, "list")
    head, _, second, _ = (*result.stdout.splitlines(), "")[:4]
    assert head.split() == ["DIED", "TASK", "EVENT", "REASON", "ATTEMPTS", "ID", "QUEUE", "ERROR"]
    assert second.split()[1:] == ["work", "happened", "failed", "3", "a", "fast", "E:", "x", r"y\x1b[2J"]
    assert result.stderr == "ebats: 3 of 3 dead letters\n"
    assert shop.ready("dead") == 3


def test_a_misspelt_name_is_told_from_one_that_no_letter_has(shop: Site) -> None:
    write(shop, {"id": "a", "task": "gone"}, {"id": "b", "reason": "odd"})
    for command, option, name, hint in (
        ("list", "task", "wrok", "did you mean `work`?"),
        ("retry", "task", "gnoe", "did you mean `gone`?"),
        ("drop", "event", "hapened", "did you mean `happened`?"),
        ("export", "reason", "exausted", "did you mean `exhausted`?"),
    ):
        result = dead(shop, command, f"--{option}", name)
        assert f"there is no {option} {name!r}; {hint}" in result.stderr
    known = ("--task", "other", "--event", "alone", "--reason", "exhausted", "--reason", "odd")
    assert "there is no" not in dead(shop, "list", *known).stderr


def test_everything_of_the_letters_of_one_id_is_shown(shop: Site) -> None:
    write(
        shop,
        {"id": "a", "traceback": "File x\n  line 1", "text": "no stock"},
        {"id": "a", "task": "other"},
        {"id": "b"},
    )
    shown = dead(shop, "show", "a").stdout
    for text in ("task       work", "task       other", "no stock", "line 1", "trace: t", '    "n": "a"'):
        assert text in shown
    whole = [json.loads(line) for line in dead(shop, "show", "a", "--format", "json").stdout.splitlines()]
    assert {letter["task"] for letter in whole} == {"work", "other"}
    none = dead(shop, "show", "z")
    assert (none.returncode, none.stdout) == (1, "")
    assert f"no dead letter of {shop.name} has the id 'z'; there are 3" in none.stderr


def test_letters_come_back_to_their_tasks_with_their_bodies_untouched(shop: Site) -> None:
    body = b'{ "n":"a",  "x": 1.0 }'
    write(
        shop,
        {"id": "a", "attempt": 6, "crashes": 2, "body": body, "event": "happened", "key": "happened"},
        {"id": "b", "queue": "slow"},
        {"id": "c", "task": "other"},
    )
    result = dead(shop, "retry", "--task", "work")
    assert (result.returncode, result.stdout) == (0, "2 of 3 dead letters published again\n"), result.stderr
    shop.wait_ready("dead", 1)
    (first,) = shop.take("fast")
    assert (first.exchange, first.key, first.body) == (f"{shop.name}.tasks", "work", body)
    assert first.properties["message_id"] == "a"
    ours = {"ebats-task": "work", "ebats-event": "happened", "ebats-key": "happened", "ebats-attempt": 1}
    assert {*ours.items(), ("trace", "t")} <= {*first.headers.items()}
    assert not {"ebats-reason", "ebats-crashes", "ebats-last"} & {*first.headers}
    (second,) = shop.take("slow")
    assert (second.key, second.properties["message_id"]) == ("work@slow", "b")


def test_letters_of_the_broker_go_where_the_file_now_wants_them(shop: Site) -> None:
    with closing(Wire(shop.url)) as wire:
        for exchange, key in (
            ("events", "later"),
            ("events", "never"),
            ("tasks", "later"),
            ("tasks", "never"),
        ):
            wire.publish(b"{}", f"{shop.name}.{exchange}", key, message_id=f"{exchange}-{key}")
    shop.wait_ready("dead", 4)
    assert {letter["reason"] for letter in listed(shop)} == {"unrouted"}
    shop.write(tasks={"later": {"python": "tasks:work"}}, events={"later": {"tasks": ["later"]}})
    shop.declare()
    result = dead(shop, "retry", "--all")
    assert (result.returncode, result.stdout) == (1, "2 of 4 dead letters published again\n"), result.stderr
    assert "the file has no task 'never'" in result.stderr
    assert "no event of the file has the key 'never' on" in result.stderr
    shop.wait_ready("dead", 2)
    assert {letter.properties["message_id"] for letter in shop.take("later")} == {
        "events-later",
        "tasks-later",
    }
    assert names(listed(shop)) == {"events-never", "tasks-never"}


def test_what_the_broker_has_no_queue_for_yet_stays_with_its_reason(shop: Site) -> None:
    write(shop, {"id": "a", "task": "later"}, {"id": "b", "queue": "third"}, {"id": "c"})
    with closing(Wire(shop.url)) as wire:
        wire.publish(b"{}", f"{shop.name}.events", "later", message_id="d")
    shop.wait_ready("dead", 4)
    text = shop.file.read_text()
    text = text.replace('"tasks": {', '"tasks": {"later": {"python": "tasks:work"},', 1)
    text = text.replace('"events": {', '"events": {"later": {"tasks": ["later"]},')
    text = text.replace('"slow": {}', '"slow": {}, "third": {}').replace('"slow"\n', '"slow", "third"\n', 1)
    shop.file.write_text(text)
    for flag, done in (("--dry-run", "would be published again"), ("--all", "published again")):
        result = dead(shop, "retry", "--all", *({flag} - {"--all"}))
        assert (result.returncode, f"1 of 4 dead letters {done}" in result.stdout) == (1, True), result.stdout
        for key, exchange in (("later", "tasks"), ("work@third", "tasks"), ("later", "events")):
            assert f"no queue for the key '{key}' on the exchange {shop.name}.{exchange} yet" in result.stderr
    assert {letter["reason"] for letter in listed(shop) if letter["id"] in "ab"} == {"failed"}
    shop.declare()
    assert dead(shop, "retry", "--all").stdout == "3 of 3 dead letters published again\n"


def test_a_dry_run_says_what_would_happen_and_changes_nothing(shop: Site) -> None:
    write(shop, {"id": "a"}, {"id": "b", "task": "gone"})
    result = dead(shop, "retry", "--all", "--dry-run")
    assert result.returncode == 1
    assert "1 of 2 dead letters would be published again" in result.stdout
    assert " a " in result.stdout
    assert "the file has no task 'gone'" in result.stderr
    result = dead(shop, "drop", "--all", "--dry-run", "--format", "json")
    assert names(json.loads(result.stdout)["dropped"]) == {"a", "b"}
    assert shop.ready("dead") == 2
    assert shop.ready("fast") == 0


def test_dropping_asks_first_and_takes_what_was_meant(shop: Site) -> None:
    write(shop, *({"id": str(number), "reason": ["failed", "timeout"][number % 2]} for number in range(10)))
    refused = dead(shop, "drop", "--reason", "timeout")
    assert refused.returncode == 2
    assert "Drop 5 dead letters of" in refused.stderr
    assert "say --yes" in refused.stderr
    assert shop.ready("dead") == 10
    result = dead(shop, "drop", "--reason", "timeout", "--limit", "4", "--yes")
    assert (result.returncode, result.stdout) == (0, "4 of 10 dead letters dropped\n")
    shop.wait_ready("dead", 6)
    assert Counter(letter["reason"] for letter in listed(shop)) == {"failed": 5, "timeout": 1}


def test_what_others_took_meanwhile_is_said(
    shop: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(shop, {"id": "a"}, {"id": "b"})

    def think(_question: str, *, yes: bool) -> bool:
        with closing(Wire(shop.url)) as wire:
            wire.channel.basic_get(f"{shop.name}.dead", no_ack=True)
        return not yes

    monkeypatch.setattr(revive, "is_sure", think)
    assert revive.drop(Search(file=str(shop.file), environ={}), dry_run=False, yes=False) == 0
    said = capsys.readouterr()
    assert said.out == "1 of 2 dead letters dropped\n"
    assert "1 dead letter more had been found, and gone or in others' hands since" in said.err


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_nothing_goes_without_saying_which(shop: Site, command: str) -> None:
    write(shop, {"id": "a"})
    for words in ((), ("--limit", "1"), ("--all", "--task", "work")):
        result = dead(shop, command, *words)
        assert result.returncode == 2
        assert "--all" in result.stderr.splitlines()[-1]
    assert shop.ready("dead") == 1


def test_an_export_has_everything(shop: Site) -> None:
    bodies = {
        "json": b'{"n": 1.00,  "zh": "\xe5\x8d\x97"}',
        "bytes": b"\xff\x00",
        "empty": b"",
        "nan": b"NaN",
    }
    write(shop, *({"id": name, "body": body} for name, body in bodies.items()))
    output = shop.folder / "dead.jsonl"
    result = dead(shop, "export", "--output", str(output))
    assert (result.returncode, result.stdout) == (0, "")
    assert "4 of 4 dead letters; exported, and still there" in result.stderr
    found = {letter["id"]: letter for letter in map(json.loads, output.read_text("utf-8").splitlines())}
    assert {name: base64.b64decode(found[name]["body_base64"]) for name in found} == bodies
    assert {name: found[name].get("body") for name in found} == {
        **dict.fromkeys(bodies),
        "json": {"n": 1.0, "zh": "南"},
    }
    assert found["json"]["headers"]["trace"] == "t"
    assert found["json"]["properties"]["message_id"] == "json"
    assert len(dead(shop, "export", "--limit", "2").stdout.splitlines()) == 2
    assert shop.ready("dead") == 4
    bad = dead(shop, "export", "--output", "/nowhere/dead.jsonl")
    assert (bad.returncode, "can't write /nowhere/dead.jsonl" in bad.stderr) == (1, True)


def test_ten_thousand_letters_list_in_a_second_or_two(shop: Site) -> None:
    trace = "File x\n" * 200
    write(shop, *({"id": str(number), "traceback": trace, "text": "no"} for number in range(10_000)))
    begun = time.monotonic()
    result = dead(shop, "list", "--limit", "100000")
    took = time.monotonic() - begun
    assert len(result.stdout.splitlines()) == 10_001
    assert took < 60, took  # on a quiet machine it is about one
    shop.wait_ready("dead", 10_000)
    # What was on its way beyond the limit makes no noise.
    few = dead(shop, "list", "--limit", "5")
    assert (len(few.stdout.splitlines()), few.stderr) == (6, "ebats: 5 of 10000 dead letters\n")


def test_a_pipeline_that_never_was_has_no_dead_letters(site: Site) -> None:
    site.write_work()
    result = dead(site, "list")
    assert (result.returncode, result.stdout) == (0, "")
    assert "has nothing on the broker yet, and so no dead letters" in result.stderr
    assert dead(site, "retry", "--all").returncode == 0


def test_a_broker_that_is_away_is_waited_for(make_site: Callable[[str], Site]) -> None:
    site = make_site("amqp://127.0.0.1:1/")
    site.write_work()
    result = dead(site, "list", "--wait", "500ms")
    assert result.returncode == 1
    assert "gave up waiting for the broker, after 0.5 s" in result.stderr
