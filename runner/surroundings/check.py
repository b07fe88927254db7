"""The looks at what is around a good file, each of which can be left out: what isn't as it needs it."""

from collections.abc import Callable, Iterator

from ebats.pipelines import parameters
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.sink import ElasticSink

#: Is told what takes long: a level and a text.
Say = Callable[[str, str], None]
Look = Callable[[Pipeline], tuple[Problem, ...]]


def looks(say: Say, *, imports: bool, connect: bool = False) -> Iterator[Look]:
    """Yield what looks at a pipeline's surroundings, the quick ones first.

    `imports`: its Python functions are imported, in a process of their own. `connect`: its broker and its
    Elasticsearch are asked; nothing is declared, sent or changed there.
    """
    if imports:
        yield lambda pipeline: _imports(pipeline, say)
    if connect:
        yield _broker
        yield _elastic


def _imports(pipeline: Pipeline, say: Say) -> tuple[Problem, ...]:
    from ebats.runner.surroundings import code, imports  # `--no-import` is for where time counts, too

    found = imports.try_all(pipeline, say)
    return (*found.problems, *parameters.check(pipeline, found.required), *code.unreached(pipeline))


def _broker(pipeline: Pipeline) -> tuple[Problem, ...]:
    from ebats.runner.surroundings import broker  # kombu

    return broker.look(pipeline)


def _elastic(pipeline: Pipeline) -> tuple[Problem, ...]:
    if not any(isinstance(sink, ElasticSink) for sink in pipeline.sinks):
        return ()
    from ebats.runner.surroundings import elastic  # the package elasticsearch, which few files need

    return elastic.look(pipeline)
