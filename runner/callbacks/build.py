"""Building the request that a file describes, from a payload. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from ebats.pipelines.http_task import HttpTask, Scalar, is_header_value
from ebats.pipelines.json_template import Fill, compile_json
from ebats.pipelines.model import Format
from ebats.pipelines.template import Unfilled, parse, written
from ebats.pipelines.url_template import parse_url
from ebats.runner.callbacks.request import BadRequest, Request, with_query

#: Nothing is expected in them, https://www.rfc-editor.org/rfc/rfc9110#section-9.3
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

CONTENT_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "bytes": "application/octet-stream",
}
_FORM = "application/x-www-form-urlencoded"


class Message(msgspec.Struct, frozen=True):
    """What a request is built from."""

    id: str
    attempt: int
    payload: object
    body: bytes
    content_type: str
    #: What `{{ ebats.id }}` and the like stand for.
    own: Mapping[str, object]


class Builder:
    """Builds the requests of one task, whose templates it has read."""

    def __init__(self, http: HttpTask) -> None:
        """Read the templates.

        Raises:
            ValueError: one can't be read; the checks of a file know that before.
        """
        self._method = http.method
        self._url = parse_url(http.url)
        self._headers = {name: parse(text) for name, text in http.headers.items()}
        self._content_type = any(name.lower() == "content-type" for name in http.headers)
        self._query = _compiled(http.query)
        self._json = None if http.json is None else compile_json(json.loads(http.json))
        self._form = None if http.form is None else _compiled(http.form)
        self._body = None if http.body is None else parse(http.body)
        #: Whether a template names what isn't the payload's: `{{ ebats.id }}`.
        self.uses_own = any("ebats" in text for text in _texts(http))

    def build(self, message: Message) -> Request:
        """Return the request.

        Raises:
            BadRequest: the payload lacks something, or what it has can't stand where it is to.
        """
        scope = message.payload
        if self.uses_own:
            fields = scope if isinstance(scope, dict) else {}
            scope = {**fields, "ebats": message.own}
        try:
            content_type, body = self._built_body(scope, message)
            headers = {name: template.fill(scope) for name, template in self._headers.items()}
            url = self._url.fill(scope)
            query = [(name, _as_text(name, fill(scope))) for name, fill in self._query.items()]
        except Unfilled as error:
            raise BadRequest(str(error)) from None
        for name, value in headers.items():
            if not is_header_value(value):
                raise BadRequest(f"the header {name} would hold a line end or another control character")
        if content_type and not self._content_type:
            headers["Content-Type"] = content_type
        return Request(
            method=self._method,
            url=with_query(url, urlencode(query, quote_via=quote)),
            headers=headers,
            body=body,
            id=message.id,
            attempt=message.attempt,
            trusted=self._url.is_trusted,
        )

    def _built_body(self, scope: object, message: Message) -> tuple[str | None, bytes | None]:
        if self._json:
            return CONTENT_TYPES["json"], msgspec.json.encode(self._json(scope))
        if self._form is not None:
            pairs = [(name, _as_text(name, fill(scope))) for name, fill in self._form.items()]
            return _FORM, urlencode(pairs).encode()
        if self._body:
            return CONTENT_TYPES["text"], self._body.fill(scope).encode()
        if self._method in _WITHOUT_BODY:
            return None, None
        return message.content_type, message.body


def _compiled(values: Mapping[str, Scalar]) -> dict[str, Fill]:
    return {name: compile_json(value) for name, value in values.items()}


def _as_text(name: str, value: Any) -> str:
    text = written(value)
    if text is None:
        raise Unfilled(f"the value of {name!r} would be nothing, a list or a mapping")
    return text


def _texts(http: HttpTask) -> list[str]:
    scalars = [*http.query.values(), *(http.form or {}).values()]
    return [http.url, http.json or "", http.body or "", *http.headers.values(), *map(str, scalars)]
