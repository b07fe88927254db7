"""Fixtures of the rows: what a test found, and brokers to break."""

import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.brokers import RabbitNode
from tests.commands import RunningCommand
from tests.conftest import Broker, make_broker
from tests.faults.rows.finding import ROWS, Finding, keep
from tests.faults.site import Site

_passed = pytest.StashKey[bool]()
#: Parameters and fixtures that say which broker a test is on.
_KINDS = ("broker", "main_broker", "each_rabbitmq", "kind")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the rows that the environment names, in their full form."""
    if not (rows := os.environ.get(ROWS)):
        return
    wanted = {int(row) for row in rows.split(",")}
    left_out = [item for item in items if (row := row_of(item)) and (row not in wanted or _is_quick(item))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def row_of(item: pytest.Item) -> int:
    """Return the row that a test is of; 0: it is of none."""
    marker = item.get_closest_marker("row")
    return int(marker.args[0]) if marker else 0


def broker_of(item: pytest.Item) -> str:
    """Return the broker that a test is on, by its parameters."""
    parameters = getattr(item, "callspec", None)
    kinds = [parameters.params[name] for name in _KINDS if name in parameters.params] if parameters else []
    fixtures: tuple[str, ...] = getattr(item, "fixturenames", ())
    return str(kinds[0]) if kinds else "rabbitmq310" if "rabbitmq" in fixtures else "sqlite"


def _is_quick(item: pytest.Item) -> bool:
    return "quick" in item.name.partition("[")[2].rstrip("]").split("-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test passed, for its finding."""
    report = yield
    if call.when == "call":
        item.stash[_passed] = report.passed
    return report


@pytest.fixture
def finding(request: pytest.FixtureRequest) -> Iterator[Finding]:
    """What this test finds, by its row: `@pytest.mark.row(7)`; kept when it is over."""
    row = row_of(request.node)
    assert row, "a test with a finding says of which row: @pytest.mark.row(7)"
    found = Finding(row=row, test=request.node.name, broker=broker_of(request.node))
    began = time.monotonic()
    yield found
    found.seconds = round(time.monotonic() - began, 1)
    found.passed = request.node.stash.get(_passed, False)
    keep(found)


@pytest.fixture
def row_site(tmp_path: Path, broker: Broker, start_ebats: Callable[..., RunningCommand]) -> Site:
    """A pipeline's folder, on SQLite, RabbitMQ 3.10 and 4.0 in turn: nodes that a test must not break."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder, broker.url, broker.prefix, start_ebats)


@pytest.fixture
def unbroken(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Broker]:
    """A place on the shared node of the parameter `kind`, which a test must not break."""
    yield from make_broker(request, kind, tmp_path)


@pytest.fixture
def breakable(
    kind: str, own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site]
) -> tuple[RabbitNode, Site]:
    """A RabbitMQ of the test's own, of the parameter `kind`, and a pipeline's folder on it."""
    node = own_node(kind)
    return node, make_site(node.url)
