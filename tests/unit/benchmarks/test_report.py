"""The table of one kind of work."""

import pytest

from tests.benchmarks.figures import Figures
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.report import rows, shown
from tests.unit.benchmarks.test_figures import figure


def test_a_line_has_the_median_the_spread_and_how_many_times_as_good_ebats_is() -> None:
    ours = [figure("ebats", n, client_us=50.0) for n in (900.0, 1100.0, 1000.0)]
    theirs = [figure("Celery", n, client_us=500.0) for n in (90.0, 100.0, 120.0)]
    assert rows(BY_NAME["noop"], Figures([*theirs, *ours])) == [
        ["", "tasks a second", "spread", "ebats is", "client CPU"],
        ["ebats", "1,000", "900 to 1,100", "", "50.0 µs"],
        ["Celery", "100", "90.0 to 120", "10.0x", "500 µs"],
    ]


def test_where_less_is_better_ebats_is_as_many_times_as_good_as_it_takes_less() -> None:
    spans = [("ebats", 2.0), ("huey", 5.0)]
    figures = [figure(name, 100, kind="latency", p50_ms=ms / 2, p99_ms=ms) for name, ms in spans]
    assert rows(BY_NAME["latency"], Figures(figures)) == [
        ["", "ms, 99 of 100", "spread", "ebats is", "a second", "half within"],
        ["ebats", "2.00 ms", "", "", "100", "1.00 ms"],
        ["huey", "5.00 ms", "", "2.5x", "100", "2.50 ms"],
    ]


def test_what_grows_has_a_line_for_each_size() -> None:
    figures = [figure("ebats", 1000 / size, kind="growth", size=size) for size in (100, 10)]
    assert rows(BY_NAME["growth"], Figures(figures)) == [
        ["", "size", "tasks a second", "spread", "ebats is"],
        ["ebats", "10", "100", "", ""],
        ["ebats", "100", "10.0", "", ""],
    ]


def test_what_was_nothing_for_everybody_has_no_column() -> None:
    figures = [figure("ebats", 100, broker_us=0.0), figure("huey", 50, broker_us=0.0)]
    assert rows(BY_NAME["noop"], Figures(figures))[0] == ["", "tasks a second", "spread", "ebats is"]


def test_a_contender_without_the_quantity_keeps_its_other_figures() -> None:
    figures = [figure("ebats", 100, kind="start", seconds=0.5), figure("huey", 7, kind="start")]
    assert rows(BY_NAME["start"], Figures(figures))[2] == ["huey", "", "", "", "7.00"]


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        ("per_s", 20_870.4, "20,870"),
        ("client_us", 52.61, "52.6 µs"),
        ("p99_ms", 3.456, "3.46 ms"),
        ("pss_mb", 24.43, "24.4 MB"),
        ("seconds", 0.512, "0.51 s"),
    ],
)
def test_a_value_has_its_unit_and_the_digits_that_mean_something(
    quantity: str, value: float, text: str
) -> None:
    assert shown(quantity, value) == text
