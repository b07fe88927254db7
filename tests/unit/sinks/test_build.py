"""From the file's sinks to sinks that write."""

import subprocess
import sys

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.sink import FileSink, PythonSink, StdSink
from ebats.runner.sinks.build import build
from ebats.runner.sinks.setting import Setting
from tests.records import PLACE


def test_each_sink_of_the_file_becomes_one_that_writes() -> None:
    entry = EntryPoint(module="m", attribute="f", place=PLACE)
    built = build(
        (
            StdSink(name="console", level="debug"),
            FileSink(name="history", path="/x", level="warning"),
            PythonSink(name="mine", python=entry, level="error"),
        ),
        Setting(pipeline="shop", folder="/folder"),
    )
    assert [(type(sink).__name__, sink.name, sink.weight, sink.wants_payload) for sink in built] == [
        ("Std", "console", 10, False),
        ("File", "history", 30, False),
        ("Python", "mine", 40, True),
    ]


def test_only_a_process_with_a_file_sink_imports_loguru() -> None:
    code = (
        "import sys; from ebats.pipelines.sink import StdSink; import ebats.runner.roles.writer;"
        "from ebats.runner.sinks.build import build; from ebats.runner.sinks.setting import Setting;"
        "build((StdSink(name='c'),), Setting(pipeline='p', folder='/'));"
        "import ebats.runner.sinks.payload, ebats.runner.execution.outbox;"
        "sys.exit('loguru' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
