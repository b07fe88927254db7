"""Make Elasticsearch ready for a sink: its index template, and how long it keeps documents."""

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.advice import advise
from ebats.runner.sinks.elastic.connect import Answer, Away, Connection
from ebats.runner.sinks.elastic_template import DOUBTFUL_TYPES, index_template, template_name, without

_OWNER = "ebats"
_NOT_FOUND, _UNKNOWN_METHOD = 404, 405
_NO_RIGHT = (401, 403)
#: How servers, over the years, name a field type that they don't have.
_NO_TYPE = re.compile(r"(?:mapper type|handler for type) \[(\w+)\]")
_BEYOND_LIMIT = "ignore_dynamic_beyond_limit"
_NO_KEY = re.compile(rf"unknown (?:field|setting) \[[\w.]*?(lifecycle|{_BEYOND_LIMIT})\]")
_NO_API = "no handler found"
_SAME_PRIORITY = "multiple index templates may not match"


class Preparation:
    """Makes things ready once: before anything is sent, or when a command asks for it."""

    def __init__(self, sink: ElasticSink, connection: Connection) -> None:
        """Do nothing yet."""
        self._sink = sink
        self._connection = connection
        self._template = index_template(sink.data_stream, sink.retention_s)
        self.name = template_name(sink.data_stream)
        self.done = False
        #: What was found or made, for people.
        self.results: list[str] = []
        #: What isn't as it should be, and what to do: to be told once.
        self.notes: deque[str] = deque()
        #: Whether one of the notes says that something isn't there that was wanted.
        self.failed = False

    def run(self, *, manage: bool | None = None) -> None:
        """Make it ready; the file's `manage_template` says whether the template is ours, but for `manage`.

        Raises:
            Away: no answer that is final; it can be tried again.
        """
        if self._sink.manage_template if manage is None else manage:
            self._install()
        if self._sink.retention_s is not None:
            self._apply_retention()
        self.done = True

    def _install(self) -> None:
        answer = self._ask("GET", f"/_index_template/{self.name}")
        found = answer.body.get("index_templates") if isinstance(answer.body, dict) else None
        if answer.status >= 300 and answer.status != _NOT_FOUND:
            self._tell_refused("read", answer)
        elif found:
            self._renew(found[0]["index_template"])
        else:
            self._put("installed")

    def _renew(self, found: Mapping[str, Any]) -> None:
        meta = found.get("_meta") or {}
        ours = self._template["_meta"]["version"]
        version = meta.get("version")
        if meta.get("managed_by") != _OWNER or not isinstance(version, int):
            self._fail(
                f"leaves the index template {self.name} as it is, for it is somebody else's (no"
                f" `_meta.managed_by: {_OWNER}`): remove it, or set `manage_template: false`"
            )
        elif version > ours:
            self.results.append(f"index template {self.name}: version {version}, of a newer ebats")
        elif version < ours or _retention(found) != _retention(self._template):
            self._put("renewed")
        else:
            self.results.append(f"index template {self.name}: version {version}, up to date")

    def _put(self, done: str) -> None:
        """Install the template, without what the server doesn't know."""
        missing: list[str] = []
        while True:
            answer = self._ask("PUT", f"/_index_template/{self.name}", without(self._template, missing))
            if answer.status < 300:
                break
            unknown = _unknown(answer) - {*missing}
            if not unknown:
                self._tell_refused("install", answer)
                return
            missing += sorted(unknown)
        self.results.append(
            f"index template {self.name}: {done}, version {self._template['_meta']['version']}"
        )
        if missing:
            self.notes.append(f"does without what this server doesn't know: {', '.join(missing)}")

    def _apply_retention(self) -> None:
        """Let the data stream, where it is there already, keep documents as long as the file says."""
        stream = self._sink.data_stream
        path = f"/_data_stream/{stream}/_lifecycle"
        wanted = _retention(self._template)
        answer = self._ask("GET", path)
        if answer.status == _NOT_FOUND:
            return  # It will be made by the template.
        if answer.status < 300:
            streams = answer.body.get("data_streams") or [{}]
            if (streams[0].get("lifecycle") or {}).get("data_retention") == wanted:
                self.results.append(f"data stream {stream}: keeps documents for {wanted}")
                return
            answer = self._ask("PUT", path, {"data_retention": wanted})
        if answer.status < 300:
            self.results.append(f"data stream {stream}: keeps documents for {wanted} from now on")
        elif answer.status == _UNKNOWN_METHOD or _NO_API in answer.error[1]:
            self.notes.append(
                "can't say how long documents are kept: this server has no data-stream lifecycle, so"
                " delete them yourself, or by an ILM policy"
            )
        elif answer.status in _NO_RIGHT:
            self._fail(
                f"may not say that {stream} keeps documents for {wanted}: that needs the index privilege"
                f" manage_data_stream_lifecycle; {_said(answer)}"
            )
        else:
            self._fail(f"can't say how long documents are kept; {_said(answer)}")

    def _tell_refused(self, what: str, answer: Answer) -> None:
        hint = "look at the template by hand, and set `manage_template: false`"
        if answer.status in _NO_RIGHT:
            hint = (
                "that needs the cluster privilege manage_index_templates; let somebody who has it run"
                " `ebats logs FILE --setup`, and set `manage_template: false`"
            )
        elif _SAME_PRIORITY in json.dumps(answer.body):
            hint = "another template matches the data stream with the same priority: remove one of them"
        self._fail(f"can't {what} the index template {self.name}: {hint}; {_said(answer)}")

    def _fail(self, note: str) -> None:
        self.notes.append(note)
        self.failed = True

    def _ask(self, method: str, path: str, body: object = None) -> Answer:
        answer = self._connection.request(method, path, body)
        if answer.status == 429 or answer.status >= 500:
            raise Away(advise(answer.status, *answer.error, self._sink.data_stream))
        return answer


def _unknown(answer: Answer) -> set[str]:
    """Return what of the template a server says it doesn't know."""
    text = json.dumps(answer.body)
    return ({*_NO_TYPE.findall(text)} & DOUBTFUL_TYPES) | {*_NO_KEY.findall(text)}


def _retention(template: Mapping[str, Any]) -> str | None:
    lifecycle = (template.get("template") or {}).get("lifecycle") or {}
    found: str | None = lifecycle.get("data_retention")
    return found


def _said(answer: Answer) -> str:
    type_, reason = answer.error
    return f"it says {answer.status} {type_}: {reason}"[:500]
