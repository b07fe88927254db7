"""A robot of a WeCom group: text or markdown, counted in bytes, twenty messages a minute."""

import json
import time
from collections.abc import Sequence
from typing import Any

from ebats.pipelines.alerts import WecomChannel
from ebats.runner.alerts.channels import answers, compose
from ebats.runner.alerts.channels.audience import Audience, calls, once
from ebats.runner.alerts.channels.channel import ChannelError, Paced
from ebats.runner.alerts.channels.hidden import hidden, secrets_of
from ebats.runner.alerts.channels.pace import Pace
from ebats.runner.alerts.channels.wire import NoAnswer, post
from ebats.runner.alerts.notice import Notice

#: Bytes of UTF-8, https://developer.work.weixin.qq.com/document/path/91770
_LIMITS = {"text": 2048, "markdown": 4096}


class Wecom:
    """Sends what waits as one message."""

    def __init__(self, channel: WecomChannel, audience: Audience, pace: Pace) -> None:
        """Mention the channel's members, and the owners; `pace` is that of this robot."""
        self.name = channel.name
        self._channel = channel
        self._audience = audience
        self._pace = pace
        self._secrets = secrets_of(channel.url)

    def send(self, notices: list[Notice]) -> None:
        """Send notices as one message.

        Raises:
            ChannelError: it wasn't taken.
        """
        if wait_s := self._pace.take():
            raise Paced("a robot takes 20 messages a minute", rest=notices, retry_after_s=wait_s)
        body = json.dumps(message(self._channel, self._audience, notices), ensure_ascii=False)
        try:
            answer = post(
                self._channel.url, body.encode("utf-8", "replace"), {"Content-Type": "application/json"}
            )
            answers.check(answer, notices, time.time())
            answers.check_robot("wecom", answer, notices)
        except NoAnswer as error:
            raise ChannelError(str(error), rest=notices) from None
        except ChannelError as error:
            raise hidden(error, self._secrets) from None

    def close(self) -> None:
        """Do nothing: each message has a connection of its own."""


def message(channel: WecomChannel, audience: Audience, notices: Sequence[Notice]) -> dict[str, Any]:
    """Return the JSON of one message about all notices. Pure."""
    owners = audience.called(notices)
    mentions = once(channel.mentions, *(owner.mentions for owner in owners)) if calls(notices) else []
    mobiles = once(channel.mobiles, *(owner.mobiles for owner in owners)) if calls(notices) else []
    mail = audience.mail(notices)
    tail = f"(the whole text is in the mail of {mail})" if mail else ""
    limit = _LIMITS[channel.format]
    if channel.format == "markdown":
        # The only way to mention somebody in markdown, and none is there for a mobile number.
        named = "".join(f"<@{user.removeprefix('@')}>" for user in mentions)
        ends = "\n".join(part for part in (tail, named) if part)
        content = compose.short(notices, limit, tail=ends, safe=_as_markdown)
        return {"msgtype": "markdown", "markdown": {"content": content}}
    text: dict[str, Any] = {"content": compose.short(notices, limit, tail=tail, safe=_as_text)}
    if mentions:
        text["mentioned_list"] = mentions
    if mobiles:
        text["mentioned_mobile_list"] = mobiles
    return {"msgtype": "text", "text": text}


def _as_text(text: str) -> str:
    """Return a text that mentions nobody: a task's error may hold anything."""
    return text.replace("<@", "< @")


def _as_markdown(text: str) -> str:
    """Return a text without markup and links: its `<` is a wide one, for WeCom has no way to write it out."""
    return text.replace("<", "\uff1c").replace("](", "] (")
