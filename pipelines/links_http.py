"""What a schema can't say about HTTP callbacks: templates, hosts, statuses, secrets, what goes together."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ebats.pipelines import rules
from ebats.pipelines.allow_hosts import parse as parse_allow_hosts
from ebats.pipelines.http_task import HttpTask, Statuses, is_header_value
from ebats.pipelines.leaves import parts, texts
from ebats.pipelines.model import Event, Pipeline, Task
from ebats.pipelines.source import Path
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.template import Template, named, parse
from ebats.pipelines.url_template import UrlTemplate, parse_url
from ebats.pipelines.values import Values
from ebats.pipelines.webhook_secret import MAKE_ONE, key_of

#: What `{{ ebats.id }}` and the like may name.
OWN_FIELDS = ("id", "task", "event", "queue", "attempt")
#: Written by whoever sends the request, or decided by the connection.
_NOT_OURS = frozenset(
    {
        *("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"),
        *("transfer-encoding", "upgrade", "proxy-connection"),
    }
)
_BODIES = ("json", "form", "body")
#: What the message itself says with `from`; the schema looks at `url`.
_WRITTEN = ("method", "headers", "query", *_BODIES)


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what doesn't fit in the HTTP callbacks of a resolved pipeline."""
    for task in pipeline.tasks.values():
        if task.http:
            _Checks(task, task.http, values).run()
    for event in pipeline.events.values():
        _check_format(event, values)


class _Checks:
    """Checks one task."""

    def __init__(self, task: Task, http: HttpTask, values: Values) -> None:
        self._task = task
        self._http = http
        self._values = values
        self._path: Path = ("tasks", task.name, "http")

    def run(self) -> None:
        self._check_kinds()
        self._check_templates()
        self._check_url()
        self._check_headers()
        self._check_success()
        self._check_secrets()
        self._check_timeouts()

    def _check_kinds(self) -> None:
        keys = self._values.keys(*self._path)
        bodies = [key for key in _BODIES if key in keys]
        if "from" in keys:
            for key in _WRITTEN:
                if key in keys:
                    text = f"with `from` the message says what to send, and `{key}` stands here too"
                    self._values.problem_at_key(rules.BOTH_KEYS, (*self._path, key), text, "keep one of them")
        elif len(bodies) > 1:
            text = f"the request has a body already: `{bodies[0]}`"
            self._values.problem_at_key(rules.BOTH_KEYS, (*self._path, bodies[1]), text, "keep one of them")

    def _check_templates(self) -> None:
        for key in ("headers", "query", "json", "form", "body"):
            for path, text in texts(self._values.get(*self._path, key), (*self._path, key)):
                self._parsed(path, text, parse)
        for path, key in _keys(self._values.get(*self._path, "json"), (*self._path, "json")):
            if "{{" in key:
                text = "a key can't be a template: only values are filled in"
                self._values.problem_at_key(rules.BAD_TEMPLATE, (*path, key), text, "write the key as it is")

    def _check_url(self) -> None:
        path = (*self._path, "url")
        url = self._parsed(path, self._http.url, parse_url) if self._http.url else None
        for index, entry in self._values.items(*self._path, "allow_hosts"):
            try:
                parse_allow_hosts([entry])
            except ValueError as error:
                self._values.problem(
                    rules.BAD_HOST, (*self._path, "allow_hosts", index), "this allows nothing", str(error)
                )
        is_guarded = self._http.pointer is not None or self._http.prepare or not (url and url.is_trusted)
        if self._http.allow_hosts and url and not is_guarded:
            text = "`allow_hosts` says nothing here: the host stands in the `url`, and is trusted"
            self._values.problem_at_key(
                rules.KEY_WITHOUT_EFFECT, (*self._path, "allow_hosts"), text, "take it out"
            )

    def _parsed(self, path: Path, text: str, parser: Callable[[str], Any]) -> Any:
        """Return a template; what is wrong with it is a problem, and None."""
        try:
            parsed = parser(text)
        except ValueError as error:
            self._values.problem(rules.BAD_TEMPLATE, path, "this template can't be read", str(error))
            return None
        template = parsed.template if isinstance(parsed, UrlTemplate) else parsed
        for steps in template.fields:
            if steps[0] == "ebats" and (len(steps) != 2 or steps[1] not in OWN_FIELDS):
                hint = suggest(".".join(steps[1:]), OWN_FIELDS)
                near = hint if hint.startswith("did") else f"there are {', '.join(OWN_FIELDS)}"
                self._values.problem(
                    rules.UNKNOWN_FIELD, path, f"there is nothing called {named(steps)}", near
                )
        return parsed

    def _check_headers(self) -> None:
        seen: set[str] = set()
        for name, text in self._http.headers.items():
            path = (*self._path, "headers", name)
            if name.lower() in _NOT_OURS:
                problem = f"`{name}` is written by the connection itself"
                self._values.problem_at_key(rules.BAD_HEADER, path, problem, "take it out")
            elif name.lower() in seen:
                self._values.problem_at_key(
                    rules.NAMED_TWICE, path, f"`{name}` is here already", "keep one of them"
                )
            elif not is_header_value(text):
                problem = f"`{name}` holds a line end or another control character"
                self._values.problem(rules.BAD_HEADER, path, problem, "take it out: a header is one line")
            seen.add(name.lower())

    def _check_success(self) -> None:
        path = (*self._path, "success")
        both = _common(self._http.success, self._http.final)
        if both is not None and not self._values.has_error(*self._path):
            is_written = "final" in self._values.keys(*self._path)
            at = (*self._path, "final") if is_written else (*path, "status")
            text = f"{both} would be success, and the end of the message too: `final` has it"
            hint = "take it out of one" if is_written else "write `final: []`"
            self._values.problem_at_key(rules.SUCCESS_AND_FINAL, at, text, hint)
        rule = self._http.success_body
        if rule and rule.matches is not None:
            try:
                re.compile(rule.matches)
            except re.error as error:
                hint = f"{error}; a dollar sign is written $$"
                self._values.problem(
                    rules.BAD_REGEX, (*path, "body", "matches"), "this is no regular expression", hint
                )

    def _check_secrets(self) -> None:
        path = (*self._path, "sign", "secret")
        is_text = isinstance(self._values.get(*path), str)
        for index, secret in enumerate(self._http.secrets):
            try:
                key_of(secret)
            except ValueError as error:
                # Never the secret itself.
                at = path if is_text else (*path, index)
                self._values.problem(rules.BAD_SECRET, at, f"this is {error}", MAKE_ONE)

    def _check_timeouts(self) -> None:
        for key, seconds in (("connect", self._http.connect_s), ("read", self._http.read_s)):
            path = (*self._path, "timeout", key)
            limit = self._task.timeout_s
            if self._values.get(*path) and limit is not None and (seconds or 0) > limit:
                text = f"the whole attempt has {limit:g}s, so this is never reached"
                self._values.problem(
                    rules.LONG_TIMEOUT, path, text, "shorten it, or write a longer `timeout` at the task"
                )


