"""Ways in turn."""

from pathlib import Path

from tests.benchmarks.harness import Bench
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.ways import Way, compare

KIND = BY_NAME["gateway"]


def test_ways_take_turns_in_places_of_their_own_with_their_part_of_the_number(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None, Path]] = []

    def run(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
        seen.append((number, broker_pid, bench.folder))
        return {"per_s": len(seen)}

    ways = [Way(name="ebats", run=run, settings=("as it comes",)), Way(name="fast", run=run, part=2.0)]
    found = compare(tmp_path / "all", KIND, ways, None, rounds=2, scale=0.1)

    assert [(one.contender, one.values["per_s"]) for one in found.all] == [
        ("ebats", 1),
        ("fast", 2),
        ("ebats", 3),
        ("fast", 4),
    ]
    assert {(one.kind, one.broker) for one in found.all} == {("gateway", "sqlite")}
    assert found.all[0].settings == ("as it comes",)
    assert [number for number, _, _ in seen[:2]] == [KIND.number / 10, KIND.number / 5]
    assert len({folder for _, _, folder in seen}) == 4
    assert {pid for _, pid, _ in seen} == {None}


def test_a_trial_has_messages_enough_for_its_percentiles(tmp_path: Path) -> None:
    numbers: list[int] = []

    def run(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
        numbers.append(number)
        return {"per_s": 1.0}

    compare(tmp_path / "all", KIND, [Way(name="slow", run=run)], None, rounds=1, scale=0.000_01)
    assert numbers == [100]
