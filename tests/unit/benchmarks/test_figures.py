"""Figures are kept in a file, and read back as they were."""

from pathlib import Path

from tests.benchmarks.figures import Figure, Figures, Run, read, write

RUN = Run(
    machine={"processor": "AMD EPYC"},
    versions={"Python": "3.11.2"},
    dates={"noop": "2026-11-23"},
    commands={"noop": "python -m tests.benchmarks noop"},
)


def figure(contender: str, per_s: float, *, kind: str = "noop", size: int = 0, **more: float) -> Figure:
    return Figure(
        kind=kind,
        broker="rabbitmq310",
        contender=contender,
        values={"per_s": per_s, **more},
        size=size,
        settings=("as it comes",),
    )


def test_a_file_of_figures_gives_back_what_was_written(tmp_path: Path) -> None:
    figures = [figure("ebats", 1000.5, client_us=50.0), figure("Celery, prefork", 100.0, size=10)]
    write(tmp_path / "figures.jsonl", RUN, figures)
    assert read(tmp_path / "figures.jsonl") == (RUN, Figures(figures))


def test_figures_are_found_by_what_they_are_of() -> None:
    figures = Figures([figure("Celery", 1), figure("ebats", 2), figure("ebats", 3, size=10)])
    assert figures.of("noop", contender="ebats").values("per_s") == [2, 3]
    assert figures.of("noop", contender="ebats", size=10).values("per_s") == [3]
    assert not figures.of("noop", broker="sqlite").all
    assert figures.contenders() == ["ebats", "Celery"]


def test_the_median_is_over_the_rounds_that_have_the_quantity() -> None:
    figures = Figures([figure("ebats", n, **more) for n, more in [(1, {"client_us": 7.0}), (9, {}), (5, {})]])
    assert figures.median("per_s") == 5
    assert figures.median("client_us") == 7
