"""The file's alerts as values: where they go, who owns what, the rules, the digest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.problems import Place

Severity = Literal["info", "warning", "critical"]
#: Of the link to an SMTP server.
Security = Literal["starttls", "tls", "none"]
Condition = Literal[
    "dead_letters",
    "failure_rate",
    "slow",
    "attempts",
    "queue_depth",
    "queue_age",
    "process_dies",
    "broker_away",
    "sink_away",
    "spool_overflow",
]

#: What a condition holds for, one by one.
BY_TASK: frozenset[Condition] = frozenset({"dead_letters", "failure_rate", "slow", "attempts"})
BY_QUEUE: frozenset[Condition] = frozenset({"queue_depth", "queue_age"})

#: What `{{ title }}` and the like in a webhook's template may name: the fields of a notice.
TEMPLATE_FIELDS = (
    *("id", "state", "severity", "pipeline", "host", "environment", "rule", "subjects", "owners"),
    *("title", "text", "long", "since", "time", "count"),
)

#: Without `window`, `cooldown` and `at_least` of the file.
WINDOW_S = 300.0
COOLDOWN_S = 1800.0
AT_LEAST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WecomChannel:
    """A robot of a WeCom group."""

    name: str
    #: With the robot's key in it.
    url: str = field(repr=False)
    format: Literal["text", "markdown"] = "text"
    #: User ids, and `@all`.
    mentions: tuple[str, ...] = ()
    #: Mobile numbers of users.
    mobiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """Mail through an SMTP server."""

    name: str
    host: str
    port: int
    security: Security = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Addresses, as they stand in a header.
    sender: str
    to: tuple[str, ...]
    reply_to: str | None = None
    #: An absolute path; None: the system's.
    ca_certs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """A POST of JSON."""

    name: str
    url: str = field(repr=False)
    #: `slack`, `dingtalk`, or JSON with `{{ title }}` and the like in it; None: the alert as it is.
    template: str | None = None
    #: Of Standard Webhooks, or `robot_secret`; None: nothing is signed.
    secret: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def robot_secret(self) -> str | None:
        """The secret of a robot of DingTalk, which goes into the URL's query; None: it isn't one."""
        is_robots = self.template == "dingtalk" and (self.secret or "").startswith("SEC")
        return self.secret if is_robots else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonChannel:
    """A Python function that is called with each alert, a dict."""

    name: str
    python: EntryPoint


Channel = WecomChannel | EmailChannel | WebhookChannel | PythonChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who is told about what they own, on top of whom a channel tells anyway."""

    name: str
    #: WeCom user ids and mobile numbers.
    mentions: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()
    email: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is told of a critical alert that nobody has acknowledged."""

    after_s: float
    #: Names of channels.
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When to tell somebody, and whom."""

    #: In the file, or that of its condition; with a number where there is another such.
    name: str
    condition: Condition
    #: From where on it holds: a count, a share (0.1 is 10%), or seconds; see `condition`.
    threshold: float
    #: With fewer attempts in the window nothing is said about their share or their times.
    at_least: int = AT_LEAST
    #: Names; empty: all.
    tasks: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    window_s: float = WINDOW_S
    cooldown_s: float = COOLDOWN_S
    severity: Severity = "warning"
    #: Names of channels.
    channels: tuple[str, ...] = ()
    #: A name; None: the task's, else the event's.
    owner: str | None = None
    escalation: Escalation | None = None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """When the last day's counts are told, and where."""

    #: A line of a crontab, in the file's time zone.
    cron: str
    #: Names of channels.
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The whole section. The mappings are by name, in the file's order."""

    channels: Mapping[str, Channel]
    owners: Mapping[str, Owner] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    digest: Digest | None = None
