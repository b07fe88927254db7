"""Answers of WeCom, DingTalk and Slack, and a channel to each, for tests."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ebats.pipelines.alerts import Alerts, Owner, WebhookChannel, WecomChannel
from ebats.runner.alerts.channels.audience import Audience
from ebats.runner.alerts.channels.pace import Pace
from ebats.runner.alerts.channels.webhook import Webhook
from ebats.runner.alerts.channels.wecom import Wecom
from tests.merchant import Call, Reply

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
OWNERS = {"warehouse": Owner(name="warehouse", mentions=("li",), mobiles=("13900000001",))}


def errcode(code: int, text: str = "ok") -> Reply:
    """Answer as a robot does: with status 200."""

    async def reply(_call: Call) -> web.StreamResponse:
        return web.json_response({"errcode": code, "errmsg": text})

    return reply


def answer(status: int, text: str = "", headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with a status and a text."""

    async def reply(_call: Call) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return reply


def wecom(url: str, folder: str | None = None, **changes: Any) -> Wecom:
    """Return a channel to a robot of WeCom."""
    model = WecomChannel(name="ops", url=url, **changes)
    return Wecom(model, Audience(Alerts(channels={"ops": model}, owners=OWNERS)), Pace(url, folder))


def webhook(url: str, folder: str | None = None, **changes: Any) -> Webhook:
    """Return a channel to a webhook."""
    model = WebhookChannel(name="hook", url=url, **changes)
    return Webhook(model, Audience(Alerts(channels={"hook": model}, owners=OWNERS)), Pace(url, folder))


def sent(call: Call) -> dict[str, Any]:
    """Return the JSON of a request."""
    found = json.loads(call.body)
    assert isinstance(found, dict)
    return found
