"""Fixtures of the fault tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import RunningCommand
from tests.conftest import Broker
from tests.faults.site import Site


@pytest.fixture
def site(tmp_path: Path, main_broker: Broker, start_ebats: Callable[..., RunningCommand]) -> Site:
    """A pipeline's folder, on SQLite and on RabbitMQ in turn."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder, main_broker.url, main_broker.prefix, start_ebats)


@pytest.fixture
def make_site(tmp_path: Path, start_ebats: Callable[..., RunningCommand]) -> Callable[[str], Site]:
    """Make the folder of a pipeline on the broker of a URL."""

    def make(url: str) -> Site:
        folder = tmp_path / "site"
        folder.mkdir()
        return Site(folder, url, "site", start_ebats)

    return make


@pytest.fixture
def local_site(make_site: Callable[[str], Site], tmp_path: Path) -> Site:
    """A pipeline's folder, on SQLite alone: for what has nothing to do with the broker."""
    return make_site(f"sqlite:///{tmp_path}/broker.db")


@pytest.fixture
def rabbitmq_port(rabbitmq: Broker) -> tuple[str, int]:
    """The virtual host of this test on the shared RabbitMQ 3.10, and the node's port."""
    assert rabbitmq.node is not None
    return rabbitmq.vhost, rabbitmq.node.port
