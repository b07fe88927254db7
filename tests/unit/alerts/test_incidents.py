from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.alerts import Escalation, Rule
from ebats.runner.alerts.conditions import Finding
from ebats.runner.alerts.incidents import Alert, Announcement, Incidents
from tests.unit.alerts.rules import NOON, finding, rule

WINDOW_S, COOLDOWN_S = 60.0, 600.0
RULE = rule(window_s=WINDOW_S, cooldown_s=COOLDOWN_S)
ESCALATES = rule(
    window_s=WINDOW_S,
    cooldown_s=COOLDOWN_S,
    severity="critical",
    channels=("ops",),
    escalation=Escalation(after_s=120.0, channels=("boss",)),
)


class Scene:
    """Incidents of one rule, moved through time."""

    def __init__(self, rule_: Rule = RULE, alerts: Iterable[Alert] = ()) -> None:
        self.rule = rule_
        self.now = NOON
        self.incidents = Incidents("shop", [rule_], alerts, self.now)

    def at(self, seconds: float, *findings: Finding, unknown: bool = False) -> list[tuple[str, list[str]]]:
        """Look so long after the beginning; return what is said: state and subjects."""
        said = self.look(seconds, *findings, unknown=unknown)
        return [(each.state, [incident.subject for incident in each.incidents]) for each in said]

    def look(self, seconds: float, *findings: Finding, unknown: bool = False) -> list[Announcement]:
        self.now = NOON + seconds
        found = {self.rule.name: {each.subject: each for each in findings}}
        return self.incidents.advance(found, {self.rule.name} if unknown else set(), self.now)


def test_the_same_thing_is_told_once_and_says_how_often() -> None:
    scene = Scene()
    assert scene.at(0, finding(total=2, fresh=2)) == [("open", ["ship"])]
    assert scene.at(1, finding(total=5, fresh=3)) == []
    incident = scene.incidents.alerts["dead_letters"].open["ship"]
    assert (incident.count, incident.what) == (5, "5 dead letters of ship")


def test_it_is_over_after_it_held_no_more_for_the_window() -> None:
    scene = Scene()
    scene.at(0, finding())
    assert scene.at(30, finding()) == []
    assert scene.at(89) == []
    assert scene.at(90) == [("over", ["ship"])]
    assert scene.at(91) == []


def test_what_lasts_is_told_again_after_the_cool_down() -> None:
    scene = Scene()
    scene.at(0, finding())
    assert [scene.at(second, finding()) for second in (300, 599)] == [[], []]
    assert scene.at(600, finding()) == [("repeated", ["ship"])]
    assert scene.at(1199, finding()) == []
    assert scene.at(1200, finding()) == [("repeated", ["ship"])]


def test_what_comes_back_within_the_cool_down_is_told_when_that_is_over() -> None:
    scene = Scene()
    scene.at(0, finding())
    assert scene.at(60) == [("over", ["ship"])]
    assert scene.at(100, finding()) == []
    assert scene.at(599, finding()) == []
    assert scene.at(600, finding()) == [("open", ["ship"])]


def test_what_came_back_and_went_within_the_cool_down_is_not_told() -> None:
    scene = Scene()
    scene.at(0, finding())
    scene.at(60)
    assert scene.at(100, finding()) == []
    assert [scene.at(second) for second in (160, 170, 700)] == [[], [], []]


def test_many_subjects_at_once_are_one_message() -> None:
    scene = Scene()
    subjects = [f"task{number}" for number in range(500)]
    assert scene.at(0, *map(finding, subjects)) == [("open", subjects)]
    assert scene.at(60) == [("over", subjects)]


def test_those_that_follow_are_told_together_after_growing_steps() -> None:
    scene = Scene()
    told = []
    for second in range(300):
        told += scene.at(second, *(finding(f"task{number}") for number in range(second + 1)))
    assert [len(subjects) for _, subjects in told] == [1, 10, 20, 40, 80]
    assert {state for state, _ in told} == {"open"}


def test_another_subject_is_told_during_the_cool_down_of_the_first() -> None:
    scene = Scene()
    scene.at(0, finding("ship"))
    assert scene.at(20, finding("ship"), finding("tell")) == [("open", ["tell"])]


def test_all_that_is_said_of_one_rule_has_one_id_until_it_is_over() -> None:
    scene = Scene()
    said = scene.look(0, finding("ship")) + scene.look(20, finding("tell"))
    said += scene.look(80)
    assert len({each.id for each in said}) == 1
    assert len(said) == 3
    assert scene.look(2000, finding())[0].id != said[0].id


def test_one_that_nobody_acknowledges_escalates_once() -> None:
    scene = Scene(ESCALATES)
    assert scene.look(0, finding())[0].channels == ("ops",)
    assert scene.at(119, finding()) == []
    escalated = scene.look(120, finding())
    assert [(each.state, each.channels) for each in escalated] == [("escalated", ("boss",))]
    assert scene.at(121, finding()) == []
    # Who was told is told the end.
    assert [(each.state, each.channels) for each in scene.look(181)] == [("over", ("ops", "boss"))]


