"""Payload and result go where they are asked for, and nowhere else."""

import msgspec

from ebats.runner.execution.record import encode
from ebats.runner.sinks.payload import without_payload
from tests.records import execution, log, numbered


def test_payload_and_result_are_taken_out_and_the_rest_stays() -> None:
    record = execution(
        payload={"card": "4111", "result": 1}, result=[10**30, 1.5], labels={"payload": "kept"}
    )
    bare = msgspec.structs.replace(record, payload=None, result=None)
    assert without_payload([encode(record)]) == [encode(bare)]


def test_lines_without_payload_pass_untouched() -> None:
    lines = [*numbered(1), encode(log(text='the words "payload": in a text'))]
    assert without_payload(lines) == lines
