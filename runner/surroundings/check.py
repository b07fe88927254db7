"""The looks at what is around a good file, each of which can be left out: what isn't as it needs it."""

from collections.abc import Callable, Iterator

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem

#: Is told what takes long: a level and a text.
Say = Callable[[str, str], None]
Look = Callable[[Pipeline], tuple[Problem, ...]]


def looks(say: Say, *, imports: bool) -> Iterator[Look]:
    """Yield what looks at a pipeline's surroundings, the quick ones first.

    `imports`: its Python functions are imported, in a process of their own.
    """
    if imports:
        yield lambda pipeline: _imports(pipeline, say)


def _imports(pipeline: Pipeline, say: Say) -> tuple[Problem, ...]:
    from ebats.runner.surroundings import imports  # `--no-import` is for where time counts, too

    return imports.try_all(pipeline, say).problems