def test_an_acknowledged_one_neither_escalates_nor_is_repeated() -> None:
    scene = Scene(ESCALATES)
    said = scene.look(0, finding())
    acked = scene.incidents.acknowledge(said[0].id, None, "li", NOON + 5)
    assert [(incident.subject, incident.acked_by) for incident in acked] == [("ship", "li")]
    assert [scene.at(second, finding()) for second in (120, 600, 1200)] == [[], [], []]
    assert scene.at(1260) == [("over", ["ship"])]


def test_an_acknowledgement_is_of_one_subject_or_of_all() -> None:
    scene = Scene(ESCALATES)
    id_ = scene.look(0, finding("ship"), finding("tell"))[0].id
    assert not scene.incidents.acknowledge("nonono", None, "li", NOON)
    assert len(scene.incidents.acknowledge(id_, "tell", "li", NOON)) == 1
    assert scene.at(120, finding("ship"), finding("tell")) == [("escalated", ["ship"])]
    assert len(scene.incidents.acknowledge(None, None, "li", NOON)) == 1
    assert not scene.incidents.acknowledge(None, None, "li", NOON)


def test_one_that_is_over_does_not_escalate() -> None:
    scene = Scene(ESCALATES)
    scene.at(0, finding())
    assert scene.at(119) == [("over", ["ship"])]
    assert scene.at(130) == []


def test_what_cannot_be_known_neither_begins_nor_ends() -> None:
    scene = Scene()
    scene.at(0, finding())
    assert scene.at(100, unknown=True) == []
    assert scene.at(150) == []
    assert scene.at(160) == [("over", ["ship"])]
    assert scene.at(2000, finding(), unknown=True) == []


def test_after_a_restart_the_same_thing_is_not_told_again() -> None:
    scene = Scene(ESCALATES)
    scene.at(0, finding())
    again = Scene(ESCALATES, scene.incidents.alerts.values())
    assert again.at(1, finding()) == []
    assert again.at(120, finding()) == [("escalated", ["ship"])]
    # It isn't over before it was looked at for as long as the window.
    late = Scene(ESCALATES, scene.incidents.alerts.values())
    assert late.at(59) == []
    assert late.at(181) == [("over", ["ship"])]


def test_one_that_began_again_before_its_end_was_told_is_the_same() -> None:
    scene = Scene()
    scene.at(0, finding("ship"), finding("tell"))
    scene.at(5, finding("tell"))
    assert scene.at(60) == [("over", ["ship"])]
    # The end of `tell` waits for its turn.
    assert scene.at(65) == []
    assert scene.at(69, finding("tell")) == []
    assert scene.at(128) == []
    assert scene.at(129) == [("over", ["tell"])]


def test_incidents_that_another_runner_tells_of_are_forgotten() -> None:
    scene = Scene()
    scene.at(0, finding())
    scene.incidents.forget(["dead_letters"])
    assert scene.at(100) == []


SUBJECTS = ["a", "b", "c"]
STEPS = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=90),
        st.lists(st.sampled_from(SUBJECTS), unique=True),
        st.sampled_from(["look", "look", "look", "unknown", "ack", "restart"]),
    ),
    max_size=60,
)


@given(STEPS)
def test_each_thing_has_one_incident_that_ends_or_still_holds_and_messages_are_few(
    steps: list[tuple[int, list[str], str]],
) -> None:
    scene = Scene(ESCALATES)
    second = 0
    open_: set[str] = set()
    opened: list[int] = []
    told: dict[str, int] = {}
    for seconds, subjects, what in steps:
        second += seconds
        if what == "restart":
            alerts = list(scene.incidents.alerts.values())
            scene.incidents = Incidents("shop", [ESCALATES], alerts, NOON + second)
        if what == "ack":
            scene.incidents.acknowledge(None, None, "li", NOON + second)
        for state, about in scene.at(second, *map(finding, subjects), unknown=what == "unknown"):
            if state == "open":
                # Never two of one thing.
                assert not open_ & {*about}
                open_ |= {*about}
                opened.append(second)
                assert all(second - told[each] >= COOLDOWN_S for each in about if each in told)
            else:
                assert {*about} <= open_
            if state == "repeated":
                assert all(second - told[each] >= COOLDOWN_S for each in about)
            if state == "over":
                open_ -= {*about}
            if state in ("open", "repeated"):
                told.update(dict.fromkeys(about, second))
    # Steps of 10, 20, 40, ... 600 seconds: within a cool-down there are at most so many.
    assert all(sum(first <= each < first + COOLDOWN_S for each in opened) <= 8 for first in opened)
    # When all is quiet all of them end.
    for _ in range(40):
        second += 60
        for state, about in scene.at(second):
            assert state in ("over", "escalated")
            open_ -= {*about} if state == "over" else set()
    assert not open_
    assert not scene.incidents.alerts["dead_letters"].open
