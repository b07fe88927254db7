"""Secrets that stand in the file itself, where everybody reads them who reads the file."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ebats.pipelines import rules
from ebats.pipelines.loopback import is_loopback
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values

_HINT = "put it into a variable, such as ${%s}"
#: What every broker has until somebody changes it.
_DEFAULTS = frozenset({"", "guest"})
_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})
#: The key of a robot's URL, and the end of that of a hook of Slack's.
_IN_QUERY = re.compile(r"[?&](?:key|access_token|token|sign)=[^&]|://hooks\.slack\.com/.", re.IGNORECASE)


def check(values: Values) -> None:
    """Note in `values.problems` which secrets stand in the file as they are.

    Those of services on this machine alone are none worth a word, nor are defaults.
    """
    for path, what, variable in _all(values):
        text = values.get(*path)
        is_plain = isinstance(text, str) and path not in values.source.filled and "{{" not in text
        if is_plain and text not in _DEFAULTS and not values.has_error(*path):
            said = f"{what} stands here for everybody who reads the file"
            values.problem(rules.PLAIN_SECRET, path, said, _HINT % variable)


Secret = tuple[Path, str, str]


def _all(values: Values) -> Iterator[Secret]:
    """Yield where secrets stand, what each is, and what a variable for it may be called."""
    yield from _of_broker(values)
    for name in values.keys("producers"):
        yield from _of_gateway(values, ("producers", name, "http"))
    for name in values.keys("tasks"):
        path: Path = ("tasks", name, "http")
        yield from _each(values, (*path, "sign", "secret"), "a secret for signatures", "SIGN_SECRET")
        yield from _of_headers(values, (*path, "headers"))
        yield from _of_url(values, (*path, "url"))
    for name in values.keys("logs"):
        yield from _of_elastic(values, ("logs", name, "elasticsearch"))
    for name in values.keys("alerts", "channels"):
        yield from _of_channel(values, ("alerts", "channels", name))


def _of_broker(values: Values) -> Iterator[Secret]:
    if not is_loopback(values.get("broker", "host") or "localhost"):
        yield ("broker", "password"), "the broker's password", "BROKER_PASSWORD"
    for path, url in _texts(values, ("broker", "url")):
        password = _password(url)
        if password is not None and password not in _DEFAULTS and not is_loopback(_host(url)):
            yield path, "the broker's password", "EBATS_BROKER_URL"


def _of_gateway(values: Values, path: Path) -> Iterator[Secret]:
    if not values.keys(*path) or is_loopback(
        (values.get(*path, "listen") or "127.0.0.1:").rpartition(":")[0]
    ):
        return
    bearer = (*path, "auth", "bearer")
    yield from _each(values, bearer, "a token", "GATEWAY_TOKEN")
    for index, item in values.items(*bearer):
        if isinstance(item, dict):
            yield (*bearer, index, "token"), "a token", "GATEWAY_TOKEN"
    yield from _each(values, (*path, "auth", "secret"), "a secret for signatures", "GATEWAY_SECRET")


def _of_elastic(values: Values, path: Path) -> Iterator[Secret]:
    hosts = [host for _, host in values.items(*path, "hosts")]
    if all(is_loopback(_host(host)) for host in hosts):
        return
    yield (*path, "api_key"), "an API key", "ELASTIC_API_KEY"
    yield (*path, "basic_auth", "password"), "a password", "ELASTIC_PASSWORD"
    yield (*path, "bearer_auth"), "a token", "ELASTIC_TOKEN"
    yield from _of_headers(values, (*path, "headers"))


def _of_channel(values: Values, path: Path) -> Iterator[Secret]:
    if not is_loopback(values.get(*path, "email", "host") or ""):
        yield (*path, "email", "password"), "a password", "SMTP_PASSWORD"
    for kind in ("wecom", "webhook"):
        yield from _of_url(values, (*path, kind, "url"))
    if not is_loopback(_host(values.get(*path, "webhook", "url") or "")):
        yield (*path, "webhook", "secret"), "a secret for signatures", "WEBHOOK_SECRET"
        yield from _of_headers(values, (*path, "webhook", "headers"))


def _of_headers(values: Values, path: Path) -> Iterator[Secret]:
    for name in values.keys(*path):
        if name.lower() in _HEADERS:
            yield (*path, name), f"what `{name}` tells", name.upper().replace("-", "_")


def _of_url(values: Values, path: Path) -> Iterator[Secret]:
    for where, url in _texts(values, path):
        if (_password(url) is not None or _IN_QUERY.search(url)) and not is_loopback(_host(url)):
            yield where, "the key in a URL", "HOOK_URL"


def _each(values: Values, path: Path, what: str, variable: str) -> Iterator[Secret]:
    yield from ((where, what, variable) for where, _ in _texts(values, path))


def _texts(values: Values, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield a text, or those of a list."""
    if isinstance(found := values.get(*path), str):
        yield path, found
    yield from (((*path, index), item) for index, item in values.items(*path) if isinstance(item, str))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None
