"""The Elasticsearch sink and a server under load, behind proxies, or not Elasticsearch at all."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.elastic_client import ElasticClient
from tests.elastic_sinks import rejects, sink_to, wait_for
from tests.fake_elastic import WRONG_VERSION, FakeElastic, Reply, garbage, late, refuse
from tests.records import numbered
from tests.waiting import wait_until


@pytest.fixture
def fake() -> Iterator[FakeElastic]:
    with FakeElastic() as fake:
        yield fake


def number_of(document: Any) -> int:
    return int(document["messaging"]["message"]["id"])


def test_items_refused_for_load_go_again_alone(elastic: ElasticClient, tmp_path: Path) -> None:
    with FakeElastic(elastic.port) as fake, sink_to(fake.url, elastic.stream, tmp_path) as sink:
        fake.replies = [fake.refuse_items(lambda n, _document: 429 if n % 3 == 0 else None)]
        sink.write(numbered(90))
        wait_for(sink, sent=90, rejected=0)
        first, second = fake.bulks
        assert (len(first.ids), second.ids) == (90, first.ids[::3])
    assert sorted(map(number_of, elastic.documents())) == [*range(90)]


def test_half_of_a_bulk_refused_is_kept_aside_and_never_sent_again(
    elastic: ElasticClient, tmp_path: Path
) -> None:
    with FakeElastic(elastic.port) as fake, sink_to(fake.url, elastic.stream, tmp_path) as sink:
        fake.replies = [fake.refuse_items(lambda n, _document: 400 if n % 2 else None)]
        sink.write(numbered(100))
        wait_for(sink, sent=50, rejected=50, spooled=0)
        sink.write(numbered(1, 100))
        wait_for(sink, sent=51, rejected=50)
        assert [len(seen.ids) for seen in fake.bulks] == [100, 1]
    assert sorted(number_of(one["document"]) for one in rejects(tmp_path)) == [*range(1, 100, 2)]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (refuse(429), "it is busy"),
        (refuse(503), "it takes nothing at the moment"),
        (refuse(401), "it refuses the credentials: check `api_key`"),
        (refuse(403), "create_doc and auto_configure on logs-ebats-x"),
        (WRONG_VERSION, "install elasticsearch<9 for an 8.x server"),
        (garbage(), "no answer to a bulk request: check `hosts`"),
        (garbage(status=502), "Welcome to the office"),
        (refuse(400, "illegal_argument_exception", "explicit index is not allowed"), "explicit index"),
    ],
)
def test_trouble_is_told_and_all_is_sent_when_it_is_over(
    fake: FakeElastic, tmp_path: Path, reply: Reply, text: str
) -> None:
    fake.reply, taking = reply, fake.reply
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(10))
        wait_until(lambda: text in (sink.report().error or ""), message=lambda: str(sink.report()))
        assert sink.report().spooled == 10
        fake.reply = taking
        wait_for(sink, sent=10, spooled=0, rejected=0)
        assert sink.report().error is None


def test_what_is_not_elasticsearch_gets_nothing(fake: FakeElastic, tmp_path: Path) -> None:
    fake.elsewhere = garbage()
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(10))
        wait_until(lambda: "what answers there is not Elasticsearch" in (sink.report().error or ""))
    assert not fake.bulks


def test_a_server_that_says_when_is_tried_then(fake: FakeElastic, tmp_path: Path) -> None:
    fake.replies = [refuse(429, Retry_After="2")]
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(10))
        wait_for(sink, sent=10)
    first, second = fake.bulks
    assert second.at - first.at >= 1.9


def test_waits_grow(fake: FakeElastic, tmp_path: Path) -> None:
    fake.reply = refuse(503)
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(1))
        wait_until(lambda: len(fake.bulks) >= 4)
        times = [seen.at for seen in fake.bulks]
        assert times[1] - times[0] > 0.2
        assert times[3] - times[2] > 0.9


def test_requests_become_as_small_as_the_server_wants_them(fake: FakeElastic, tmp_path: Path) -> None:
    taking = fake.reply

    async def at_most_20(seen: Any) -> Any:
        return await (taking if len(seen.ids) <= 20 else refuse(413))(seen)

    fake.reply = at_most_20
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(100))
        wait_for(sink, sent=100)
        refused = len([seen for seen in fake.bulks if len(seen.ids) > 20])
        sink.write(numbered(100))
        wait_for(sink, sent=200)
        assert len([seen for seen in fake.bulks if len(seen.ids) > 20]) <= refused + 2


def test_one_record_too_large_is_kept_aside(fake: FakeElastic, tmp_path: Path) -> None:
    taking = fake.reply

    async def without_7(seen: Any) -> Any:
        return await (refuse(413) if 7 in map(number_of, seen.documents) else taking)(seen)

    fake.reply = without_7
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(30))
        wait_for(sink, sent=29, rejected=1, spooled=0)
    (kept,) = rejects(tmp_path)
    assert (number_of(kept["document"]), kept["status"]) == (7, 413)


def test_one_record_that_spoils_its_bulk_is_kept_aside(fake: FakeElastic, tmp_path: Path) -> None:
    taking = fake.reply

    async def without_0(seen: Any) -> Any:
        spoilt = refuse(400, "illegal_argument_exception", "Malformed action/metadata line [1]")
        return await (spoilt if 0 in map(number_of, seen.documents) else taking)(seen)

    fake.reply = without_0
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(30))
        wait_for(sink, sent=29, rejected=1, spooled=0)
    assert [number_of(kept["document"]) for kept in rejects(tmp_path)] == [0]


def test_a_slow_server_slows_nobody(fake: FakeElastic, tmp_path: Path) -> None:
    fake.reply = late(0.3)
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        start = time.monotonic()
        for first in range(0, 5000, 1000):
            sink.write(numbered(1000, first))
        # Answers to the fifty requests take 15 s.
        assert time.monotonic() - start < 10
        assert sink.report().spooled > 1000
        fake.reply = late(0)
        wait_for(sink, sent=5000)


def test_a_full_spool_drops_the_oldest_and_counts_exactly(fake: FakeElastic, tmp_path: Path) -> None:
    fake.reply, taking = refuse(503), fake.reply
    with sink_to(fake.url, "logs-ebats-x", tmp_path, spool_size=200_000) as sink:
        for start in range(0, 5000, 100):
            sink.write(numbered(100, start))
        assert 0 < sink.report().overflowed < 5000
        assert sink.report().spooled_bytes <= 300_000
        fake.reply = taking
        wait_until(lambda: sink.report().spooled == 0)
        report = sink.report()
        assert report.sent + report.overflowed == 5000
        told = " ".join(sink.news())
        assert f"dropped {report.overflowed} records unsent" in told
    arrived = [number for seen in fake.bulks[-1:] for number in map(number_of, seen.documents)]
    assert arrived[-1] == 4999


def test_a_reject_file_that_cannot_be_written_holds_up_nothing(fake: FakeElastic, tmp_path: Path) -> None:
    (tmp_path / "rejected.ndjson").mkdir()
    fake.replies = [fake.refuse_items(lambda n, _document: 400 if n == 0 else None)]
    with sink_to(fake.url, "logs-ebats-x", tmp_path) as sink:
        sink.write(numbered(3))
        wait_for(sink, sent=2, rejected=1, spooled=0)
        assert "not in the file" in " ".join(sink.news())
