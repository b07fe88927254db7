"""What an answer of the other side means: sent, later, or never. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ebats.runner.alerts.channels.channel import ChannelError
from ebats.runner.alerts.channels.wire import Answer
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import line
from ebats.runner.callbacks import retry_after

#: Those of 4xx that may go away: a request that took too long, one that came too early, too many.
_LATER = (408, 425, 429)
#: Of WeCom: busy, the same data at the same time, too many a minute, too many at once.
_WECOM_LATER = (-1, 6000, 45009, 45033)
#: Of DingTalk: busy, too many a minute (it then takes none for a while).
_DINGTALK_LATER = (-1, 130101, 130102, 410100)
#: How long a robot wants to be left alone that had too much.
_ROBOT_RESTS_S = 60.0
#: No answer makes us wait for longer.
_LONGEST_REST_S = 3600.0
_LONGEST_TEXT = 200

Robot = Literal["wecom", "dingtalk"]
#: What an error of a robot means, and what to do.
_ROBOTS: Mapping[Robot, tuple[str, tuple[int, ...], Mapping[int, str]]] = {
    "wecom": (
        "WeCom",
        _WECOM_LATER,
        {
            93000: "it knows no robot with this key: was it removed, or is the key in `url` wrong?",
            93004: "the robot is switched off in its group",
            45009: "too many messages in this minute",
        },
    ),
    "dingtalk": (
        "DingTalk",
        _DINGTALK_LATER,
        {
            300001: "it knows no robot with this token: was it removed, or is the token in `url` wrong?",
            310000: "its security settings refuse it: it wants a keyword, its secret, or another address",
            130101: "too many messages in this minute",
        },
    ),
}


def check(answer: Answer, notices: Sequence[Notice], now: float) -> None:
    """Go by the status of an answer.

    Raises:
        ChannelError: it isn't a success; `now` is the Unix time in seconds, for a Retry-After that is a date.
    """
    if 200 <= answer.status < 300:
        return
    text = f"the answer is {answer.status}{_said(answer)}"
    if 300 <= answer.status < 400:
        hint = "redirects aren't followed: write the URL that it leads to"
        raise ChannelError(f"{text}; {hint}", refused=notices)
    if 400 <= answer.status < 500 and answer.status not in _LATER:
        raise ChannelError(text, refused=notices)
    wait_s = retry_after.wait_s(answer.retry_after, now, _LONGEST_REST_S)
    raise ChannelError(text, rest=notices, retry_after_s=wait_s or None)


def check_robot(robot: Robot, answer: Answer, notices: Sequence[Notice]) -> None:
    """Go by the `errcode` of an answer, which comes with status 200 whatever it is.

    Raises:
        ChannelError: it isn't 0.
    """
    name, later, meanings = _ROBOTS[robot]
    found = as_mapping(answer)
    code = found.get("errcode")
    if code == 0 and not isinstance(code, bool):
        return
    if not isinstance(code, int):
        raise ChannelError(f"the answer isn't {name}'s{_said(answer)}", rest=notices)
    said = found.get("errmsg")
    meaning = meanings.get(code)
    reason = f"{meaning} " if meaning else ""
    text = f"{name} says {code}: {reason}({line(str(said), _LONGEST_TEXT)})"
    if code in later:
        raise ChannelError(text, rest=notices, retry_after_s=None if code == -1 else _ROBOT_RESTS_S)
    raise ChannelError(text, refused=notices)


def check_slack(answer: Answer, notices: Sequence[Notice]) -> None:
    """Go by what Slack, and those that speak as it does, say in an answer with status 200: `ok`, or JSON.

    Raises:
        ChannelError: it says that it didn't take the message.
    """
    found = as_mapping(answer)
    if found.get("ok") is False or found.get("success") is False:
        raise ChannelError(f"it wasn't taken{_said(answer)}", refused=notices)


def as_mapping(answer: Answer) -> dict[str, Any]:
    """Return an answer that is a mapping in JSON; of any other, an empty one."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(answer: Answer) -> str:
    text = line(answer.text, _LONGEST_TEXT)
    return f": {text}" if text else ""
