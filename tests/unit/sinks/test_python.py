"""The python sink: a plain dict a record, and a function whose failures stay its own."""

import sys
from pathlib import Path

import pytest

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.sink import PythonSink
from ebats.runner.execution.record import encode
from ebats.runner.sinks.python import Python
from ebats.runner.sinks.sink import SinkError
from tests.records import PLACE, execution, numbered


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def sink(folder: Path, module: str, attribute: str = "take") -> Python:
    entry = EntryPoint(module=module, attribute=attribute, place=PLACE)
    return Python(PythonSink(name="mine", python=entry), str(folder))


def test_the_function_gets_what_the_record_holds_with_payload_and_result(tmp_path: Path) -> None:
    (tmp_path / "sink_plain.py").write_text(
        "class Keep:\n    seen = []\n    take = staticmethod(lambda record: Keep.seen.append(record))\n"
    )
    record = execution(payload={"order": [1, "二"]}, result={"ok": True}, labels={"order": "1"})
    sink(tmp_path, "sink_plain", "Keep.take").write([encode(record)])
    (seen,) = sys.modules["sink_plain"].Keep.seen
    assert type(seen) is dict
    assert seen["kind"] == "execution"
    assert seen["time"] == "2026-01-01T12:00:00.125000Z"
    assert seen["payload"] == {"order": [1, "二"]}
    assert seen["result"] == {"ok": True}


@pytest.mark.parametrize("what", ["raise ValueError('boom')", "import sys; sys.exit(3)"])
def test_a_function_that_raises_loses_that_record_alone(tmp_path: Path, what: str) -> None:
    (tmp_path / "sink_raises.py").write_text(
        f"seen = []\ndef take(record):\n    seen.append(record['id'])\n"
        f"    if record['id'] == '1':\n        {what}\n"
    )
    sys.modules.pop("sink_raises", None)
    with pytest.raises(SinkError, match=r"ValueError: boom|SystemExit: 3") as caught:
        sink(tmp_path, "sink_raises").write(numbered(3))
    assert (caught.value.lost, caught.value.rest) == (1, [])
    assert sys.modules["sink_raises"].seen == ["0", "1", "2"]


def test_a_module_that_cannot_be_imported_keeps_the_records_until_it_can(tmp_path: Path) -> None:
    mine = sink(tmp_path, "sink_later")
    lines = numbered(2)
    with pytest.raises(SinkError, match="can't import sink_later:take: ModuleNotFoundError") as caught:
        mine.write(lines)
    assert caught.value.rest == lines
    sys.path_importer_cache.clear()
    (tmp_path / "sink_later.py").write_text("seen = []\ntake = seen.append\n")
    mine.write(lines)
    assert len(sys.modules["sink_later"].seen) == 2


def test_what_cannot_be_called_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="math:pi can't be called"):
        sink(tmp_path, "math", "pi").write(numbered(1))
