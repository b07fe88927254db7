"""Fixtures of the tests on brokers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

import ebats  # noqa: F401  (makes sqlite:/// known to kombu)
from tests.conftest import Broker
from tests.fake_gateway import FakeGateway
from tests.integration.wire import Wire


@pytest.fixture
def connect(broker: Broker) -> Iterator[Callable[[], Wire]]:
    """Connect to the broker, any number of times; all is closed at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Wire(broker.url)))


@pytest.fixture
def wire(connect: Callable[[], Wire]) -> Wire:
    """One connection to the broker."""
    return connect()


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """A gateway that the test plays."""
    with FakeGateway() as found:
        yield found
