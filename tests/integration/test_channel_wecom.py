"""A robot of WeCom, as it answers: errors come with status 200."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.alerts import Alerts, EmailChannel, Rule, WecomChannel
from ebats.pipelines.problems import Place
from ebats.runner.alerts.channels.audience import Audience
from ebats.runner.alerts.channels.channel import ChannelError, Paced
from ebats.runner.alerts.channels.wecom import message
from tests.brokers import free_port
from tests.merchant import Merchant
from tests.robot import KEY, answer, errcode, sent, wecom
from tests.unit.alerts.notices import notice

WECOM = WecomChannel(name="ops", url="https://qyapi.example.com/send?key=1")


@pytest.fixture
def robot() -> Iterator[Merchant]:
    with Merchant(errcode(0)) as robot:
        yield robot


def url(robot: Merchant) -> str:
    return robot.url(f"/cgi-bin/webhook/send?key={KEY}")


def test_a_text_mentions_members_and_owners(robot: Merchant) -> None:
    channel = wecom(url(robot), mentions=("zhang", "@all"), mobiles=("13800000000",))
    channel.send([notice()])
    [call] = robot.calls
    assert call.path == f"/cgi-bin/webhook/send?key={KEY}"
    assert call.headers["Content-Type"] == "application/json"
    assert sent(call) == {
        "msgtype": "text",
        "text": {
            "content": f"{notice().title}\n{notice().text}",
            "mentioned_list": ["zhang", "@all", "li"],
            "mentioned_mobile_list": ["13800000000", "13900000001"],
        },
    }


def test_markdown_mentions_in_the_text(robot: Merchant) -> None:
    wecom(url(robot), format="markdown", mentions=("zhang", "@all"), mobiles=("138",)).send([notice()])
    found = sent(robot.calls[0])
    assert found["msgtype"] == "markdown"
    assert found["markdown"]["content"].endswith("\n<@zhang><@all><@li>")
    assert "138" not in str(found["markdown"]).replace("FB138", "")


def test_nobody_is_called_for_what_is_over(robot: Merchant) -> None:
    wecom(url(robot), mentions=("zhang",)).send([notice(state="over")])
    assert "mentioned_list" not in sent(robot.calls[0])["text"]


@given(st.lists(st.text(max_size=1000), min_size=1, max_size=40), st.sampled_from(["text", "markdown"]))
def test_a_message_is_never_longer_than_wecom_takes(whats: list[str], form: str) -> None:
    model = WecomChannel(name="ops", url="", format=form, mentions=("zhang",) * 5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    notices = [notice(number, what=what) for number, what in enumerate(whats)]
    found = message(model, Audience(Alerts(channels={"ops": model})), notices)
    assert len(found[form]["content"].encode()) <= {"text": 2048, "markdown": 4096}[form]


def test_a_text_of_a_task_mentions_nobody_and_is_no_link() -> None:
    evil = notice(what="<@all> [pay here](https://evil.example) <font color='warning'>")
    for form in ("text", "markdown"):
        model = WecomChannel(name="ops", url="", format=form)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        content = message(model, Audience(Alerts(channels={"ops": model})), [evil])[form]["content"]
        assert "<@" not in content
        assert form == "text" or ("](" not in content and "<" not in content)


def test_where_a_rule_has_mail_too_the_message_says_so() -> None:
    mail = EmailChannel(name="mail", host="h", port=25, sender="a@b.c", to=("d@e.f",))
    place = Place(file="shop.yaml", line=1, column=1)
    rule = Rule(
        name="dead_letters", condition="dead_letters", threshold=1, channels=("ops", "mail"), place=place
    )
    alerts = Alerts(channels={"ops": WECOM, "mail": mail}, rules=(rule,))
    for notices in ([notice()], [notice(number, what="x" * 100) for number in range(90)]):
        content = message(WECOM, Audience(alerts), notices)["text"]["content"]
        assert content.endswith("\n(the whole text is in the mail of mail)")
    assert "mail" not in message(WECOM, Audience(alerts), [notice(rule="other")])["text"]["content"]


@pytest.mark.parametrize("code", [45009, -1, 45033])
def test_too_many_or_busy_is_tried_again(robot: Merchant, code: int) -> None:
    robot.reply = errcode(code, "api freq out of limit")
    with pytest.raises(ChannelError, match=f"WeCom says {code}") as raised:
        wecom(url(robot)).send([notice()])
    assert raised.value.rest == (notice(),)
    assert raised.value.retry_after_s == (None if code == -1 else 60.0)


def test_a_wrong_key_is_told_clearly_and_given_up(robot: Merchant) -> None:
    robot.reply = errcode(93000, f"invalid webhook url, hint: [1], key={KEY}")
    with pytest.raises(ChannelError, match="93000: it knows no robot with this key") as raised:
        wecom(url(robot)).send([notice(1), notice(2)])
    assert len(raised.value.refused) == 2
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("code", [40008, 45002, 93004])
def test_what_it_does_not_take_is_given_up(robot: Merchant, code: int) -> None:
    robot.reply = errcode(code, "no")
    with pytest.raises(ChannelError) as raised:
        wecom(url(robot)).send([notice()])
    assert raised.value.refused


@pytest.mark.parametrize(
    ("status", "text", "is_later"),
    [(500, "", True), (502, "<html>", True), (429, "", True), (404, "", False), (200, "<html>login", True)],
)
def test_answers_that_are_not_wecoms(robot: Merchant, status: int, text: str, is_later: bool) -> None:
    robot.reply = answer(status, text)
    with pytest.raises(ChannelError) as raised:
        wecom(url(robot)).send([notice()])
    assert bool(raised.value.rest) == is_later


def test_a_redirect_is_not_followed(robot: Merchant) -> None:
    robot.reply = answer(302, headers={"Location": url(robot)})
    with pytest.raises(ChannelError, match="redirects aren't followed") as raised:
        wecom(url(robot)).send([notice()])
    assert raised.value.refused
    assert len(robot.calls) == 1


def test_nobody_listens_and_the_key_is_not_told() -> None:
    with pytest.raises(ChannelError, match="no connection") as raised:
        wecom(f"http://127.0.0.1:{free_port()}/?key={KEY}").send([notice()])
    assert KEY not in str(raised.value)
    assert raised.value.rest


def test_proxies_of_the_environment_are_not_used(robot: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    wecom(url(robot)).send([notice()])
    assert len(robot.calls) == 1


def test_twenty_a_minute_also_over_restarts(robot: Merchant, tmp_path: Path) -> None:
    began = time.monotonic()
    paced = 0
    for number in range(30):
        try:
            wecom(url(robot), str(tmp_path)).send([notice(number)])
        except Paced:
            paced += 1
    assert time.monotonic() - began > 7 or paced == 20
    assert len(robot.calls) + paced == 30
    assert len(robot.calls) <= 20
