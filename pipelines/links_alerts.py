"""What a schema can't say about alerts: rules and their filters, owners, channels, the digest."""

import json
from typing import Any

from ebats.pipelines import rules, template
from ebats.pipelines.alerts import (
    BY_QUEUE,
    BY_TASK,
    TEMPLATE_FIELDS,
    Alerts,
    EmailChannel,
    Rule,
    WebhookChannel,
    WecomChannel,
)
from ebats.pipelines.http_task import is_header_value
from ebats.pipelines.leaves import texts
from ebats.pipelines.model import Pipeline
from ebats.pipelines.source import Path
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.values import Values
from ebats.pipelines.webhook_secret import MAKE_ONE, key_of

_FILTERS = {
    "tasks": (BY_TASK, "go by task"),
    "events": (BY_TASK, "go by task"),
    "queues": (BY_QUEUE, "go by queue"),
}


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what is wrong with the alerts of a resolved pipeline."""
    alerts = pipeline.alerts
    if alerts is None or values.is_broken("alerts"):
        return
    _check_channels(alerts, values)
    rules = {rule.place: rule for rule in alerts.rules}
    for index, _ in values.items("alerts", "rules"):
        path = ("alerts", "rules", index)
        rule = rules.get(values.source.place(path))
        if rule and not values.is_broken(*path):
            _check_rule(rule, path, values)
    _check_owners(pipeline, alerts, values)
    _check_digest(alerts, values)


def _check_rule(rule: Rule, path: Path, values: Values) -> None:
    keys = values.keys(*path)
    for key, (conditions, go_by) in _FILTERS.items():
        if key in keys and rule.condition in keys and rule.condition not in conditions:
            fitting = ", ".join(f"`{name}`" for name in sorted(conditions))
            text = f"`{key}` says nothing about `{rule.condition}`"
            values.problem_at_key(
                rules.KEY_WITHOUT_MEANING, (*path, key), text, f"take it out: only {fitting} {go_by}"
            )
    if "at_least" in keys and rule.condition in keys and rule.condition not in ("failure_rate", "slow"):
        text = f"`at_least` says nothing about `{rule.condition}`"
        values.problem_at_key(
            rules.KEY_WITHOUT_MEANING,
            (*path, "at_least"),
            text,
            "take it out, or raise the number of the condition",
        )
    if "escalate" in keys and rule.severity != "critical":
        text = f"only critical alerts escalate, and this one is `{rule.severity}`"
        values.problem_at_key(
            rules.KEY_WITHOUT_MEANING, (*path, "escalate"), text, "write `severity: critical`, or take it out"
        )
    owner = values.get(*path, "owner")
    _check_owner((*path, "owner"), owner, values)


def _check_owners(pipeline: Pipeline, alerts: Alerts, values: Values) -> None:
    named = {rule.owner for rule in alerts.rules}
    for section, items in (("tasks", pipeline.tasks), ("events", pipeline.events)):
        for name in items:
            owner = values.get(section, name, "owner")
            named.add(owner)
            if alerts.owners or "owners" in values.keys("alerts"):
                _check_owner((section, name, "owner"), owner, values)
    for name in alerts.owners:
        path = ("alerts", "owners", name)
        if name not in named and not values.has_error(*path) and not _is_any_unknown(values):
            values.problem_at_key(
                rules.UNUSED_OWNER, path, f"no task, event or rule has the owner `{name}`", "take it out"
            )


def _check_owner(path: Path, owner: Any, values: Values) -> None:
    known = values.keys("alerts", "owners")
    if owner is not None and owner not in known and not values.is_broken("alerts", "owners"):
        hint = suggest(owner, known) or "add it to `alerts.owners`"
        values.problem(rules.UNKNOWN_NAME, path, f"there is no owner `{owner}`", hint)


def _is_any_unknown(values: Values) -> bool:
    """Return whether some `owner` names nobody, or can't be read: it may be who is missing elsewhere."""
    known = values.keys("alerts", "owners")
    holders: list[Path] = [
        (section, name) for section in ("tasks", "events") for name in values.keys(section)
    ]
    holders += [("alerts", "rules", index) for index, _ in values.items("alerts", "rules")]
    found = [values.get(*path, "owner") for path in holders]
    unread = any(values.is_broken(*path, "owner") for path in holders)
    return unread or any(owner is not None and owner not in known for owner in found)


