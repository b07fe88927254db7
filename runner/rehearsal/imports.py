"""The modules of a file's own functions: found from its folder, and forgotten when its tests are over."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def importing(folders: tuple[str, ...]) -> Iterator[None]:
    """Let modules be found as a consumer process finds them, from a pipeline's folders first.

    At the end those from there are forgotten: another file may have others of the same names. Inside of
    another `importing` of the same folders this does nothing, so that they are imported once for all cases.
    """
    if (*sys.path[: len(folders)],) == folders:
        yield
        return
    before = set(sys.modules)
    sys.path[:0] = folders
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for folder in folders:
            sys.path.remove(folder)
        for name in sys.modules.keys() - before:
            if _is_in(folders, getattr(sys.modules[name], "__file__", None)):
                del sys.modules[name]


def _is_in(folders: tuple[str, ...], file: str | None) -> bool:
    return file is not None and any(Path(folder) in Path(file).parents for folder in folders)
