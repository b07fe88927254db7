"""From what is to be said to notices: several incidents of one rule are one. Pure."""

from datetime import UTC, datetime

from ebats.runner.alerts import wording
from ebats.runner.alerts.conditions import together
from ebats.runner.alerts.incidents import Announcement, Incident
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import Run

#: Subjects that a notice names.
_SUBJECTS = 100
_SAMPLES = 5


def notice(run: Run, said: Announcement, now: float) -> Notice:
    """Return the notice of an announcement; `now` is a Unix time in seconds."""
    incidents = sorted(said.incidents, key=lambda incident: -incident.count)
    subjects = [incident.subject for incident in incidents]
    count = sum(incident.count for incident in incidents)
    about = wording.Alert(
        id=said.id,
        rule=said.rule.name,
        condition=said.rule.condition,
        severity=said.rule.severity,
        what=together(said.rule, subjects, count, (_what(said, incident) for incident in incidents)),
        subjects=tuple(subject for subject in subjects if subject)[:_SUBJECTS],
        owners=tuple(dict.fromkeys(incident.owner for incident in incidents if incident.owner)),
        since=moment(min(incident.opened for incident in incidents)),
        count=count,
        samples=[sample for incident in incidents for sample in incident.samples][:_SAMPLES],
    )
    return wording.alert(run, about, said.state, moment(now))


def _what(said: Announcement, incident: Incident) -> str:
    return incident.worst if said.state == "over" and incident.worst else incident.what


def moment(seconds: float) -> datetime:
    """Return a Unix time as a datetime."""
    return datetime.fromtimestamp(seconds, UTC)
