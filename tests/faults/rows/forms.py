"""Two forms of a test: a quick one for each run, and the full one of `tox -e faults`."""

from typing import Any

import pytest

#: For a test of a broker that it may break, with the fixture `breakable`.
on_rabbitmq = pytest.mark.parametrize("kind", ["rabbitmq310", "rabbitmq40"])


def forms(quick: Any, full: Any, *, full_deadline_s: float = 900) -> pytest.MarkDecorator:
    """Give a test its argument `form`: `quick` in each run of the tests, `full` in `tox -e faults`.

    `full_deadline_s` is pytest's time-out for the full form.
    """
    marks = [pytest.mark.soak, pytest.mark.timeout(full_deadline_s)]
    return pytest.mark.parametrize(
        "form",
        [pytest.param(quick, id="quick", marks=pytest.mark.slow), pytest.param(full, id="full", marks=marks)],
    )
