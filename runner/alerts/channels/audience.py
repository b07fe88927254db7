"""Who is meant by a notice, beside all who read a channel: its owners; and who gets it in full. Pure."""

from collections.abc import Iterable, Sequence

from ebats.pipelines.alerts import Alerts, EmailChannel, Owner
from ebats.runner.alerts.notice import Notice

#: States that want somebody to do something: others mention nobody.
_CALLING = ("open", "repeated", "escalated")


class Audience:
    """The people of a file's alerts."""

    def __init__(self, alerts: Alerts) -> None:
        self._owners = alerts.owners
        mails = {name for name, channel in alerts.channels.items() if isinstance(channel, EmailChannel)}
        self._mails = {rule.name: _first(rule.channels, mails) for rule in alerts.rules}
        self._escalated = {
            rule.name: _first(rule.escalation.channels, mails) for rule in alerts.rules if rule.escalation
        }
        self._digest = _first(alerts.digest.channels, mails) if alerts.digest else None

    def owners(self, notices: Sequence[Notice]) -> list[Owner]:
        """Return the owners of what these are about, each once."""
        names = once(*(notice.owners for notice in notices))
        return [self._owners[name] for name in names if name in self._owners]

    def called(self, notices: Sequence[Notice]) -> list[Owner]:
        """Return those owners who are to be mentioned: who has something to do."""
        return self.owners([notice for notice in notices if notice.state in _CALLING])

    def mail(self, notices: Sequence[Notice]) -> str | None:
        """Return the channel that sends all of these in full by mail; None: none does."""
        found = {self._mail(notice) for notice in notices}
        return found.pop() if len(found) == 1 else None

    def _mail(self, notice: Notice) -> str | None:
        if notice.state == "digest":
            return self._digest
        if notice.rule is None:
            return None
        mails = self._escalated if notice.state == "escalated" else self._mails
        return mails.get(notice.rule)


def calls(notices: Sequence[Notice]) -> bool:
    """Return whether one of these wants somebody to do something, or is there to try just that."""
    return any(notice.state in (*_CALLING, "test") for notice in notices)


def once(*lists: Iterable[str]) -> list[str]:
    """Return the items of all lists in their order, each once."""
    return list(dict.fromkeys(item for items in lists for item in items))


def _first(names: Iterable[str], known: set[str]) -> str | None:
    return next((name for name in names if name in known), None)
