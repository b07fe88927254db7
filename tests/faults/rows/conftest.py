"""Fixtures of the rows: what a test found, and brokers to break."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers import RabbitNode
from tests.commands import RunningCommand
from tests.conftest import Broker
from tests.faults.rows.finding import Finding, keep
from tests.faults.site import Site

_passed = pytest.StashKey[bool]()
#: Parameters and fixtures that say which broker a test is on.
_KINDS = ("broker", "main_broker", "each_rabbitmq", "kind")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember whether a test passed, for its finding."""
    report = yield
    if call.when == "call":
        item.stash[_passed] = report.passed  # type: ignore[attr-defined]
    return report


@pytest.fixture
def finding(request: pytest.FixtureRequest) -> Iterator[Finding]:
    """What this test finds, by its row: `@pytest.mark.row(7)`; kept when it is over."""
    marker = request.node.get_closest_marker("row")
    assert marker, "a test with a finding says of which row: @pytest.mark.row(7)"
    parameters = getattr(request.node, "callspec", None)
    kinds = [parameters.params[name] for name in _KINDS if name in parameters.params] if parameters else []
    broker = kinds[0] if kinds else "rabbitmq310" if "rabbitmq" in request.fixturenames else "sqlite"
    found = Finding(row=marker.args[0], test=request.node.name, broker=broker)
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
def breakable(
    kind: str, own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site]
) -> tuple[RabbitNode, Site]:
    """A RabbitMQ of the test's own, of the parameter `kind`, and a pipeline's folder on it."""
    node = own_node(kind)
    return node, make_site(node.url)
