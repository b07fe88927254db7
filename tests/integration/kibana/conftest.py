"""One run for all tests of what Kibana shows: it takes seconds."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import or_skip
from tests.elastic_client import ElasticClient
from tests.integration.kibana.run import Filled, fill
from tests.shared_node import ELASTIC


@pytest.fixture(scope="session")
def filled(
    shared_nodes: Callable[[str], tuple[Path, int]], tmp_path_factory: pytest.TempPathFactory
) -> Filled:
    """The records of a run, in a data stream and in a file."""
    _folder, port = or_skip(lambda: shared_nodes(ELASTIC))
    elastic = ElasticClient(port, f"logs-ebats-t{uuid.uuid4().hex[:8]}")
    return fill(tmp_path_factory.mktemp("kibana"), elastic)
