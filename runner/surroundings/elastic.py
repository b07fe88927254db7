"""Whether the Elasticsearch of a file's sinks is there, and knows its login: asked, never changed."""

from dataclasses import replace

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.connect import Away, Connection

#: A check is no run, which tries again.
WAIT_S = 5.0
_UNAUTHORIZED, _BROKEN = 401, 500


def look(pipeline: Pipeline, wait_s: float = WAIT_S) -> tuple[Problem, ...]:
    """Return which sinks can't reach their Elasticsearch."""
    sinks = [sink for sink in pipeline.sinks if isinstance(sink, ElasticSink)]
    found = [(sink, why) for sink in sinks if (why := _why_not(sink, wait_s))]
    start = Place(file=pipeline.file, line=1, column=1)
    return tuple(
        Problem(
            place=sink.place or start,
            rule=rules.ELASTIC_AWAY,
            text=f"`{sink.name}` can't write to {', '.join(sink.hosts)}: {why}",
            hint="until it can, records wait on the disk",
        )
        for sink, why in found
    )


def _why_not(sink: ElasticSink, wait_s: float) -> str | None:
    connection = Connection(replace(sink, timeout_s=min(wait_s, sink.timeout_s)))
    try:
        answer = connection.request("GET", "/")
    except Away as error:
        return str(error)
    finally:
        connection.close()
    # A key that may do no more than write isn't let in here, with 403, and is known all the same.
    if answer.status == _UNAUTHORIZED or answer.status >= _BROKEN:
        return f"it answers {answer.status}: {' '.join(answer.error).strip() or 'nothing more'}"
    return None
