"""A gateway's description of itself: OpenAPI that names what the file names."""

import json
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ebats.pipelines.load import from_bytes
from ebats.pipelines.producer import HttpProducer
from ebats.runner.gateway import openapi
from ebats.runner.gateway.payload_schemas import embedded

FILE = """\
version: 1
name: shop
exchanges: {orders: {}, news: {type: fanout}}
queues: {slow: {}, quick: {}}
tasks:
  ship: {python: "shop.tasks:ship", queues: [quick, slow]}
  tell: {python: "shop.tasks:tell"}
  note: {python: "shop.tasks:note"}
events:
  paid:
    tasks: [ship]
    schema: {required: [id], properties: {id: {$ref: "#/$defs/id"}}, $defs: {id: {type: integer}}}
  noted: {format: text, tasks: [note]}
  wanted: {exchange: orders, key: "*.GO", tasks: [tell]}
producers:
  gateway: {http: {GATEWAY}}
"""


def document(gateway: str = "") -> dict[str, Any]:
    """Return the description of a gateway with these settings."""
    pipeline = from_bytes("shop.yaml", FILE.replace("GATEWAY", gateway).encode(), {}).pipeline
    producer = pipeline.producers["gateway"]
    assert isinstance(producer, HttpProducer)
    return openapi.document(pipeline, producer)


AUTHS = [
    "",
    "auth: {bearer: 6f1d2c7be0a94f53}, rate: 5",
    "auth: {bearer: [{name: a, token: 6f1d2c7be0a94f53, rate: 9}]}",
    "auth: {secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}",
]


@pytest.mark.parametrize("gateway", AUTHS)
def test_it_is_openapi(gateway: str) -> None:
    import schemathesis

    schemathesis.openapi.from_dict(document(gateway)).validate()


def test_it_names_what_the_file_names() -> None:
    found = document()
    assert [path for path in found["paths"] if path.startswith(("/v1/events", "/v1/tasks"))] == [
        *("/v1/events/paid", "/v1/events/noted", "/v1/events/wanted"),
        *("/v1/tasks/ship", "/v1/tasks/tell", "/v1/tasks/note"),
    ]
    item = found["components"]["schemas"]["Item"]["properties"]
    assert item["exchange"]["enum"] == ["orders", "news", "", None]
    assert set(item["queue"]["enum"]) == {"slow", "quick", "tell", "note", "", None}
    ship = found["paths"]["/v1/tasks/ship"]["post"]["parameters"]
    assert next(each for each in ship if each["name"] == "queue")["schema"]["enum"] == ["quick", "slow"]
    wanted = found["paths"]["/v1/events/wanted"]["post"]["parameters"]
    assert next(each for each in wanted if each["name"] == "route")["required"]


def test_payloads_are_what_their_events_say() -> None:
    found = document()
    bodies = {name: body_of(found, f"/v1/events/{name}") for name in ("paid", "noted", "wanted")}
    assert bodies == {
        "paid": {"$ref": "#/components/schemas/event.paid"},
        "noted": {"type": "string"},
        "wanted": {},
    }
    assert is_valid(found, "event.paid", {"id": 1})
    assert not is_valid(found, "event.paid", {"id": "1"})


def test_it_says_how_to_say_who_one_is() -> None:
    found = document(AUTHS[1])
    assert found["security"] == [{"bearer": []}]
    assert found["paths"]["/healthz"]["get"]["security"] == []
    assert {"401", "429"} <= found["paths"]["/v1/messages"]["post"]["responses"].keys()
    assert document()["security"] == []
    assert document(AUTHS[3])["security"] == [{"id": [], "timestamp": [], "signature": []}]


def test_it_holds_no_secrets() -> None:
    for gateway in AUTHS:
        assert "6f1d2c7be" not in json.dumps(document(gateway))
        assert "MfKQ9r8" not in json.dumps(document(gateway))


SCHEMAS: list[tuple[Any, Any, Any]] = [
    (
        {"type": "array", "items": {"$ref": "#"}, "maxItems": 1},
        [[]],
        [1],
    ),
    (
        {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "integer"}}},
        {"a": 1},
        {"a": "x"},
    ),
    (
        {"properties": {"default": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}},
        {"default": 1},
        {"default": "x"},
    ),
    ({"const": {"$ref": "#/a"}}, {"$ref": "#/a"}, {"$ref": "#/components/schemas/x/a"}),
    ({"properties": {"$ref": {"type": "integer"}}}, {"$ref": 1}, {"$ref": "x"}),
    (
        {
            "$id": "https://shop.example/paid",
            "items": {"$ref": "#/$defs/n"},
            "$defs": {"n": {"type": "integer"}},
        },
        [1],
        ["x"],
    ),
    (
        {"items": {"$ref": "#n"}, "$defs": {"n": {"$anchor": "n", "type": "integer"}}},
        [1],
        ["x"],
    ),
    (True, 1, None),
]


@pytest.mark.parametrize(("schema", "good", "bad"), SCHEMAS)
def test_an_embedded_schema_says_the_same(schema: Any, good: Any, bad: Any) -> None:
    whole = {"components": {"schemas": {"x": embedded(json.dumps(schema), "x")}}}
    assert is_valid(whole, "x", good)
    assert bad is None or not is_valid(whole, "x", bad)


def body_of(found: dict[str, Any], path: str) -> Any:
    return found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


def is_valid(whole: dict[str, Any], name: str, payload: Any) -> bool:
    """Say whether a payload is what a schema inside a document says."""
    resource = Resource(contents=whole, specification=DRAFT202012)
    # What has an $id is found by it, as in every reader of OpenAPI 3.1.
    parts = whole["components"]["schemas"].values()
    inner = [
        (part["$id"], Resource(contents=part, specification=DRAFT202012))
        for part in parts
        if isinstance(part, dict) and "$id" in part
    ]
    registry: Any = Registry().with_resources([("urn:whole", resource), *inner])
    found = whole["components"]["schemas"][name]
    way = (
        found["$id"]
        if isinstance(found, dict) and "$id" in found
        else f"urn:whole#/components/schemas/{name}"
    )
    validator = jsonschema.Draft202012Validator({"$ref": way}, registry=registry)
    return bool(validator.is_valid(payload))
