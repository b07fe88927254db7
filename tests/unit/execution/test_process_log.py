"""What a process says: a record where records go, else a safe line on standard error."""

import pytest

from ebats.runner.execution.process_log import ProcessLog, Source
from ebats.runner.execution.record import Line, Log, decode

SOURCE = Source(pipeline="shop", process="orders#1", environment="test")


@pytest.mark.parametrize(("level", "weight"), [("debug", 10), ("info", 20), ("warning", 30), ("error", 40)])
def test_each_level_makes_a_record_of_its_process(level: str, weight: int) -> None:
    lines: list[Line] = []
    getattr(ProcessLog(SOURCE, lines.append), level)("reconnected", task="ship", id="FB1", traceback="frames")
    (line,) = lines
    record = decode(line.json)
    assert isinstance(record, Log)
    assert line.weight == weight
    assert (record.level, record.text, record.task, record.id) == (level, "reconnected", "ship", "FB1")
    assert (record.pipeline, record.process, record.environment) == ("shop", "orders#1", "test")
    assert record.traceback == "frames"
    assert record.pid
    assert record.time.utcoffset() is not None


def test_a_text_that_is_not_unicode_is_told_all_the_same() -> None:
    lines: list[Line] = []
    ProcessLog(SOURCE, lines.append).error("no file \udcff", id="\udcff", task="\udcff", traceback="\udcff")
    record = decode(lines[0].json)
    assert isinstance(record, Log)
    assert record.text == "no file \\udcff"


def test_without_an_outbox_it_goes_to_standard_error_and_forges_no_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ProcessLog(SOURCE).warning("broker away\n12:00:00Z  INFO  all is well\x1b[2J")
    ProcessLog(SOURCE).error("died", traceback="Traceback:\n  boom")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith(r"WARNING  orders#1  broker away\n12:00:00Z  INFO  all is well\x1b[2J")
    assert rest[0].endswith("ERROR    orders#1  died")
    assert rest[1:] == ["Traceback:", "  boom"]
