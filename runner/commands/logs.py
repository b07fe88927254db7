"""`ebats logs FILE --setup`: make Elasticsearch ready for the records of a pipeline."""

import sys
from collections.abc import Mapping

from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.sink import ElasticSink
from ebats.pipelines.suggestion import suggest
from ebats.runner.commands.say import say


def set_up(file: str, environ: Mapping[str, str], sink: str | None) -> int:
    """Install index templates and set retentions for a file's elasticsearch sinks, or for the one named.

    Return 0, or 1 where one of them isn't as it should be.

    Raises:
        UsageError: the file has no such sink.
        EbatsError: the file is bad.
    """
    # All at once would be slow, and not every failure is one of all.
    return max([_set_up(each) for each in _elastic_sinks(load(file, environ), sink)])


def _set_up(sink: ElasticSink) -> int:
    # Here, for the client takes half a second to import.
    from ebats.runner.sinks.elastic.connect import Away, Connection
    from ebats.runner.sinks.elastic.setup import Preparation

    connection = Connection(sink)
    try:
        preparation = Preparation(sink, connection)
        preparation.run(manage=True)
    except Away as away:
        say("error", f"sink {sink.name}: {', '.join(sink.hosts)}: {away}")
        return 1
    finally:
        connection.close()
    for result in preparation.results:
        sys.stdout.write(f"sink {sink.name}: {result}\n")
    for note in preparation.notes:
        say("warning", f"sink {sink.name} {note}")
    return int(preparation.failed)


def _elastic_sinks(pipeline: Pipeline, name: str | None) -> list[ElasticSink]:
    """Return the sinks that are meant.

    Raises:
        UsageError: there is none, or none of that name.
    """
    known = {sink.name: sink for sink in pipeline.sinks if isinstance(sink, ElasticSink)}
    if not known:
        text = f"{pipeline.file} has no elasticsearch sink"
        raise UsageError(f"{text}; add one under `logs`: `search: {{elasticsearch: {{hosts: [URL]}}}}`")
    if name is None:
        return [*known.values()]
    if name not in known:
        raise UsageError(f"{pipeline.file} has no elasticsearch sink {name!r}; {suggest(name, known)}")
    return [known[name]]