def _check_digest(alerts: Alerts, values: Values) -> None:
    if alerts.digest is None or values.has_error("alerts", "digest"):
        return
    from ebats.pipelines import cron  # most files have none, and each command reads one

    is_text = isinstance(values.get("alerts", "digest"), str)
    path: Path = ("alerts", "digest") if is_text else ("alerts", "digest", "at")
    try:
        cron.check(alerts.digest.cron)
    except cron.BadCron as error:
        values.problem(rules.BAD_CRON, path, str(error), error.hint)


def _check_channels(alerts: Alerts, values: Values) -> None:
    if not alerts.channels and "channels" in values.keys("alerts"):
        if not values.is_broken("alerts", "channels"):
            hint = 'add one, such as `pager: {python: "shop.alerts:page"}`'
            values.problem_at_key(
                rules.NOBODY_TOLD, ("alerts", "channels"), "there is no channel, so nobody is told", hint
            )
        return
    for channel in alerts.channels.values():
        if isinstance(channel, EmailChannel):
            _check_login(channel, ("alerts", "channels", channel.name, "email"), values)
        elif isinstance(channel, WecomChannel):
            _check_wecom(channel, ("alerts", "channels", channel.name, "wecom"), values)
        elif isinstance(channel, WebhookChannel):
            _check_webhook(channel, ("alerts", "channels", channel.name, "webhook"), values)
    _check_used(alerts, values)


def _check_used(alerts: Alerts, values: Values) -> None:
    used = {name for rule in alerts.rules for name in rule.channels}
    used |= {name for rule in alerts.rules if rule.escalation for name in rule.escalation.channels}
    used |= set(alerts.digest.channels if alerts.digest else ())
    for name in alerts.channels:
        path = ("alerts", "channels", name)
        if name not in used and not values.has_error("alerts"):
            text = f"nothing is told in the channel `{name}`: no rule and no digest has it"
            values.problem_at_key(
                rules.UNUSED_CHANNEL, path, text, "name it in a rule's `channels`, or take it out"
            )


def _check_wecom(channel: WecomChannel, path: Path, values: Values) -> None:
    if channel.mobiles and channel.format == "markdown":
        text = "markdown mentions nobody by mobile number"
        values.problem_at_key(
            rules.KEY_WITHOUT_EFFECT, (*path, "mobiles"), text, "write `format: text`, or `mentions`"
        )


def _check_login(channel: EmailChannel, path: Path, values: Values) -> None:
    if (channel.user is None) != (channel.password is None) and not values.has_error(*path):
        there, lacking = ("user", "password") if channel.user else ("password", "user")
        text = f"`{there}` stands here without `{lacking}`"
        values.problem_at_key(
            rules.LONELY_KEY, (*path, there), text, "write both, or none where the server asks for no login"
        )
    if channel.password and channel.security == "none":
        text = "the password would go over the link as it is"
        values.problem_at_key(rules.PLAIN_LOGIN, (*path, "security"), text, "write `starttls` or `tls`")


def _check_webhook(channel: WebhookChannel, path: Path, values: Values) -> None:
    for name, text in channel.headers.items():
        if not is_header_value(text):
            problem = f"`{name}` holds a line end or another control character"
            values.problem(
                rules.BAD_HEADER, (*path, "headers", name), problem, "take it out: a header is one line"
            )
    if channel.secret is not None and channel.robot_secret is None:
        try:
            key_of(channel.secret)
        except ValueError as error:
            # Never the secret itself.
            values.problem(rules.BAD_SECRET, (*path, "secret"), f"this is {error}", MAKE_ONE)
    if channel.template and channel.template.startswith("{"):
        for where, text in texts(json.loads(channel.template), (*path, "template")):
            _check_template(where, text, values)


def _check_template(path: Path, text: str, values: Values) -> None:
    try:
        parsed = template.parse(text)
    except ValueError as error:
        values.problem(rules.BAD_TEMPLATE, path, "this template can't be read", str(error))
        return
    for steps in parsed.fields:
        name = ".".join(steps)
        if name not in TEMPLATE_FIELDS:
            hint = suggest(name, TEMPLATE_FIELDS)
            values.problem(rules.UNKNOWN_FIELD, path, f"an alert has no `{name}`", hint)
