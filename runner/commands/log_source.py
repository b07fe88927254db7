"""Which of a file's sinks is searched for records, and how it is read."""

from contextlib import suppress
from pathlib import Path

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.sink import ElasticSink, FileSink, PythonSink, Sink
from ebats.pipelines.suggestion import suggest
from ebats.runner import state
from ebats.runner.sinks.elastic.folders import Folders, root_of
from ebats.runner.sinks.finding.files import Files
from ebats.runner.sinks.finding.source import Source

_WHAT_TO_ADD = """\
add one under `logs`, such as
  history: {file: {path: logs/%s.jsonl, rotation: 20MB, retention: 20}}
  search: {elasticsearch: {hosts: ["http://localhost:9200"]}}"""

Searchable = ElasticSink | FileSink


def choose(pipeline: Pipeline, name: str | None) -> Searchable:
    """Return the sink of that name; without one, the first elasticsearch sink, or else the first file sink.

    Raises:
        UsageError: there is none, or it keeps nothing.
    """
    sinks = {sink.name: sink for sink in pipeline.sinks}
    searchable = [sink for sink in pipeline.sinks if isinstance(sink, Searchable)]
    if not searchable:
        text = f"{pipeline.file} has no sink that keeps records where they could be found"
        raise UsageError(f"{text}; {_WHAT_TO_ADD % pipeline.name}")
    if name is None:
        return next((sink for sink in searchable if isinstance(sink, ElasticSink)), searchable[0])
    if name not in sinks:
        raise UsageError(f"{pipeline.file} has no sink {name!r}; {suggest(name, sinks)}")
    sink = sinks[name]
    if not isinstance(sink, Searchable):
        hint = suggest(name, [one.name for one in searchable])
        raise UsageError(f"{name} is a sink of the kind `{_kind(sink)}`, which keeps no records; {hint}")
    return sink


def source_of(sink: Searchable) -> Source:
    """Return what finds the records of a sink."""
    if isinstance(sink, FileSink):
        return Files(sink.path)
    # Here, for a client takes half a second to import.
    from ebats.runner.sinks.elastic.stream import DataStream

    return DataStream(sink)


def place_of(sink: Searchable) -> str:
    """Return where a sink's records are, for people."""
    if isinstance(sink, FileSink):
        try:
            return str(Path(sink.path).relative_to(Path.cwd()))
        except ValueError:
            return sink.path
    return f"{sink.data_stream} at {', '.join(sink.hosts)}"


def unsent(pipeline: Pipeline, sink: Searchable) -> int:
    """Return how many records of a sink wait on the disk here: of runners, and of those that have ended."""
    if isinstance(sink, FileSink):
        return 0
    found = [runner.get("sinks", {}).get(sink.name, {}) for runner in state.read_all(pipeline)]
    waiting = sum(int(one.get("spooled", 0)) for one in found)
    with suppress(OSError):  # somebody else's, who may have none
        waiting += Folders(root_of(sink, str(state.folder_of(pipeline))), sink.spool_size).left()
    return waiting


def _kind(sink: Sink) -> str:
    return "python" if isinstance(sink, PythonSink) else "std"
