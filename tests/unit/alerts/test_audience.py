"""Who is meant: owners of what is wrong, and the mail that has the whole text."""

import pytest

from ebats.pipelines.alerts import (
    Alerts,
    Digest,
    EmailChannel,
    Escalation,
    Owner,
    PythonChannel,
    Rule,
)
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.problems import Place
from ebats.runner.alerts import wording
from ebats.runner.alerts.channels.audience import Audience, calls
from ebats.runner.alerts.notice import State
from tests.unit.alerts.notices import BEGAN, NOW, RUN, notice

PLACE = Place(file="shop.yaml", line=1, column=1)
OWNERS = {name: Owner(name=name, mentions=(f"{name}-1",)) for name in ("warehouse", "payments")}


def mail(name: str) -> EmailChannel:
    return EmailChannel(name=name, host="h", port=25, sender="a@b.c", to=("d@e.f",))


PAGER = PythonChannel(name="pager", python=EntryPoint(module="m", attribute="f", place=PLACE))
RULE = Rule(
    name="dead_letters",
    condition="dead_letters",
    threshold=1,
    channels=("pager", "mail"),
    escalation=Escalation(after_s=60, channels=("bosses",)),
    place=PLACE,
)
ALERTS = Alerts(
    channels={"pager": PAGER, "mail": mail("mail"), "bosses": mail("bosses")},
    owners=OWNERS,
    rules=(RULE,),
    digest=Digest(cron="0 9 * * *", channels=("pager",)),
)
AUDIENCE = Audience(ALERTS)


def test_owners_are_those_of_all_notices_each_once() -> None:
    notices = [notice(1), notice(2, owners=("payments", "warehouse")), notice(3, owners=("nobody",))]
    assert [owner.name for owner in AUDIENCE.owners(notices)] == ["warehouse", "payments"]


@pytest.mark.parametrize(
    ("state", "is_called"), [("open", True), ("repeated", True), ("escalated", True), ("over", False)]
)
def test_only_who_has_something_to_do_is_called(state: State, is_called: bool) -> None:
    assert bool(AUDIENCE.called([notice(state=state)])) == is_called
    assert calls([notice(state=state)]) == is_called


def test_the_mail_is_that_of_the_rule_or_of_its_escalation() -> None:
    assert AUDIENCE.mail([notice(1), notice(2)]) == "mail"
    assert AUDIENCE.mail([notice(state="escalated")]) == "bosses"
    assert AUDIENCE.mail([notice(1), notice(2, state="escalated")]) is None
    assert AUDIENCE.mail([wording.digest(RUN, [], BEGAN, NOW)]) is None
    assert AUDIENCE.mail([wording.test(RUN, "pager", NOW)]) is None
