"""Several messages in place of one run, and those that may be left out."""

from dataclasses import dataclass, field

import pytest

from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.record import Log
from ebats.runner.execution.settle import Outgoing
from ebats.runner.roles import settler as settler_module
from ebats.runner.roles.settler import Settler
from tests.unit.core.shop import Acknowledged, Lines, Published, delivery, pipeline
from tests.waiting import wait_until


@dataclass
class Desk:
    """A settler between stand-ins."""

    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    published: Published = field(default_factory=Published)
    lines: Lines = field(default_factory=Lines)
    told: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settler = Settler(Journal(pipeline(), "rest#1", self.lines, with_payload=False))
        self.settler.connect(self.acknowledged, self.published)

    def pass_on(self, one: Delivery, *messages: Outgoing) -> None:
        """Pass a delivery on, noting how much was acknowledged when all was confirmed."""
        self.settler.pass_on(one, messages, lambda: self.told.append(len(self.acknowledged.deliveries)))


def message(key: str, *, optional: bool = False) -> Outgoing:
    return Outgoing("", key, b"{}", {}, {"message_id": "m1"}, optional)


def test_a_run_is_settled_when_all_of_its_messages_are_confirmed() -> None:
    desk, one = Desk(), delivery()
    desk.pass_on(one, message("a"), message("b"))
    assert not desk.acknowledged.deliveries
    first, second = (on_confirmed for on_confirmed, _ in desk.published._callbacks)
    second()
    assert not desk.told
    first()
    assert desk.told == [0]
    assert desk.acknowledged.deliveries == [one]


def test_a_run_with_one_message_is_settled_when_that_is_confirmed() -> None:
    desk, one = Desk(), delivery()
    desk.settler.pass_on(one, message("a"))
    assert not desk.acknowledged.deliveries
    desk.published.confirm()
    assert desk.acknowledged.deliveries == [one]


def test_no_message_at_all_settles_at_once() -> None:
    desk, one = Desk(), delivery()
    desk.pass_on(one)
    assert (desk.told, desk.acknowledged.deliveries) == ([0], [one])


def test_what_no_queue_takes_goes_out_again_alone_and_holds_the_acknowledgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settler_module, "_AGAIN_S", 0.01)
    desk, one = Desk(), delivery()
    desk.pass_on(one, message("a"), message("b"))
    (_, refuse_a), (confirm_b, _) = desk.published._callbacks
    desk.published._callbacks = []
    refuse_a()
    confirm_b()
    assert not desk.acknowledged.deliveries
    wait_until(lambda: len(desk.published.messages) == 3)
    assert [each.key for each in desk.published.messages] == ["a", "b", "a"]
    desk.published.confirm()
    assert desk.acknowledged.deliveries == [one]


def test_an_optional_message_that_no_queue_takes_is_left_out_with_a_warning() -> None:
    desk, one = Desk(), delivery()
    desk.pass_on(one, message("reply", optional=True), message("b"))
    (_, refuse), (confirm, _) = desk.published._callbacks
    refuse()
    assert not desk.acknowledged.deliveries
    confirm()
    assert desk.acknowledged.deliveries == [one]
    (line,) = [record for record in desk.lines.records() if isinstance(record, Log)]
    assert (line.level, "'reply' is gone" in line.text) == ("warning", True)


def test_an_optional_message_that_its_queue_refuses_is_tried_again_and_then_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settler_module, "_FULL_S", 0.01)
    desk, one = Desk(), delivery()
    desk.pass_on(one, message("reply", optional=True), message("b"))
    (_, refuse), (confirm, _) = desk.published._callbacks
    confirm()
    for tried in range(1, 7):
        assert not desk.acknowledged.deliveries
        desk.published._callbacks = []
        desk.published.messages[-1 if tried > 1 else 0].refused = True
        refuse()
        if tried < 6:
            wait_until(lambda: bool(desk.published._callbacks))
            ((_, refuse),) = desk.published._callbacks
    assert desk.acknowledged.deliveries == [one]
    (line,) = [record for record in desk.lines.records() if isinstance(record, Log)]
    assert (line.level, "'reply' is full" in line.text) == ("warning", True)


def test_several_messages_of_one_of_two_runs_settle_only_its_share() -> None:
    desk, one = Desk(), delivery()
    one.runs = one.pending = 2
    desk.pass_on(one, message("a"), message("b"))
    desk.published.confirm()
    assert not desk.acknowledged.deliveries
    desk.settler.settled(one)
    assert desk.acknowledged.deliveries == [one]
