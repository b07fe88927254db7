"""The Elasticsearch sink against a real server: every record once, or in the reject file, or on disk."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from ebats.pipelines.sink import Batch
from ebats.runner.execution.record import encode
from tests.brokers import free_port
from tests.elastic import ElasticNode
from tests.elastic_client import ElasticClient
from tests.elastic_security import PASSWORD, Security
from tests.elastic_sinks import rejects, sink_to, wait_for
from tests.fake_elastic import FakeElastic
from tests.proxy import Proxy
from tests.records import execution, numbered
from tests.waiting import wait_until


def message_ids(elastic: ElasticClient) -> list[int]:
    """Return the numbers of the records that arrived, each as often as it did."""
    return sorted(int(found["messaging"]["message"]["id"]) for found in elastic.documents())


def test_each_record_becomes_one_document(elastic: ElasticClient, tmp_path: Path) -> None:
    with sink_to(elastic.url, elastic.stream, tmp_path) as sink:
        sink.write(numbered(950))
        wait_for(sink, sent=950, spooled=0)
        # The server of the tests has few modules.
        (note,) = sink.last_words()
        assert note.startswith("does without what this server doesn't know: ")
    assert message_ids(elastic) == [*range(950)]
    assert elastic.backing_indices()  # a data stream, not an index of that name
    assert list(tmp_path.rglob("0000*.ndjson")) == []


def test_documents_are_compressed_on_their_way(elastic: ElasticClient, tmp_path: Path) -> None:
    with FakeElastic(elastic.port) as fake, sink_to(fake.url, elastic.stream, tmp_path) as sink:
        sink.write(numbered(50))
        wait_for(sink, sent=50)
        assert {seen.headers.get("Content-Encoding") for seen in fake.bulks} == {"gzip"}


def test_a_request_is_as_large_as_the_batch_says(elastic: ElasticClient, tmp_path: Path) -> None:
    with FakeElastic(elastic.port) as fake:
        fake.replies = [fake.hold]
        by_records = Batch(records=40, wait_s=0.05)
        with sink_to(fake.url, elastic.stream, tmp_path / "a", batch=by_records) as sink:
            sink.write(numbered(100))
            fake.let_go()
            wait_for(sink, sent=100)
        assert [len(seen.ids) for seen in fake.bulks] == [40, 40, 20]
        by_bytes = Batch(records=100, size=20_000, wait_s=0.05)
        with sink_to(fake.url, elastic.stream, tmp_path / "b", batch=by_bytes) as sink:
            sink.write(numbered(100, 100))
            wait_for(sink, sent=100)
        assert max(len(seen.body) for seen in fake.bulks[3:]) <= 20_000
    assert message_ids(elastic) == [*range(200)]


def test_a_server_that_is_away_gets_all_when_it_is_back(
    elastic: ElasticClient, proxy_to: Callable[[int], Proxy], tmp_path: Path
) -> None:
    proxy = proxy_to(elastic.port)
    with sink_to(f"http://127.0.0.1:{proxy.port}", elastic.stream, tmp_path) as sink:
        sink.write(numbered(100))
        wait_for(sink, sent=100)
        proxy.refuse()
        for start in range(100, 1100, 100):
            sink.write(numbered(100, start))
        wait_until(lambda: sink.report().error)
        assert sink.report().spooled == 1000
        assert "no connection" in (sink.report().error or "")
        proxy.allow()
        wait_for(sink, sent=1100, spooled=0, overflowed=0, rejected=0)
        assert sink.report().error is None
    assert message_ids(elastic) == [*range(1100)]


def test_a_server_that_hangs_holds_up_no_record(
    elastic: ElasticClient, proxy_to: Callable[[int], Proxy], tmp_path: Path
) -> None:
    proxy = proxy_to(elastic.port)
    with sink_to(f"http://127.0.0.1:{proxy.port}", elastic.stream, tmp_path, timeout_s=0.5) as sink:
        proxy.block("down")  # requests arrive, answers don't: the same documents come several times
        sink.write(numbered(300))
        wait_until(lambda: sink.report().error == "no answer within 0.5 s")
        sink.write(numbered(300, 300))
        assert sink.report().spooled == 600
        proxy.resume()
        wait_for(sink, sent=600, spooled=0)
    assert message_ids(elastic) == [*range(600)]


def test_an_answer_that_gets_lost_sends_again_what_is_there_already(
    elastic: ElasticClient, tmp_path: Path
) -> None:
    with FakeElastic(elastic.port) as fake, sink_to(fake.url, elastic.stream, tmp_path) as sink:
        fake.replies = [fake.lose_answer, fake.lose_answer]
        sink.write(numbered(70))
        wait_for(sink, sent=70, rejected=0)
        assert len(fake.bulks) == 3
        assert fake.bulks[0].ids == fake.bulks[2].ids
    assert message_ids(elastic) == [*range(70)]


def test_a_conflict_of_types_is_kept_aside_with_its_reason_once(
    elastic: ElasticClient, tmp_path: Path
) -> None:
    elastic.add_template({"labels": {"properties": {"order": {"type": "long"}}}})
    lines = [
        encode(execution(id=str(number), labels={"order": "FB138" if number % 2 else str(number)}))
        for number in range(100)
    ]
    with sink_to(elastic.url, elastic.stream, tmp_path, manage_template=False) as sink:
        sink.write(lines)
        wait_for(sink, sent=50, rejected=50, spooled=0)
        (told,) = sink.news()
        assert told.startswith(
            f"had 50 records refused, kept in {tmp_path}/rejected.ndjson: document_parsing"
        )
        assert [*sink.news()] == []
    kept = rejects(tmp_path)
    assert sorted(int(one["document"]["messaging"]["message"]["id"]) for one in kept) == [*range(1, 100, 2)]
    assert {one["status"] for one in kept} == {400}
    assert "failed to parse field [labels.order] of type [long]" in kept[0]["reason"]
    assert 'For input string: "FB138"' in kept[0]["reason"]
    assert message_ids(elastic) == [*range(0, 100, 2)]


def test_what_a_former_process_left_is_sent_at_the_start(elastic: ElasticClient, tmp_path: Path) -> None:
    with sink_to(f"http://127.0.0.1:{free_port()}", elastic.stream, tmp_path) as sink:
        sink.write(numbered(20))
    assert "leaves 20 records in" in " ".join(sink.last_words())
    shutil.copytree(tmp_path / "0", tmp_path / "7")  # of another runner, which is gone
    for segment in (tmp_path / "7").glob("0*.ndjson"):
        segment.write_bytes(segment.read_bytes().replace(b'"_id":"', b'"_id":"again-'))
    with sink_to(elastic.url, elastic.stream, tmp_path) as sink:
        wait_for(sink, sent=40)
    assert message_ids(elastic) == sorted([*range(20), *range(20)])


def test_several_hosts_share_the_work_and_one_is_enough(elastic: ElasticClient, tmp_path: Path) -> None:
    hosts = (f"http://127.0.0.1:{free_port()}", elastic.url, f"http://127.0.0.1:{free_port()}")
    with sink_to("", elastic.stream, tmp_path, hosts=hosts) as sink:
        for start in range(0, 500, 100):
            sink.write(numbered(100, start))
        wait_for(sink, sent=500)
    assert message_ids(elastic) == [*range(500)]


@pytest.mark.slow
def test_rights_and_certificates_are_explained(
    own_elastic: Callable[..., ElasticNode], tmp_path: Path
) -> None:
    authority = trustme.CA()
    stream = "logs-ebats-shop"
    writes = {"indices": [{"names": ["logs-ebats-*"], "privileges": ["create_doc", "auto_configure"]}]}
    reads = {"indices": [{"names": ["logs-ebats-*"], "privileges": ["read"]}]}
    users = {"writer": "writes", "reader": "reads"}
    security = Security(users=users, roles={"writes": writes, "reads": reads}, authority=authority)
    node = own_elastic(security)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trusting = {"ca_certs": str(tmp_path / "ca.pem")}

    def trouble(expected: str, **settings: object) -> None:
        with sink_to(node.url, stream, tmp_path / "spool", **settings) as sink:
            sink.write(numbered(1))
            told: list[str] = []
            wait_until(
                lambda: (
                    told.extend([sink.report().error or "", *sink.news()])
                    or any(expected in text for text in told)
                ),
                message=lambda: str(told),
            )

    trouble("check `ca_certs`")
    trouble("it refuses the credentials", manage_template=False, **trusting)
    reader = {"basic_auth": ("reader", PASSWORD), **trusting}
    trouble("privileges create_doc and auto_configure", manage_template=False, **reader)
    trouble("manage_index_templates", **reader)
    writer = {"basic_auth": ("writer", PASSWORD), **trusting}
    with sink_to(node.url, stream, tmp_path / "spool", **writer) as sink:
        wait_for(sink, sent=4)
        assert "ebats logs FILE --setup" in " ".join(sink.news())
    node.stream = stream
    assert node.count() == 4
