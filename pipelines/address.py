"""The `broker` section as an address: URLs with everything in them, paths made absolute."""

from collections.abc import Iterator
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ebats.pipelines import rules
from ebats.pipelines.model import Broker
from ebats.pipelines.resolve_tls import resolve_tls
from ebats.pipelines.source import Path
from ebats.pipelines.tls import Tls
from ebats.pipelines.values import Values

_PARTS = ("host", "port", "user", "password", "vhost")
_HOUR_MS = 3_600_000
#: Leases last for a share of it: not less than a broker needs to make one, nor more than it can wait.
_SHORTEST_LIMIT_MS = 5_000
_LONGEST_LIMIT_MS = 90 * 24 * _HOUR_MS


def resolve_broker(values: Values, name: str) -> Broker:
    """Return how the broker is reached; by default the embedded one, in `NAME.db` beside the file."""
    urls = tuple(_urls(values, name))
    is_embedded = bool(urls) and urls[0].startswith("sqlite:")
    tls = resolve_tls(values, ("broker", "tls"))
    if tls is None and urls and urls[0].startswith("amqps:"):
        tls = Tls()
    limit_s = values.seconds_or_none(
        "broker", "consumer_timeout", default="30m", low=_SHORTEST_LIMIT_MS, high=_LONGEST_LIMIT_MS
    )
    return Broker(
        urls=urls,
        login_method=values.get("broker", "login_method"),
        locale=values.get("broker", "locale"),
        connect_timeout_s=_seconds(values, "connect_timeout", "20s"),
        read_timeout_s=_seconds(values, "read_timeout", "120s"),
        write_timeout_s=_seconds(values, "write_timeout", "120s"),
        keepalive=values.get("broker", "keepalive") is not False,
        heartbeat_s=_heartbeat(values),
        declare=values.get("broker", "declare") or "always",
        # The embedded one takes nothing back from a living process. Leases are none the better: there, they
        # go by the machine's clock, and where that is set ahead a task would run beside itself.
        consumer_timeout_s=None if is_embedded else limit_s,
        tls=None if is_embedded else tls,
        place=values.source.key_place(("broker",)),
    )


def _seconds(values: Values, key: str, default: str) -> float:
    return values.seconds("broker", key, default=default, high=_HOUR_MS)


def _heartbeat(values: Values) -> int:
    seconds = values.seconds("broker", "heartbeat", default="30s", low=1000, high=_HOUR_MS)
    if not seconds.is_integer():
        values.problem(
            rules.OUT_OF_BOUNDS,
            ("broker", "heartbeat"),
            "a heartbeat is a number of whole seconds",
            "write 1s, 2s, ...",
        )
    return int(seconds)


def _urls(values: Values, name: str) -> Iterator[str]:
    written = values.get("broker", "url")
    parts = [key for key in values.keys("broker") if key in _PARTS]
    if "url" in values.keys("broker"):
        if parts:
            text = f"`{parts[0]}` and `url` both say where the broker is"
            values.problem_at_key(rules.BOTH_KEYS, ("broker", parts[0]), text, "keep one of them")
        paths: list[Path] = [("broker", "url", index) for index, _ in values.items("broker", "url")]
        paths = paths or [("broker", "url")]
        _check_alike(values, paths)
        for path in paths if written else ():
            yield _url(values, path)
    elif parts:
        yield _built(values, parts)
    else:
        yield _sqlite(values, (), f"{name}.db")


def _check_alike(values: Values, paths: list[Path]) -> None:
    schemes = [str(values.get(*path)).partition(":")[0] for path in paths]
    for path, scheme in list(zip(paths, schemes, strict=True))[1:]:
        if scheme != schemes[0]:
            text = f"the URLs are of two kinds, `{schemes[0]}` and `{scheme}`"
            values.problem(rules.BAD_URL, path, text, "a list is for several addresses of one broker")
        elif scheme == "sqlite":
            values.problem(
                rules.BAD_URL, path, "there are several files", "an embedded broker is one file; keep one"
            )


def _split(written: str) -> SplitResult | None:
    """Return the parts of a URL; None: its host or port can't be read."""
    try:
        url = urlsplit(written)
        return url if url.hostname and url.port != 0 else None
    except ValueError:
        return None


def _url(values: Values, path: Path) -> str:
    written = str(values.get(*path))
    if written.startswith("sqlite:"):
        file = unquote(written.removeprefix("sqlite:///"))
        if file.startswith(":memory:"):
            hint = "name a file, such as sqlite:///queue.db"
            values.problem(
                rules.BAD_URL, path, "an embedded broker in memory would be each process's own", hint
            )
        return _sqlite(values, path, file)
    # What the parts hold stays out of the messages: a password may be in any of them.
    url = _split(written)
    if url is None:
        hint = "write amqp://user:password@host:5672/vhost, with %40 for an @ in the password"
        values.problem(rules.BAD_URL, path, "the URL's host or port can't be read", hint)
    elif url.query or url.fragment:
        hint = "settings are keys of `broker`; write %3F or %23 for these characters in a password"
        values.problem(rules.BAD_URL, path, "the URL has a `?` or a `#`", hint)
    return written


def _sqlite(values: Values, path: Path, file: str) -> str:
    return "sqlite:///" + quote(str(values.source.folder(path) / file))


def _built(values: Values, parts: list[str]) -> str:
    if "host" not in parts:
        values.problem_at_key(
            rules.LONELY_KEY, ("broker", parts[0]), f"`{parts[0]}` stands here without `host`", "add the host"
        )
    host, port, user, password, vhost = (values.get("broker", key) for key in _PARTS)
    host = f"[{host}]" if host and ":" in host else host
    scheme = "amqps" if "tls" in values.keys("broker") else "amqp"
    login = f"{quote(user or 'guest', safe='')}:{quote(password or 'guest', safe='')}"
    address = f"{host}:{int(port)}" if port else host
    return f"{scheme}://{login}@{address}/{quote(vhost or '/', safe='')}"
