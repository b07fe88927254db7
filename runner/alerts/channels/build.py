"""From the channels of a pipeline's file to channels that send."""

from pathlib import Path

from ebats.pipelines import alerts as model
from ebats.runner.alerts.channels.audience import Audience
from ebats.runner.alerts.channels.channel import Channel
from ebats.runner.alerts.channels.pace import Pace
from ebats.runner.alerts.channels.python import Python
from ebats.runner.alerts.channels.webhook import Webhook
from ebats.runner.alerts.channels.wecom import Wecom


def build(alerts: model.Alerts, folder: str, state: str | None) -> list[Channel]:
    """Return a channel for each of the file's, in its order; none opens anything before its first notice.

    `folder` is that of the file, absolute: Python modules are found there. `state` is a folder of this
    pipeline's on this machine, beside those of others: what a robot was sent is remembered there for all.
    """
    audience = Audience(alerts)
    robots = str(Path(state).parent / "robots") if state else None
    return [_build(channel, audience, folder, robots) for channel in alerts.channels.values()]


def _build(channel: model.Channel, audience: Audience, folder: str, robots: str | None) -> Channel:
    match channel:
        case model.WecomChannel():
            return Wecom(channel, audience, Pace(channel.url, robots))
        case model.EmailChannel():
            # Here, for only mail needs its parts of the standard library, and they are many.
            from ebats.runner.alerts.channels.email import Email

            return Email(channel, audience)
        case model.WebhookChannel():
            return Webhook(channel, audience, Pace(channel.url, robots))
        case model.PythonChannel():
            return Python(channel, folder)
