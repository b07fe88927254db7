"""The author's function that has the last word on a request: `prepare` of the file."""

import asyncio
import re
from collections.abc import Coroutine, Mapping
from typing import Any

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.http_task import is_header_value
from ebats.runner.callbacks.request import BadRequest, Request, as_url
from ebats.runner.execution.call import find, is_async

#: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class BadPrepare(Exception):
    """Raised when the function fails; `cause` is what it raised."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Prepare:
    """Calls a function with payload and request, and looks at what it returns."""

    def __init__(self, entry: EntryPoint) -> None:
        """Import it.

        Raises:
            BadEntryPoint: it can't be.
        """
        self._function = find(entry)
        self._is_async = is_async(self._function)
        self._name = str(entry)

    async def __call__(self, payload: object, request: Request) -> Request:
        """Return the request that is to be sent. A sync function runs on a thread.

        Raises:
            BadRequest: it is no request that can be sent.
            BadPrepare: the function raised something.
        """
        before = as_url(request.url).origin() if request.trusted else None
        if self._is_async:
            try:
                found = await self._function(payload, request)
            except asyncio.CancelledError:
                raise  # by the time-out, or of its own making: who called knows which
            except BaseException as error:
                raise BadPrepare(error) from error
        else:
            found = await _to_its_end(asyncio.to_thread(self._call, payload, request))
            if isinstance(found, BadPrepare):
                raise found from found.cause
        prepared = self._checked(found)
        # Another host than the file's may have come from the payload.
        prepared.trusted = before is not None and as_url(prepared.url).origin() == before
        return prepared

    def _call(self, payload: object, request: Request) -> object:
        # On the thread: StopIteration, SystemExit and the like never come out of a future as they are.
        try:
            return self._function(payload, request)
        except BaseException as error:
            return BadPrepare(error)

    def _checked(self, found: object) -> Request:
        if not isinstance(found, Request):
            raise BadRequest(f"{self._name} returned {type(found).__name__}, and has to return the request")
        body: object = found.body
        if isinstance(body, str):
            found.body = body.encode()
        elif body is not None and not isinstance(body, bytes):
            raise BadRequest(f"{self._name} made a body of {type(body).__name__}: bytes are sent")
        method: object = found.method
        if not isinstance(method, str) or not _TOKEN.fullmatch(method):
            raise BadRequest(f"{self._name} made {method!r:.60} the method")
        url: object = found.url
        if not isinstance(url, str):
            raise BadRequest(f"{self._name} made a URL of {type(url).__name__}: it is a text")
        self._check_headers(found.headers)
        return found

    def _check_headers(self, headers: object) -> None:
        if not isinstance(headers, Mapping):
            raise BadRequest(f"{self._name} made headers of {type(headers).__name__}: they are a mapping")
        for name, value in headers.items():
            if not isinstance(name, str) or not _TOKEN.fullmatch(name):
                raise BadRequest(f"{self._name} wrote {name!r:.60}, which is no name of a header")
            if not isinstance(value, str) or not is_header_value(value):
                raise BadRequest(f"{self._name} wrote a header {name} that is no text of one line")


async def _to_its_end(call: Coroutine[Any, Any, object]) -> object:
    """Wait for what a thread does, also when that is late: a thread can't be cancelled.

    One that never ends costs its process then, as with any task: a few of them would have all threads.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
