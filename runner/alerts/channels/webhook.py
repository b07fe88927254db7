"""A POST of JSON: the notice as it is, one that the file describes, or what Slack and DingTalk take."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote_plus

import msgspec

from ebats.pipelines.alerts import TEMPLATE_FIELDS, WebhookChannel
from ebats.pipelines.json_template import compile_json
from ebats.pipelines.template import Unfilled
from ebats.runner.alerts.channels import answers, compose
from ebats.runner.alerts.channels.audience import Audience, once
from ebats.runner.alerts.channels.channel import ChannelError, Paced
from ebats.runner.alerts.channels.hidden import hidden, secrets_of
from ebats.runner.alerts.channels.pace import Pace
from ebats.runner.alerts.channels.wire import NoAnswer, post
from ebats.runner.alerts.notice import Notice
from ebats.runner.callbacks.sign import Signer, request_id

#: Bytes of a chat's message: what people read. Both take more.
_LIMIT = 4096


class Webhook:
    """Sends a request for each notice; to a chat, one for all that wait."""

    def __init__(self, channel: WebhookChannel, audience: Audience, pace: Pace) -> None:
        """Send to the channel's URL; `pace` is that of this robot, for DingTalk."""
        self.name = channel.name
        self._channel = channel
        self._audience = audience
        self._pace = pace
        self._is_chat = channel.template in ("slack", "dingtalk")
        is_signed = channel.secret is not None and channel.robot_secret is None
        self._signer = Signer([channel.secret]) if channel.secret and is_signed else None
        self._body = _bodies(channel.template, audience)
        self._secrets = (*secrets_of(channel.url), *filter(None, [channel.secret]))

    def send(self, notices: list[Notice]) -> None:
        """Send notices.

        Raises:
            ChannelError: some weren't taken.
        """
        if self._is_chat:
            self._post(notices)
            return
        for position, notice in enumerate(notices):
            try:
                self._post([notice])
            except ChannelError as error:
                later = (*error.rest, *notices[position + 1 :])
                raise ChannelError(
                    str(error), rest=later, refused=error.refused, retry_after_s=error.retry_after_s
                ) from None

    def close(self) -> None:
        """Do nothing: each request has a connection of its own."""

    def _post(self, notices: Sequence[Notice]) -> None:
        if self._channel.template == "dingtalk" and (wait_s := self._pace.take()):
            raise Paced("a robot takes 20 messages a minute", rest=notices, retry_after_s=wait_s)
        try:
            body = self._body(notices)
            answer = post(self._url(), body, self._headers(notices, body))
            answers.check(answer, notices, time.time())
            if self._channel.template == "dingtalk":
                answers.check_robot("dingtalk", answer, notices)
            elif self._channel.template == "slack":
                answers.check_slack(answer, notices)
        except Unfilled as error:
            raise ChannelError(f"`template` can't be filled in: {error}", refused=notices) from None
        except NoAnswer as error:
            raise ChannelError(str(error), rest=notices) from None
        except ChannelError as error:
            raise hidden(error, self._secrets) from None

    def _url(self) -> str:
        url = self._channel.url
        secret = self._channel.robot_secret
        if secret is None:
            return url
        return f"{url}{'&' if '?' in url else '?'}{robot_signature(secret, time.time())}"

    def _headers(self, notices: Sequence[Notice], body: bytes) -> dict[str, str]:
        given = {name.lower() for name in self._channel.headers}
        ours = {} if "content-type" in given else {"Content-Type": "application/json"}
        signed = self._signer.headers(webhook_id(notices), time.time(), body) if self._signer else ()
        return {**ours, **self._channel.headers, "webhook-id": webhook_id(notices), **dict(signed)}


def webhook_id(notices: Sequence[Notice]) -> str:
    """Return the id by which a receiver knows a request that it had before. Pure."""
    names = [f"{notice.id}-{notice.state}-{notice.time:%Y%m%dT%H%M%S%f}" for notice in notices]
    if len(names) == 1:
        return request_id(names[0], 1, 1)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]


def robot_signature(secret: str, now: float) -> str:
    """Return what DingTalk wants in the query of a URL, for an hour from `now`, Unix time in seconds. Pure.

    https://open.dingtalk.com/document/robots/customize-robot-security-settings
    """
    moment = str(round(now * 1000))
    digest = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()
    return f"timestamp={moment}&sign={quote_plus(base64.b64encode(digest))}"


def slack(notices: Sequence[Notice], audience: Audience) -> dict[str, Any]:
    """Return what Slack's incoming webhooks take. Pure."""
    return {"text": compose.short(notices, _LIMIT, tail=_tail(notices, audience), safe=_as_slack)}


def dingtalk(notices: Sequence[Notice], audience: Audience) -> dict[str, Any]:
    """Return what DingTalk's robots take; the owners are mentioned by their mobile numbers. Pure."""
    content = compose.short(notices, _LIMIT, tail=_tail(notices, audience))
    mobiles = once(*(owner.mobiles for owner in audience.called(notices)))
    at = {"at": {"atMobiles": mobiles, "isAtAll": False}} if mobiles else {}
    return {"msgtype": "text", "text": {"content": content}, **at}


def _bodies(template: str | None, audience: Audience) -> Callable[[Sequence[Notice]], bytes]:
    match template:
        case None:
            return lambda notices: msgspec.json.encode(notices[0])
        case "slack":
            return lambda notices: _json(slack(notices, audience))
        case "dingtalk":
            return lambda notices: _json(dingtalk(notices, audience))
        case _:
            fill = compile_json(json.loads(template))
            return lambda notices: _json(fill(_fields(notices[0])))


def _fields(notice: Notice) -> dict[str, Any]:
    """Return what a template may name: all of it is there, be it as an empty text."""
    found = msgspec.to_builtins(notice)
    lists = ("subjects", "owners")
    rest = {name: found.get(name, [] if name in lists else "") for name in TEMPLATE_FIELDS}
    return {**rest, "count": notice.count}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _tail(notices: Sequence[Notice], audience: Audience) -> str:
    mail = audience.mail(notices)
    return f"(the whole text is in the mail of {mail})" if mail else ""


def _as_slack(text: str) -> str:
    """Return a text as Slack wants it, with nobody mentioned in it.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
