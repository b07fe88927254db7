"""docs/performance.md is what the program writes from its figures."""

import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks import kept, page
from tests.benchmarks.aims import outcomes
from tests.benchmarks.figures import Figure, Figures, read, write
from tests.benchmarks.kinds import BY_NAME
from tests.unit.benchmarks import sample
from tests.unit.test_docs import anchors

ALL = Figures([*sample.noop().all, *sample.growth().all])


@pytest.fixture
def matplotlib() -> None:
    """What draws the plots: only `tox -e bench` installs it."""
    pytest.importorskip("matplotlib")


def test_the_page_has_a_table_of_each_kind_on_each_broker() -> None:
    text = page.text(sample.run("noop", "growth"), ALL)

    assert "| **ebats** | **20,000** | 18,000 to 22,000 |  | 50.0 µs |" in text
    assert "| Dramatiq | 8,000 | 7,200 to 8,800 | 2.5x | 125 µs |" in text
    assert "| huey | 5,000 | 4,500 to 5,500 | 3.6x | 200 µs |" in text
    assert "| **ebats** | 1,000 | **15,000** |  |  | 2.00 s |" in text
    assert "- **Celery, prefork**: Celery, prefork as it comes; durable queues." in text
    assert [line for line in text.splitlines() if line.startswith("## ")][-2:] == [
        f"## {BY_NAME['noop'].title}",
        f"## {BY_NAME['growth'].title}",
    ]


def test_the_page_says_which_aims_are_met() -> None:
    text = page.text(sample.run("noop", "growth"), ALL)

    assert "what became of them: 2 of 4 are met, 2 are not." in text
    assert "| Dramatiq | RabbitMQ 3.10 | 2 times | 2.50 times | 20,000 | 8,000 | met |" in text
    assert "| PerfTest's consumer | RabbitMQ 3.10 | 0.55 times | 0.40 times | 16,000 | 40,000 |" in text
    assert "| Dramatiq | RabbitMQ 4.0 | 2 times |  |  |  | not measured |" in text


def test_the_page_says_when_and_on_what_it_was_measured() -> None:
    run = sample.run("noop", "growth")
    text = page.text(run, ALL)

    assert "on 2026-11-23, on 2 cores of Abacus 2 with 8 GB of memory, under Linux 6.1" in text
    assert "| celery | 5.7.0 |" in text
    assert "Measured on 2" not in text
    assert "Measured in 3 rounds." in text
    assert "Measured once." in text
    later = replace(run, dates={**run.dates, "noop": "2026-12-01"})
    assert "on 2026-11-23 to 2026-12-01" in page.text(later, ALL)
    assert "Measured on 2026-12-01, in 3 rounds." in page.text(later, ALL)


def test_each_link_within_the_page_leads_to_a_heading(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(page.text(sample.run(*BY_NAME), Figures([figure_of(name) for name in BY_NAME])))
    links = set(re.findall(r"\(#([^)]+)\)", file.read_text()))

    assert links
    assert links <= anchors(file)


def figure_of(kind: str) -> Figure:
    return replace(sample.noop().all[0], kind=kind, values={BY_NAME[kind].quantity: 1.0})


def test_figures_of_other_kinds_stay(tmp_path: Path, matplotlib: None) -> None:
    file = tmp_path / page.FIGURES.name
    write(file, sample.run("noop", "growth", date="2026-11-01"), ALL.all)
    new = Figures([replace(one, values={"per_s": 7.0}) for one in sample.growth().all])
    kept.keep(sample.run("growth", "latency"), new, file)

    run, figures = read(file)
    assert run.dates == {"noop": "2026-11-01", "growth": "2026-11-23"}
    assert figures == Figures([*sample.noop().all, *new.all])
    assert (tmp_path / page.PAGE.name).read_text() == page.text(run, figures)


def test_figures_of_other_versions_do_not_stand_beside_each_other(tmp_path: Path, matplotlib: None) -> None:
    file = tmp_path / page.FIGURES.name
    write(file, replace(sample.run("noop"), versions={"Python": "3.9"}), sample.noop().all)

    with pytest.raises(kept.OtherMachineError, match=r"\(Python, celery\)"):
        kept.check(sample.run("growth"), file)
    kept.check(sample.run("growth", "noop"), file)
    kept.keep(sample.run("growth", "noop"), sample.growth(), file)
    assert read(file)[1] == sample.growth()


def test_plots_are_the_same_for_the_same_figures(tmp_path: Path, matplotlib: None) -> None:
    from tests.benchmarks import plots

    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        plots.of_aims(tmp_path / name / page.plot(), outcomes(ALL))
        for kind in ("noop", "growth"):
            plots.of_kind(tmp_path / name / page.plot(BY_NAME[kind]), BY_NAME[kind], ALL.of(kind))

    drawn = sorted((tmp_path / "one").iterdir())
    assert [file.name for file in drawn] == [
        "performance-growth.svg",
        "performance-noop.svg",
        "performance.svg",
    ]
    for file in drawn:
        text = file.read_text("utf-8")
        assert text == (tmp_path / "other" / file.name).read_text("utf-8")
        ElementTree.fromstring(text)
        assert "<dc:date>" not in text
        assert "prefers-color-scheme: dark" in text
    said = "".join((tmp_path / "one" / "performance-noop.svg").read_text("utf-8"))
    assert ">Dramatiq<" in said
    assert ">8,000<" in said


def test_the_page_is_what_the_program_writes() -> None:
    """EBATS_TEST_WRITE=1 writes it anew, from the figures that are kept beside it."""
    kept_text = page.text(*read(page.FIGURES))
    if os.environ.get("EBATS_TEST_WRITE"):
        page.write()

    assert page.PAGE.read_text("utf-8") == kept_text
    plots = set(re.findall(r"\]\((performance[^)]*\.svg)\)", kept_text))
    assert plots == {file.name for file in page.DOCS.glob("performance*.svg")}
