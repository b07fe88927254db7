"""Payload and result go where they are asked for, and nowhere else."""

import msgspec

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import FileSink, PythonSink, StdSink
from ebats.runner.execution.record import encode
from ebats.runner.sinks.payload import wants_payload, without_payload
from tests.records import PLACE, execution, log, numbered

STD, FILE = StdSink(name="console"), FileSink(name="history", path="/x")
PYTHON = PythonSink(name="mine", python=EntryPoint(module="m", attribute="f", place=PLACE))


def test_only_a_python_sink_wants_payloads() -> None:
    assert not wants_payload((STD, FILE))
    assert wants_payload((STD, PYTHON))


def test_payload_and_result_are_taken_out_and_the_rest_stays() -> None:
    record = execution(
        payload={"card": "4111", "result": 1}, result=[10**30, 1.5], labels={"payload": "kept"}
    )
    bare = msgspec.structs.replace(record, payload=None, result=None)
    assert without_payload([encode(record)]) == [encode(bare)]


def test_lines_without_payload_pass_untouched() -> None:
    lines = [*numbered(1), encode(log(text='the words "payload": in a text'))]
    assert without_payload(lines) == lines
