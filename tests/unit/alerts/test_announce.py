from ebats.runner.alerts import announce
from tests.unit.alerts.notices import RUN
from tests.unit.alerts.rules import NOON, finding
from tests.unit.alerts.test_incidents import Scene


def test_what_is_over_is_told_as_it_was_at_its_worst() -> None:
    # Given a storm that leaves the window bit by bit
    scene = Scene()
    scene.look(0, finding(total=12))
    scene.look(1, finding(total=9000, fresh=8988))
    scene.look(30, finding(total=7, fresh=0))

    # When
    (said,) = scene.look(90)

    # Then
    over = announce.notice(RUN, said, scene.now)
    assert over.title.endswith("over: 9000 dead letters of ship")
    assert (over.count, over.time.timestamp()) == (9000, NOON + 90)
