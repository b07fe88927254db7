"""Two forms of a test: a quick one for each run, and the full one of `tox -e faults`."""

from typing import Any

import pytest

from tests.faults.rows.table import RABBITMQ

#: For a test of a broker that it may break, with the fixture `breakable`.
on_rabbitmq = pytest.mark.parametrize("kind", RABBITMQ)


def forms(quick: Any, full: Any, *, full_deadline_s: float = 900) -> pytest.MarkDecorator:
    """Give a test its argument `form`: `quick` in each run of the tests, `full` in `tox -e faults`.

    `full_deadline_s` is pytest's time-out for the full form.
    """
    marks = [pytest.mark.soak, pytest.mark.timeout(full_deadline_s)]
    return pytest.mark.parametrize(
        "form",
        [pytest.param(quick, id="quick", marks=pytest.mark.slow), pytest.param(full, id="full", marks=marks)],
    )


def rabbitmq_forms(quick: Any, full: Any, *, full_deadline_s: float = 900) -> pytest.MarkDecorator:
    """Give a test `kind` and `form`, for `breakable`: `quick` on RabbitMQ 3.10 alone, `full` on 4.0 too.

    For what a row shows beside its main test, so that each run of the tests stays short.
    """
    marks = [pytest.mark.soak, pytest.mark.timeout(full_deadline_s)]
    return pytest.mark.parametrize(
        ("kind", "form"),
        [
            pytest.param("rabbitmq310", quick, id="rabbitmq310-quick", marks=pytest.mark.slow),
            *(pytest.param(kind, full, id=f"{kind}-full", marks=marks) for kind in RABBITMQ),
        ],
    )
