"""Tasks that neither the file nor the code beside it speaks of: nobody seems to run them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ebats.pipelines import reach, rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem

_SUFFIXES = frozenset({".py", ".js", ".ts", ".sh"})
#: Where other people's code lies.
_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__"})
_MOST_FILES = 500
_MOST_BYTES = 1_000_000


def unreached(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield a problem for each task that nothing leads to, and that no code in the file's folders names."""
    tasks = {task.name: task for task in reach.unreached(pipeline)}
    for content in _contents(pipeline) if tasks else ():
        for name in [name for name in tasks if f'"{name}"' in content or f"'{name}'" in content]:
            del tasks[name]
    for task in tasks.values():
        yield Problem(
            place=task.place,
            rule=rules.UNREACHED_TASK,
            text=f"no event leads to `{task.name}`, and nothing here addresses it",
            hint="add it to the `tasks` of an event, unless other programs address it",
        )


def _contents(pipeline: Pipeline) -> Iterator[str]:
    """Yield the code in the folders of a file, and in those right inside of them."""
    for folder in pipeline.folders:
        for path in islice(_files(Path(folder)), _MOST_FILES):
            try:
                if path.stat().st_size <= _MOST_BYTES:
                    yield path.read_text("utf-8", errors="replace")
            except OSError:
                continue  # somebody else's, or gone: it says nothing


def _files(folder: Path) -> Iterator[Path]:
    for pattern in ("*", "*/*"):
        for path in folder.glob(pattern):
            is_ours = not any(part in _OTHERS or part.startswith(".") for part in path.parts[-2:])
            if is_ours and path.suffix in _SUFFIXES and path.is_file():
                yield path