def _check_format(event: Event, values: Values) -> None:
    """Check that templates and messages that say what to send get payloads with fields."""
    items = {item.place: item for item in event.tasks}
    for index, _ in values.items("events", event.name, "tasks"):
        path = ("events", event.name, "tasks", index)
        item = items.get(values.source.place(path))
        if item and item.task.http and event.format != "json" and _needs_fields(item.task.http):
            text = f"`{item.task.name}` takes fields of a payload, and format `{event.format}` has none"
            values.problem(
                rules.NOT_FOR_FORMAT, path, text, "take the templates out, or make the payload JSON"
            )


def _needs_fields(http: HttpTask) -> bool:
    written = [http.url, http.body, json.loads(http.json or "null"), http.headers, http.query, http.form]
    found = [steps for value in written for _, text in texts(value, ()) for steps in _fields(text)]
    return http.pointer is not None or any(steps[0] != "ebats" for steps in found)


def _fields(text: str) -> tuple[tuple[str, ...], ...]:
    try:
        parsed: Template = parse(text)
    except ValueError:
        return ()
    return parsed.fields


def _common(first: Statuses, second: Statuses) -> int | None:
    """Return a status that is in both."""
    for low, high in first:
        for other, end in second:
            if max(low, other) <= min(high, end):
                return max(low, other)
    return None


def _keys(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the keys of all mappings inside a value, each with the path of its mapping."""
    for step, inner in parts(value):
        if isinstance(step, str):
            yield path, step
        yield from _keys(inner, (*path, step))
