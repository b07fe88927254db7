"""Makes `sqlite:///` known to kombu, without importing kombu for programs that don't."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_TRANSPORTS = "kombu.transport"
#: By name only: it is imported when somebody opens such a URL.
_TRANSPORT = "ebats.runner.broker.sqlite:Transport"


def announce() -> None:
    """Let kombu know the transport: at once where it is imported, else as soon as it is.

    kombu takes a third of the time in which `ebats validate` starts, and has no
    other way to tell it about a transport before it is there.
    """
    if module := sys.modules.get(_TRANSPORTS):
        _add(module)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds nothing itself: waits until the module with the table of transports is looked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _TRANSPORTS:
            return None
        sys.meta_path.remove(self)
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next((found for found in others if found), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_and_add(module: ModuleType) -> None:
                execute(module)
                _add(module)

            spec.loader.exec_module = execute_and_add  # type: ignore[method-assign]
        return spec


def _add(module: ModuleType) -> None:
    module.TRANSPORT_ALIASES["sqlite"] = _TRANSPORT
