"""Each sink sees of a record what it may: so much of the payload, and nothing that is masked."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.load import from_bytes
from ebats.pipelines.sink import Exposure
from ebats.runner.execution.record import Line, RequestNote, decode, encode
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting
from tests.records import execution, log

PAYLOAD = {"order": "FB1", "card_no": "4111", "lines": [{"sku": 1}, {"sku": 2, "note": None}], "empty": {}}
TASKS = from_bytes(
    "pipeline.yaml",
    b"""
version: 1
name: shop
tasks:
  quiet: {python: "a:b", logs: {payload: none}}
  loud: {python: "a:b", logs: {payload: full}}
  close_order: {python: "a:b"}
""",
    {},
).pipeline.tasks


def seen(exposures: Exposures, line: Line) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.json.decode(exposures.json(line))
    return data


def test_nothing_of_a_payload_is_seen_unless_it_is_asked_for() -> None:
    exposures = Exposures(Exposure())
    assert not exposures.wants_payload
    bare = execution()
    assert exposures.json(encode(execution(payload=PAYLOAD, result=[1]))) == encode(bare).json


def test_names_of_keys_are_seen_as_paths_without_a_value() -> None:
    exposures = Exposures(Exposure(payload="keys"))
    assert exposures.wants_payload
    record = seen(exposures, encode(execution(payload=PAYLOAD, result=[{"a": {"b": 1}}, {"a": {"c": 2}}, 3])))
    assert record["payload"] == ["order", "card_no", "lines.sku", "lines.note", "empty"]
    assert record["result"] == ["a.b", "a.c"]


def test_a_payload_is_seen_as_it_is() -> None:
    line = encode(execution(payload=PAYLOAD, result=10**30))
    assert Exposures(Exposure(payload="full")).json(line) is line.json


def test_a_task_decides_about_its_own_payloads() -> None:
    exposures = Exposures(Exposure(payload="keys"), TASKS)
    for task, payload in (("quiet", None), ("loud", {"a": 1}), ("close_order", ["a"])):
        assert seen(exposures, encode(execution(task=task, payload={"a": 1}))).get("payload") == payload
    assert Exposures(Exposure(), TASKS).wants_payload


def test_the_largest_parts_of_a_payload_above_the_limit_are_cut_and_say_so() -> None:
    payload = {"order": "FB1", "text": "x" * 200, "lines": list(range(100))}
    exposures = Exposures(Exposure(payload="full", limit=120))
    record = seen(exposures, encode(execution(payload=payload, result="y" * 300)))
    assert record["payload"] == {
        "order": "FB1",
        "text": "[cut, it had 202 bytes]",
        "lines": "[cut, it had 291 bytes]",
    }
    assert record["result"] == '"' + "y" * 119 + " [cut, it had 302 bytes]"


def test_a_payload_with_too_many_keys_is_cut_as_a_text() -> None:
    exposures = Exposures(Exposure(payload="full", limit=50))
    record = seen(exposures, encode(execution(payload={str(number): number for number in range(100)})))
    assert record["payload"].startswith('{"0":0,"1":1,')
    assert record["payload"].endswith(" [cut, it had 781 bytes]")


def test_masked_values_are_seen_nowhere() -> None:
    secret = "s3cret"
    record = execution(
        payload={"card_no": secret},
        result={"a": [{"CARD_NO": secret}]},
        labels={"card_no": secret, "order": "FB1"},
        text=f"no card_no={secret}",
        traceback=f'  File "x.py", line 1\nValueError: card_no: {secret}',
        requests=[
            RequestNote(
                method="POST",
                url=f"https://user:{secret}@a.example/?order={secret}",
                outcome="failed",
                text=f"card_no={secret}",
                body=f'{{"card_no": "{secret}", "ok": false}}',
            )
        ],
    )
    line = encode(record)
    exposures = Exposures(Exposure(payload="full", mask=("card_no",)))
    assert secret.encode() not in exposures.json(line)
    shown = decode(exposures.json(line))
    assert exposures.show(record) == shown
    assert shown == execution(
        payload={"card_no": "***"},
        result={"a": [{"CARD_NO": "***"}]},
        labels={"card_no": "***", "order": "FB1"},
        text="no card_no=***",
        traceback='  File "x.py", line 1\nValueError: card_no: ***',
        requests=[
            RequestNote(
                method="POST",
                url="https://***@a.example/?order=***",
                outcome="failed",
                text="card_no=***",
                body='{"card_no": "***", "ok": false}',
            )
        ],
    )


def test_a_process_s_lines_are_masked_too() -> None:
    exposures = Exposures(Exposure(mask=("token",)))
    line = encode(log(text="token=1 x", traceback="token: 2"))
    assert decode(exposures.json(line)) == log(text="token=*** x", traceback="token: ***")
    assert decode(exposures.json(encode(log(text="amqp://a:b@c/")))) == log(text="amqp://***@c/")


def test_a_record_with_nothing_to_hide_is_passed_on_as_it_is() -> None:
    exposures = Exposures(Exposure(mask=("token",)))
    record = execution(text="gone", labels={"order": "1"})
    assert exposures.show(record) is record
    line = encode(record)
    assert exposures.json(line) is line.json


def test_a_line_of_somebody_else_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        Exposures(Exposure()).json(Line(10, b"{}"))


def deep(depth: int, end: str = "1") -> Line:
    payload = b'{"a":' * depth + end.encode() + b"}" * depth
    return Line(20, encode(execution()).json[:-1] + b',"payload":' + payload + b"}")


def test_a_payload_too_deep_to_be_looked_through_is_not_shown() -> None:
    exposures = Exposures(Exposure(payload="full", mask=("b",), limit=10**6))
    shown = seen(exposures, deep(800, '{"b": 1}'))
    assert shown["payload"] == "[too deep to be shown]"
    with pytest.raises(msgspec.MsgspecError):
        exposures.json(deep(100_000))


KEYS = st.sampled_from(
    ["card_no", "Card_No", "password", "pass word", 'pass"word', "密码", "a", "b", "order.id"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
MASKED = ("card_no", "password", "pass word", 'pass"word', "密码")
SECRET = "S3-" + "cret"


def planted(value: object) -> object:
    """Return the value with a secret under each masked key."""
    if isinstance(value, dict):
        return {
            key: {"deep": [SECRET]} if key.lower() in MASKED else planted(item) for key, item in value.items()
        }
    return [planted(item) for item in value] if isinstance(value, list) else value


@given(VALUES, st.sampled_from(["keys", "full"]), st.integers(1, 400))
def test_no_masked_value_is_seen_in_any_payload(value: object, mode: Any, limit: int) -> None:
    exposures = Exposures(Exposure(payload=mode, mask=MASKED, limit=limit))
    payload = planted(value)
    line = encode(execution(payload=payload, result=payload))
    data = exposures.json(line)
    assert SECRET.encode() not in data
    decode(data)
    assert SECRET.encode() not in Documents(Setting(pipeline="shop", folder="/"), exposures).of(line)


@given(VALUES)
def test_no_masked_value_is_seen_in_a_text_about_a_payload(value: object) -> None:
    exposures = Exposures(Exposure(mask=MASKED))
    payload = planted(value)
    written = msgspec.json.encode(payload).decode()
    for text in (
        f"bad: {payload!r}",
        f"bad: {written}",
        f"bad: {written!r}",
        msgspec.json.encode(written).decode(),
    ):
        assert SECRET.encode() not in exposures.json(encode(execution(text=text)))
