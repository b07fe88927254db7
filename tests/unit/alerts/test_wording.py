"""What notices say: for people, on safe lines, with what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ebats.pipelines.load import from_bytes
from ebats.runner.alerts import wording
from ebats.runner.alerts.notice import State
from ebats.runner.alerts.wording import Row, Sample
from ebats.runner.sinks.mask import Mask
from tests.unit.alerts.notices import BEGAN, NOW, RUN, about


def test_it_says_what_since_when_how_often_whose_and_what_to_do() -> None:
    notice = wording.alert(RUN, about(), "open", NOW)
    assert notice.title == "[critical] shop (production): 12 dead letters of ship within 5m"
    assert notice.text.splitlines() == [
        "since 2026-11-23 14:05 UTC, for 7m, 12 times, owner warehouse",
        "rule dead_letters, on box",
        "ship FB138 exhausted: ValueError: no stock",
        "ebats dead list shop.yaml --task ship --since 2026-11-23T14:00Z",
        "ebats logs shop.yaml --id FB138",
        "ebats alerts ack shop.yaml a1",
    ]


def test_in_full_it_has_all_samples() -> None:
    assert "FB139" not in wording.alert(RUN, about(), "open", NOW).text
    assert "FB139" in wording.alert(RUN, about(), "open", NOW).long


@pytest.mark.parametrize(
    ("state", "begins"),
    [
        ("repeated", "still 12 dead"),
        ("escalated", "nobody has acknowledged: 12 dead"),
        ("over", "over: 12 dead"),
    ],
)
def test_the_title_says_what_has_happened_to_the_alert(state: State, begins: str) -> None:
    title = wording.alert(RUN, about(), state, NOW).title
    assert title.removeprefix("[critical] shop (production): ").startswith(begins)


def test_an_alert_that_is_over_says_how_long_it_lasted_and_asks_for_nothing() -> None:
    text = wording.alert(RUN, about(), "over", BEGAN + timedelta(days=1, hours=2)).text
    assert "from 2026-11-23 14:05 UTC to 2026-11-24 16:05 UTC, 1d 2h" in text
    assert "ebats" not in text


def test_only_critical_alerts_want_an_acknowledgement() -> None:
    assert "ack" not in wording.alert(RUN, about(severity="warning"), "open", NOW).text


@pytest.mark.parametrize(
    ("condition", "command"),
    [
        ("failure_rate", "ebats logs shop.yaml --task ship --level warning --since 2026-11-23T14:00Z"),
        ("slow", "ebats logs shop.yaml --task ship --since 2026-11-23T14:00Z"),
        ("attempts", "ebats logs shop.yaml --id FB138"),
        ("queue_depth", "ebats status shop.yaml"),
        ("process_dies", "ebats logs shop.yaml --since 2026-11-23T14:00Z --level error"),
        ("sink_away", "ebats status shop.yaml"),
    ],
)
def test_each_condition_has_a_command_to_find_out_more(condition: str, command: str) -> None:
    assert command in wording.alert(RUN, about(condition=condition), "open", NOW).text.splitlines()


def test_texts_from_outside_stay_on_their_line_without_passwords_and_are_cut() -> None:
    evil = Sample(
        id="x\r\nBcc: all@example.com",
        task="ship",
        error="OSError",
        text="\x1b[31mamqp://me:hunter2@host\n" + "long " * 1000,
    )
    notice = wording.alert(RUN, about(samples=(evil,)), "open", NOW)
    for text in (notice.text, notice.long):
        assert "hunter2" not in text
        assert "\x1b" not in text
        assert "\r" not in text
        assert not [line for line in text.splitlines() if line.startswith("Bcc")]
    assert max(map(len, notice.text.splitlines())) < 300
    assert len(notice.long) < 3000


@pytest.mark.parametrize(
    "text",
    [
        "login as shop failed, password=hunter2",
        "connect(host='db', passwd='hunter2')",
        "no such key: api_key=hunter2&page=1",
        '{"access_token": "hunter2"}',
        "amqp://shop:hunter2@mq is away",
    ],
)
def test_passwords_in_the_texts_of_exceptions_are_hidden_without_being_asked(text: str) -> None:
    sample = Sample(id="FB138", task="ship", error="ValueError", text=text)
    notice = wording.alert(RUN, about(samples=(sample,), what=f"it died: {text}"), "open", NOW)
    assert "hunter2" not in notice.title + notice.text + notice.long


def test_what_the_file_masks_is_masked_here_too() -> None:
    run = replace(RUN, mask=Mask(["card_no"]))
    text = "no such card: card_no=6222021234, Authorization: Bearer abc"
    notice = wording.alert(
        run, about(samples=(Sample(id="FB1", error="ValueError", text=text),)), "open", NOW
    )
    for text in (notice.text, notice.long):
        assert "6222021234" not in text
        assert "abc" not in text
        assert "no such card" in text


def test_a_run_masks_what_any_sink_of_the_file_does() -> None:
    text = """
version: 1
name: shop
environment: production
logs:
  console: {std: {mask: [password]}}
  history: {file: {path: shop.jsonl, mask: [card_no]}}
  mine: {python: "shop:keep"}
"""
    run = wording.run_of(from_bytes("shop.yaml", text.encode(), {}).pipeline)
    assert (run.pipeline, run.file, run.environment) == ("shop", "shop.yaml", "production")
    assert all(run.mask.hides(key) for key in ("password", "card_no", "Authorization"))
    assert not run.mask.hides("order")


def test_a_command_can_be_pasted_whatever_the_id_is() -> None:
    sample = Sample(id="$(reboot) 'x'", task="ship")
    text = wording.alert(RUN, about(samples=(sample,)), "open", NOW).text
    assert """ebats logs shop.yaml --id '$(reboot) '"'"'x'"'"''""" in text


def test_a_digest_has_totals_troubles_and_in_full_a_table_of_all() -> None:
    rows = [
        Row(task="report", executions=5, retries=0, dead=0, p95_s=12.3),
        Row(task="ship", executions=12_000, retries=70, dead=3, p95_s=0.25),
        Row(task="idle", executions=0, retries=0, dead=0),
    ]
    notice = wording.digest(RUN, rows, BEGAN - timedelta(days=1), BEGAN)
    assert notice.title == "[info] shop (production): 12,005 executions, 70 retries, 3 dead letters"
    assert notice.text.splitlines() == [
        "2026-11-22 14:05 UTC to 2026-11-23 14:05 UTC, the runner on box",
        "ship: 3 dead, 70 retries of 12,000 executions",
    ]
    assert notice.long.splitlines()[2:] == [
        "TASK    EXECUTIONS  RETRIES  DEAD      P95",
        "ship        12,000       70     3   0.250s",
        "report           5        0     0  12.300s",
        "idle             0        0     0        -",
    ]


def test_a_test_says_that_it_is_one() -> None:
    notice = wording.test(RUN, "ops", NOW)
    assert notice.state == "test"
    assert "nothing is wrong" in notice.text
