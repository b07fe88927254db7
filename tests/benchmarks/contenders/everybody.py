"""Everybody who is measured, ebats first: a new contender is a line here."""

from tests.benchmarks.contenders.celery import Celery
from tests.benchmarks.contenders.contender import Contender
from tests.benchmarks.contenders.ebats import Ebats

EVERYBODY: tuple[Contender, ...] = (
    Ebats(),
    Celery("prefork", 2),
    Celery("threads", 8),
)
