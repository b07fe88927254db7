"""The Elasticsearch of the tests and what stands in front of it, since other tests believe them."""

import http.client
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import trustme

from tests.elastic import ElasticNode
from tests.elastic_client import ElasticClient, ElasticError
from tests.elastic_security import PASSWORD, Security
from tests.proxy import Proxy
from tests.waiting import wait_until

NOON = "2026-11-23T12:00:00.000Z"


def test_the_first_document_makes_a_data_stream(elastic: ElasticClient) -> None:
    elastic.add_template({"message": {"type": "text"}})
    assert elastic.backing_indices() == []
    elastic.create([{"@timestamp": NOON, "message": "order FB138 is paid", "_id": "a"}])
    elastic.create([{"@timestamp": "2026-11-23T11:00:00.000Z", "message": "order FB137 is paid"}])
    assert [name.startswith(f".ds-{elastic.stream}-") for name in elastic.backing_indices()] == [True]
    assert [hit["_id"] for hit in elastic.hits("message:FB138")] == ["a"]
    assert [one["message"][6:11] for one in elastic.documents()] == ["FB137", "FB138"]
    assert elastic.count() == 2


def test_a_document_of_the_same_id_is_refused(elastic: ElasticClient) -> None:
    elastic.add_template()
    elastic.create([{"@timestamp": NOON, "_id": "a"}])
    with pytest.raises(ElasticError, match="version_conflict_engine_exception"):
        elastic.create([{"@timestamp": NOON, "_id": "a"}])
    assert elastic.count() == 1


def test_a_stream_that_is_not_there_holds_nothing(elastic: ElasticClient) -> None:
    assert elastic.documents() == []
    assert elastic.count() == 0


def test_it_can_be_out_of_reach(elastic: ElasticClient, proxy_to: Callable[[int], Proxy]) -> None:
    proxy = proxy_to(elastic.port)
    through = ElasticClient(proxy.port, elastic.stream)
    through.add_template()
    through.create([{"@timestamp": NOON}])
    assert elastic.count() == 1
    proxy.block()
    with pytest.raises(TimeoutError):
        through.ask("GET", "/_cluster/health", timeout_s=0.3)
    proxy.resume()
    proxy.refuse()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        through.ask("GET", "/_cluster/health")
    proxy.allow()
    assert through.count() == 1


@pytest.mark.slow
def test_documents_outlast_kill_and_restart(own_elastic: Callable[..., ElasticNode]) -> None:
    node = own_elastic()
    node.add_template()
    node.create([{"@timestamp": NOON, "n": n} for n in range(10)])
    node.kill()
    with pytest.raises(ConnectionRefusedError):
        node.ask("GET", "/_cluster/health")
    node.start()
    assert {document["n"] for document in node.documents()} == set(range(10))
    node.suspend()
    with pytest.raises(TimeoutError):
        node.ask("GET", "/_cluster/health", timeout_s=0.5)
    node.resume()
    assert node.count() == 10
    node.restart()
    assert node.count() == 10
    folder = node.folder
    node.remove()
    assert not folder.exists()


@pytest.mark.slow
def test_it_can_know_who_asks_and_speak_tls(own_elastic: Callable[..., ElasticNode]) -> None:
    robot = {"cluster": ["monitor"], "indices": [{"names": ["logs-ebats-*"], "privileges": ["read"]}]}
    security = Security(users={"robot": "reader"}, roles={"reader": robot}, authority=trustme.CA())
    node = own_elastic(security)
    node.add_template()
    node.create([{"@timestamp": NOON}])
    reader = ElasticClient(node.port, login=("robot", PASSWORD), context=node.context)
    assert reader.ask("GET", f"/{node.stream}/_search")[0] == 200
    assert reader.ask("POST", f"/{node.stream}/_bulk", b'{"create":{}}\n{}\n')[0] == 403
    assert reader.ask("PUT", "/_index_template/x", {"index_patterns": ["x"]})[0] == 403
    stranger = ElasticClient(node.port, login=("robot", "guessed"), context=node.context)
    assert stranger.ask("GET", "/_cluster/health")[0] == 401
    with pytest.raises(ssl.SSLCertVerificationError):
        ElasticClient(node.port, context=ssl.create_default_context()).ask("GET", "/_cluster/health")


@pytest.mark.slow
@pytest.mark.usefixtures("elastic")
def test_nothing_is_left_when_the_starter_is_killed() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.elastic"],
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    url, folder = starter.stdout.readline().removesuffix("; Ctrl-C ends it)\n").split("  (")
    server = ElasticClient(int(url.rsplit(":", 1)[1]))
    family = psutil.Process(starter.pid).children(recursive=True)
    assert server.ask("GET", "/_cluster/health")[0] == 200
    starter.kill()
    starter.wait()
    starter.stdout.close()
    try:
        wait_until(lambda: not any(_lives(one) for one in family), 10, "the server outlived its starter")
    finally:
        shutil.rmtree(folder)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
