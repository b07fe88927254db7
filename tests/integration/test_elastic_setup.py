"""What ebats makes in Elasticsearch before it sends: the index template, and how long documents are kept."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web

from ebats.runner.sinks.elastic.connect import Connection
from ebats.runner.sinks.elastic.setup import Preparation
from tests.commands import run_ebats
from tests.elastic_client import ElasticClient
from tests.elastic_sinks import model
from tests.fake_elastic import PRODUCT, FakeElastic, Seen


def prepare(url: str, stream: str, **settings: Any) -> Preparation:
    connection = Connection(model(url, stream, Path("/unused"), **settings))
    try:
        preparation = Preparation(model(url, stream, Path("/unused"), **settings), connection)
        preparation.run()
    finally:
        connection.close()
    return preparation


def template(elastic: ElasticClient) -> Any:
    name = f"ebats-{elastic.stream}"
    return elastic.request("GET", f"/_index_template/{name}")["index_templates"][0]["index_template"]


def put(elastic: ElasticClient, **changes: Any) -> None:
    found = {key: value for key, value in template(elastic).items() if key != "composed_of"}
    elastic.request("PUT", f"/_index_template/ebats-{elastic.stream}", {**found, **changes})


def test_a_template_is_installed_once_without_what_the_server_lacks(elastic: ElasticClient) -> None:
    first = prepare(elastic.url, elastic.stream)
    assert first.results == [f"index template ebats-{elastic.stream}: installed, version 1"]
    (note,) = first.notes
    assert note == "does without what this server doesn't know: match_only_text, wildcard, constant_keyword"
    assert not first.failed
    found = template(elastic)
    assert found["index_patterns"] == [elastic.stream]
    assert found["template"]["mappings"]["properties"]["message"]["type"] == "text"
    again = prepare(elastic.url, elastic.stream)
    assert again.results == [f"index template ebats-{elastic.stream}: version 1, up to date"]
    assert not again.notes


def test_an_older_template_is_renewed_and_a_newer_one_left(elastic: ElasticClient) -> None:
    prepare(elastic.url, elastic.stream)
    put(elastic, _meta={"managed_by": "ebats", "version": 0})
    assert "renewed, version 1" in prepare(elastic.url, elastic.stream).results[0]
    put(elastic, _meta={"managed_by": "ebats", "version": 99})
    assert "version 99, of a newer ebats" in prepare(elastic.url, elastic.stream).results[0]
    assert template(elastic)["_meta"]["version"] == 99


def test_somebody_elses_template_is_left_as_it_is(elastic: ElasticClient) -> None:
    prepare(elastic.url, elastic.stream)
    put(elastic, _meta={"owner": "platform team"})
    found = prepare(elastic.url, elastic.stream)
    assert found.failed
    assert "somebody else's (no `_meta.managed_by: ebats`)" in found.notes[0]
    assert template(elastic)["_meta"] == {"owner": "platform team"}


def test_a_template_of_the_same_priority_is_named_as_the_reason(elastic: ElasticClient) -> None:
    body = {"index_patterns": [f"{elastic.stream}*"], "priority": 500, "data_stream": {}}
    elastic.request("PUT", f"/_index_template/of-{elastic.stream}", body)
    found = prepare(elastic.url, elastic.stream)
    assert found.failed
    assert "another template matches the data stream with the same priority" in found.notes[0]
    elastic.request("DELETE", f"/_index_template/of-{elastic.stream}")


def test_the_template_can_be_left_to_others(elastic: ElasticClient) -> None:
    assert prepare(elastic.url, elastic.stream, manage_template=False).results == []
    assert elastic.ask("GET", f"/_index_template/ebats-{elastic.stream}")[0] == 404


def test_a_retention_is_in_the_template_and_said_where_it_cannot_be_applied(elastic: ElasticClient) -> None:
    prepare(elastic.url, elastic.stream)
    found = prepare(elastic.url, elastic.stream, retention_s=30 * 86400.0)
    assert "renewed" in found.results[0]
    assert template(elastic)["template"]["lifecycle"]["data_retention"] == "30d"
    # The server of the tests has no API for data streams.
    assert "no data-stream lifecycle" in found.notes[-1]


def test_a_retention_is_applied_to_a_stream_that_is_there() -> None:
    kept = {"data_retention": "7d"}

    async def server(seen: Seen) -> web.Response:
        if seen.path.endswith("/_lifecycle"):
            if seen.method == "PUT":
                kept.update(json.loads(seen.body))
            body: Any = {"data_streams": [{"name": "logs-ebats-x", "lifecycle": kept}]}
            return web.json_response(body, headers=PRODUCT)
        return web.json_response({"acknowledged": True}, headers=PRODUCT)

    with FakeElastic() as fake:
        fake.elsewhere = server
        found = prepare(fake.url, "logs-ebats-x", retention_s=30 * 86400.0)
        assert found.results[-1] == "data stream logs-ebats-x: keeps documents for 30d from now on"
        assert kept == {"data_retention": "30d"}
        again = prepare(fake.url, "logs-ebats-x", retention_s=30 * 86400.0)
        assert again.results[-1] == "data stream logs-ebats-x: keeps documents for 30d"


def test_setup_by_command(elastic: ElasticClient, tmp_path: Path) -> None:
    search = {"hosts": [elastic.url], "data_stream": elastic.stream, "manage_template": False}
    pipeline = {
        "version": 1,
        "name": "shop",
        "tasks": {"ship": {"python": "tasks:ship"}},
        "events": {"order_paid": {"tasks": ["ship"]}},
        "logs": {"search": {"elasticsearch": search}},
    }
    file = tmp_path / "shop.yaml"
    file.write_text(json.dumps(pipeline))
    done = run_ebats("logs", file, "--setup")
    assert done.returncode == 0, done.stderr
    name = f"ebats-{elastic.stream}"
    assert done.stdout == f"sink search: index template {name}: installed, version 1\n"
    assert "does without" in done.stderr
    assert template(elastic)["_meta"]["managed_by"] == "ebats"
    search["hosts"] = ["http://127.0.0.1:9"]
    file.write_text(json.dumps(pipeline))
    away = run_ebats("logs", file, "--setup")
    assert away.returncode == 1
    assert "no connection" in away.stderr
