"""The stub of an Elasticsearch, as the client of the sink sees it."""

import http.client
import threading
from collections.abc import Iterator
from typing import Any

import elasticsearch
import pytest

from tests.elastic_client import ElasticClient, ElasticError
from tests.fake_elastic import WRONG_VERSION, FakeElastic, Reply, garbage, hang_up, late, refuse
from tests.waiting import wait_until

NOON = "2026-11-23T12:00:00.000Z"
DOCUMENTS = [{"@timestamp": NOON, "n": n, "_id": f"id{n}"} for n in range(4)]


@pytest.fixture
def fake() -> Iterator[FakeElastic]:
    """Give a stub with nothing behind it."""
    with FakeElastic() as server:
        yield server


@pytest.fixture
def client(fake: FakeElastic) -> Iterator[elasticsearch.Elasticsearch]:
    """Give a client that tries once."""
    with elasticsearch.Elasticsearch(
        fake.url, http_compress=True, max_retries=0, request_timeout=5
    ) as connected:
        yield connected


def send(client: elasticsearch.Elasticsearch) -> Any:
    """Send all documents in one bulk; return the status of each by its id."""
    lines: list[dict[str, Any]] = []
    for document in DOCUMENTS:
        source = dict(document)
        lines += [{"create": {"_id": source.pop("_id")}}, source]
    answer = client.bulk(index="logs-ebats-fake", operations=lines)
    return {item["create"]["_id"]: item["create"]["status"] for item in answer["items"]}


def test_it_takes_a_bulk_and_shows_it(fake: FakeElastic, client: elasticsearch.Elasticsearch) -> None:
    assert set(send(client).values()) == {201}
    (seen,) = fake.bulks
    assert seen.path == "/logs-ebats-fake/_bulk"
    assert seen.headers["Content-Encoding"] == "gzip"
    assert seen.ids == ["id0", "id1", "id2", "id3"]
    assert [document["n"] for document in seen.documents] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refuse(429), elasticsearch.ApiError),
        (refuse(413), elasticsearch.ApiError),
        (refuse(503, Retry_After="1"), elasticsearch.ApiError),
        (refuse(401), elasticsearch.AuthenticationException),
        (refuse(403), elasticsearch.AuthorizationException),
        (WRONG_VERSION, elasticsearch.BadRequestError),
        (garbage(), elasticsearch.UnsupportedProductError),
        (hang_up, elasticsearch.ConnectionError),
    ],
)
def test_it_refuses_a_bulk_as_told(
    fake: FakeElastic, client: elasticsearch.Elasticsearch, reply: Reply, error: type[Exception]
) -> None:
    fake.replies = [reply]
    with pytest.raises(error) as raised:
        send(client)
    if isinstance(raised.value, elasticsearch.ApiError) and isinstance(raised.value.body, dict):
        assert raised.value.body["status"] == raised.value.status_code
    assert set(send(client).values()) == {201}
    assert len(fake.bulks) == 2


def test_it_is_slow_as_told(fake: FakeElastic, client: elasticsearch.Elasticsearch) -> None:
    fake.replies = [late(1)]
    with pytest.raises(elasticsearch.ConnectionTimeout):
        send(client.options(request_timeout=0.2))
    fake.replies = [fake.hold]
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(send(client)))
    thread.start()
    wait_until(lambda: len(fake.bulks) == 2)
    assert answers == []
    fake.let_go()
    thread.join(5)
    assert len(answers[0]) == 4


def test_it_refuses_some_documents_and_passes_the_others_on(elastic: ElasticClient) -> None:
    elastic.add_template({"n": {"type": "long"}})
    with FakeElastic(elastic.port) as fake:
        fake.replies = [fake.refuse_items(lambda n, _document: {1: 429, 3: 400}.get(n))]
        through = ElasticClient(fake.port, elastic.stream)
        with pytest.raises(ElasticError) as refused:
            through.create(DOCUMENTS)
        assert [item["create"]["status"] for item in refused.value.answer] == [201, 429, 201, 400]
        assert {document["n"] for document in elastic.documents()} == {0, 2}
        with pytest.raises(ElasticError) as refused:
            through.create(DOCUMENTS)
        assert [item["create"]["status"] for item in refused.value.answer] == [409, 201, 409, 201]


def test_it_loses_an_answer(elastic: ElasticClient) -> None:
    elastic.add_template()
    with FakeElastic(elastic.port) as fake:
        fake.replies = [fake.lose_answer]
        through = ElasticClient(fake.port, elastic.stream)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            through.create(DOCUMENTS)
        assert elastic.count() == 4
        assert through.count() == 4
