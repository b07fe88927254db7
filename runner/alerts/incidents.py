"""From what holds to what is said: each thing is one alert, told once, again, and when it is over. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from ebats.pipelines.alerts import Rule
from ebats.runner.alerts.conditions import Finding
from ebats.runner.alerts.notice import State
from ebats.runner.alerts.wording import Sample

#: After a message, those subjects of the same rule that follow are told together, so much later at first,
#: then after twice as long, up to the cool-down: a storm is a handful of messages.
_FIRST_STEP_S = 10.0
#: Samples that are kept of one incident.
_SAMPLES = 3


class Incident(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a rule found of one subject, from its beginning to its end. Times are Unix times in seconds."""

    subject: str
    opened: float
    #: When it was found to hold the last time.
    held: float
    #: How often it has been found.
    count: int
    what: str
    #: What it was at its worst, and how bad that is: what is over was that, not the little that was left.
    worst: str = ""
    degree: float = 0.0
    owner: str | None = None
    samples: list[Sample] = []
    #: When it was told the first time, and the last; None: it wasn't yet.
    told: float | None = None
    repeated: float | None = None
    escalated: bool = False
    #: When somebody took it on, and who.
    acked: float | None = None
    acked_by: str | None = None


class Gate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Lets messages pass one by one: the first at once, the next after longer and longer steps."""

    opens: float = 0.0
    step_s: float = 0.0

    def is_open(self, now: float) -> bool:
        """Return whether a message may pass."""
        return now >= self.opens

    def pass_(self, now: float, longest_s: float) -> None:
        """Let one pass; after a quiet time of `longest_s` it all begins again."""
        if now >= self.opens + longest_s:
            self.step_s = 0.0
        self.step_s = min(max(2 * self.step_s, _FIRST_STEP_S), longest_s)
        self.opens = now + self.step_s


class Alert(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All incidents of one rule, and what was said about them."""

    rule: str
    #: New after all were over.
    id: str = ""
    open: dict[str, Incident] = {}
    #: Those that have ended, and that is still to be told.
    over: dict[str, Incident] = {}
    #: Subject to when it was told, while its cool-down lasts.
    cooling: dict[str, float] = {}
    opening: Gate = msgspec.field(default_factory=Gate)
    closing: Gate = msgspec.field(default_factory=Gate)
    #: When something was told again, the last time.
    repeated: float = 0.0
    #: Until then nothing could be known about it.
    blind: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Something to say: to whom, about which incidents."""

    rule: Rule
    id: str
    state: State
    #: Names.
    channels: tuple[str, ...]
    incidents: tuple[Incident, ...]


class Incidents:
    """The state of all alerts. One subject of a rule has one incident at most."""

    def __init__(self, pipeline: str, rules: Iterable[Rule], alerts: Iterable[Alert], now: float) -> None:
        """Go on with `alerts`, as they were kept; those of rules that have gone are forgotten."""
        self._pipeline = pipeline
        self.rules = {rule.name: rule for rule in rules}
        kept = {alert.rule: alert for alert in alerts}
        self.alerts = {name: kept.get(name) or Alert(rule=name) for name in self.rules}
        for alert in self.alerts.values():
            alert.blind = now

    def advance(
        self, found: Mapping[str, Mapping[str, Finding]], unknown: Collection[str], now: float
    ) -> list[Announcement]:
        """Take what holds now, rule to subject to finding; return what is to be said.

        `unknown`: rules of which nothing can be known now: theirs neither begin nor end. `now` is a Unix
        time that never goes back.
        """
        said: list[Announcement] = []
        for name, rule in self.rules.items():
            alert = self.alerts[name]
            if name in unknown:
                alert.blind = now
            else:
                self._open(alert, rule, found.get(name, {}), now)
                _close(alert, rule, now)
            said += _say(alert, rule, now)
        return said

    def acknowledge(self, id_: str | None, subject: str | None, by: str, now: float) -> list[Incident]:
        """Note that somebody takes on what has been told; return what that is, if anything.

        `id_`: of one alert, else all; `subject`: one of its subjects, else all.
        """
        acked = []
        for alert in self.alerts.values():
            for incident in alert.open.values():
                is_meant = id_ in (None, alert.id) and subject in (None, incident.subject)
                if is_meant and incident.told is not None and incident.acked is None:
                    incident.acked, incident.acked_by = now, by
                    acked.append(incident)
        return acked

    def forget(self, rules: Iterable[str]) -> None:
        """Drop the incidents of rules that another runner now speaks for, without a word."""
        for name in rules:
            self.alerts[name].open.clear()
            self.alerts[name].over.clear()

    def _open(self, alert: Alert, rule: Rule, found: Mapping[str, Finding], now: float) -> None:
        if found and not alert.open and not alert.over:
            alert.id = _new_id(self._pipeline, rule.name, now)
        for subject, finding in found.items():
            # One that was over, which nobody was told yet, isn't.
            incident = alert.open.get(subject) or alert.over.pop(subject, None)
            if incident is None:
                incident = Incident(
                    subject=subject, opened=now, held=now, count=finding.total, what=finding.what
                )
            else:
                incident.count += finding.fresh
            alert.open[subject] = incident
            incident.held, incident.what = now, finding.what
            if finding.degree >= incident.degree:
                incident.worst, incident.degree = finding.what, finding.degree
            incident.owner = incident.owner or finding.owner
            if finding.samples:
                incident.samples = list(finding.samples[-_SAMPLES:])


def _close(alert: Alert, rule: Rule, now: float) -> None:
    for subject, incident in list(alert.open.items()):
        if now - max(incident.held, alert.blind) >= rule.window_s:
            del alert.open[subject]
            if incident.told is not None:
                alert.over[subject] = incident
    ended = [subject for subject, told in alert.cooling.items() if now - told >= rule.cooldown_s]
    for subject in ended:
        del alert.cooling[subject]


def _say(alert: Alert, rule: Rule, now: float) -> list[Announcement]:
    said = []
    # What is over first: it may have begun again.
    if alert.over and alert.closing.is_open(now):
        alert.closing.pass_(now, rule.cooldown_s)
        ended = list(alert.over.values())
        alert.over.clear()
        said.append(_announce(alert, rule, "over", ended))
    said += _say_escalated(alert, rule, now)
    said += _say_repeated(alert, rule, now)
    new = [each for each in alert.open.values() if each.told is None and each.subject not in alert.cooling]
    if new and alert.opening.is_open(now):
        alert.opening.pass_(now, rule.cooldown_s)
        _tell(alert, new, now)
        said.append(_announce(alert, rule, "open", new))
    return said


def _say_escalated(alert: Alert, rule: Rule, now: float) -> list[Announcement]:
    if rule.escalation is None or rule.severity != "critical":
        return []
    after_s = rule.escalation.after_s
    due = [
        each
        for each in alert.open.values()
        if each.told is not None and each.acked is None and not each.escalated
        if now - each.told >= after_s
    ]
    for incident in due:
        incident.escalated = True
    return [_announce(alert, rule, "escalated", due)] if due else []


def _say_repeated(alert: Alert, rule: Rule, now: float) -> list[Announcement]:
    if now - alert.repeated < rule.cooldown_s:
        return []
    due = [
        each
        for each in alert.open.values()
        if each.told is not None and each.acked is None
        # It was found again since then.
        if each.held > (last := each.repeated or each.told) and now - last >= rule.cooldown_s
    ]
    if not due:
        return []
    _tell(alert, due, now)
    alert.repeated = now
    return [_announce(alert, rule, "repeated", due)]


def _tell(alert: Alert, incidents: list[Incident], now: float) -> None:
    for incident in incidents:
        if incident.told is None:
            incident.told = now
        else:
            incident.repeated = now
        alert.cooling[incident.subject] = now


def _announce(alert: Alert, rule: Rule, state: State, incidents: list[Incident]) -> Announcement:
    channels = rule.channels
    if rule.escalation and state == "escalated":
        channels = rule.escalation.channels
    elif rule.escalation and any(incident.escalated for incident in incidents):
        channels = tuple(dict.fromkeys([*channels, *rule.escalation.channels]))
    return Announcement(rule=rule, id=alert.id, state=state, channels=channels, incidents=tuple(incidents))


def _new_id(pipeline: str, rule: str, now: float) -> str:
    """Return an id that is short enough to be typed."""
    return hashlib.sha256(f"{pipeline} {rule} {now:.3f}".encode()).hexdigest()[:6]
