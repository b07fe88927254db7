"""Fixtures for every test: brokers of each kind, nodes to break, and commands that are always ended."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from tests.brokers import MissingBrokerError, RabbitNode, Release
from tests.commands import RunningCommand
from tests.elastic import Distribution, ElasticNode, MissingElasticError
from tests.elastic_client import ElasticClient
from tests.elastic_security import Security
from tests.node_client import NodeClient
from tests.node_scripts import MissingNodeError, Node, find_node
from tests.proxy import Proxy
from tests.shared_node import ELASTIC, shared_node

# A machine that does other things too may hold up any example: its time says nothing.
# What lands is decided by examples that are the same each time; elsewhere new ones are looked for.
hypothesis.settings.register_profile("ebats", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ebats")

T = TypeVar("T")
ALL_BROKERS = ("sqlite", "rabbitmq310", "rabbitmq40")
MAIN_BROKERS = ("sqlite", "rabbitmq310")
#: Fixtures of brokers, and the kinds that a test with one of them is run on.
FIXTURES = {"broker": ALL_BROKERS, "main_broker": MAIN_BROKERS, "each_rabbitmq": ALL_BROKERS[1:]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A place for one test's messages."""

    kind: str
    url: str
    #: A name that no other test uses: take it as the pipeline's.
    prefix: str
    #: The shared RabbitMQ node, which a test must not break; None on SQLite.
    node: NodeClient | None = None
    #: This test's own virtual host on it.
    vhost: str = ""

    @property
    def is_rabbitmq(self) -> bool:
        """Whether this is a real RabbitMQ."""
        return self.node is not None

    def url_of_user(self, configure: str = ".*", write: str = ".*", read: str = ".*") -> str:
        """Return the URL of a user who has just these permissions: regular expressions of names.

        He is made by the first call, is called like the prefix, and has the permissions of the last one.
        """
        assert self.node is not None
        if not self.node.has_user(self.prefix):
            self.node.add_user(self.prefix, "secret")
        # They are written into Erlang texts.
        patterns = (text.replace("\\", "\\\\") for text in (configure, write, read))
        self.node.permit(self.prefix, self.vhost, *patterns)
        return self.node.url_of(self.vhost, self.prefix, "secret")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a broker on each kind."""
    # What shows a row of the faults is shown on each broker in full, and on the main ones each time.
    in_full = (
        [pytest.param("rabbitmq40", marks=pytest.mark.soak)] if "finding" in metafunc.fixturenames else []
    )
    for fixture, kinds in FIXTURES.items():
        if fixture in metafunc.fixturenames:
            more = in_full if fixture == "main_broker" else []
            metafunc.parametrize(fixture, [*kinds, *more], indirect=True)


@pytest.fixture(scope="session")
def _run_id(request: pytest.FixtureRequest) -> str:
    worker = getattr(request.config, "workerinput", {})
    return worker.get("testrunuid") or uuid.uuid4().hex


@pytest.fixture(scope="session")
def shared_nodes(_run_id: str) -> Iterator[Callable[[str], tuple[Path, int]]]:
    """Give folder and port of the run's node of a kind, started by the first test that wants it."""
    nodes: dict[str, tuple[Path, int]] = {}
    with ExitStack() as stack:

        def node(kind: str) -> tuple[Path, int]:
            if kind not in nodes:
                nodes[kind] = stack.enter_context(shared_node(kind, _run_id))
            return nodes[kind]

        yield node


def make_broker(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Broker]:
    """Make a place for one test and remove it afterwards."""
    prefix = f"t{uuid.uuid4().hex[:8]}"
    if kind == "sqlite":
        yield Broker(kind=kind, url=f"sqlite:///{tmp_path}/broker.db", prefix=prefix)
        return
    node = NodeClient(*or_skip(lambda: request.getfixturevalue("shared_nodes")(kind)))
    node.add_vhost(prefix)
    yield Broker(kind=kind, url=node.url_of(prefix), prefix=prefix, node=node, vhost=prefix)
    node.delete_vhost(prefix)


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Each broker in turn: SQLite, RabbitMQ 3.10 and 4.0."""
    yield from make_broker(request, request.param, tmp_path)


@pytest.fixture
def main_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """The two that every feature is tested on: SQLite and RabbitMQ 3.10."""
    yield from make_broker(request, request.param, tmp_path)


@pytest.fixture
def rabbitmq(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """RabbitMQ 3.10 alone."""
    yield from make_broker(request, "rabbitmq310", tmp_path)


@pytest.fixture
def each_rabbitmq(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """RabbitMQ 3.10 and 4.0."""
    yield from make_broker(request, request.param, tmp_path)


@pytest.fixture
def own_node() -> Iterator[Callable[..., RabbitNode]]:
    """Start a RabbitMQ node that this test alone uses, and may stop and kill."""
    with ExitStack() as stack:

        def start(kind: str = "rabbitmq310") -> RabbitNode:
            release = or_skip(lambda: Release.find(kind))
            return stack.enter_context(RabbitNode(release))

        yield start


@pytest.fixture
def elastic(shared_nodes: Callable[[str], tuple[Path, int]]) -> ElasticClient:
    """The run's Elasticsearch, which a test must not break, with a data stream that no other test uses."""
    _folder, port = or_skip(lambda: shared_nodes(ELASTIC))
    return ElasticClient(port, f"logs-ebats-t{uuid.uuid4().hex[:8]}")


@pytest.fixture
def own_elastic() -> Iterator[Callable[..., ElasticNode]]:
    """Start an Elasticsearch that this test alone uses, and may stop, hold and kill: takes 10 s and more."""
    with ExitStack() as stack:

        def start(security: Security | None = None) -> ElasticNode:
            return stack.enter_context(ElasticNode(or_skip(Distribution.find), security))

        yield start


@pytest.fixture(scope="session")
def node() -> Node:
    """Node, with the packages that the scripts in tests/node need."""
    return or_skip(find_node)


@pytest.fixture
def proxy_to() -> Iterator[Callable[[int], Proxy]]:
    """Put a proxy in front of a port."""
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(Proxy(port))


@pytest.fixture
def start_ebats(tmp_path: Path) -> Iterator[Callable[..., RunningCommand]]:
    """Start `ebats ARGS` beside the test; keywords: env, cwd, program."""
    started: list[RunningCommand] = []

    def start(*args: str | Path, **options: object) -> RunningCommand:
        output = tmp_path / f"ebats-{len(started)}.out"
        started.append(RunningCommand(args, output, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for command in started:
        command.kill_all()


def or_skip(make: Callable[[], T]) -> T:
    """Skip where something outside is missing, but fail where it has to be there."""
    try:
        return make()
    except (MissingBrokerError, MissingElasticError, MissingNodeError) as reason:
        if os.environ.get("EBATS_TEST_REQUIRE_SERVICES") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
