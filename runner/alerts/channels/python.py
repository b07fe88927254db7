"""Notices given to a Python function, one by one, as plain dicts."""

import asyncio
import inspect
import sys
from collections.abc import Callable

import msgspec

from ebats.pipelines.alerts import PythonChannel
from ebats.runner.alerts.channels.channel import ChannelError
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import line
from ebats.runner.execution.call import BadEntryPoint, find

_LONGEST_TEXT = 300
#: How often a function gets a notice that it raises for: those behind it wait meanwhile.
_ATTEMPTS = 3


class Python:
    """Calls the function in the thread of its channel: one that hangs holds up this channel alone."""

    def __init__(self, channel: PythonChannel, folder: str) -> None:
        """Look for the function relative to `folder`, at the first notice."""
        self.name = channel.name
        self._entry = channel.python
        self._folder = folder
        self._function: Callable[..., object] | None = None
        self._failures = 0

    def send(self, notices: list[Notice]) -> None:
        """Call the function for each notice.

        Raises:
            ChannelError: it raised, or can't be imported: what it didn't take may be tried again.
        """
        function = self._loaded(notices)
        for position, notice in enumerate(notices):
            try:
                _call(function, as_dict(notice))
            except BaseException as error:  # also a sys.exit() in there is only this channel's failure
                raise self._failed(error, notices[position:]) from None
            self._failures = 0

    def close(self) -> None:
        """Do nothing: a function holds nothing of ours."""

    def _failed(self, error: BaseException, left: list[Notice]) -> ChannelError:
        self._failures += 1
        if self._failures < _ATTEMPTS:
            return ChannelError(_told(error), rest=left)
        self._failures = 0
        return ChannelError(_told(error), refused=left[:1], rest=left[1:])

    def _loaded(self, notices: list[Notice]) -> Callable[..., object]:
        if self._function is None:
            if self._folder not in sys.path:
                sys.path.insert(0, self._folder)
            try:
                self._function = find(self._entry)
            except BadEntryPoint as error:
                raise ChannelError(line(str(error), _LONGEST_TEXT), refused=notices) from None
        return self._function


def as_dict(notice: Notice) -> dict[str, object]:
    """Return a notice as a dict of what JSON can hold; what it doesn't say is None, or empty."""
    found: dict[str, object] = msgspec.json.decode(msgspec.json.encode(notice))
    names = (name for name in Notice.__struct_fields__ if name not in found)
    missing = {name: getattr(notice, name) for name in names}
    return {name: [] if one == () else one for name, one in missing.items()} | found


def _call(function: Callable[..., object], notice: dict[str, object]) -> None:
    found = function(notice)
    if inspect.iscoroutine(found):
        asyncio.run(found)


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    return line(f"{type(error).__name__}: {text}" if text else type(error).__name__, _LONGEST_TEXT)
