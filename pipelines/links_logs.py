"""What a schema can't say about sinks: what goes together, and who may read along."""

import os.path
from urllib.parse import urlsplit

from ebats.pipelines import rules
from ebats.pipelines.loopback import is_loopback
from ebats.pipelines.model import Pipeline
from ebats.pipelines.sink import ElasticSink, FileSink, Sink, StdSink
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values

_LOGINS = ("api_key", "basic_auth", "bearer_auth")


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what doesn't fit in the sinks of a resolved pipeline."""
    places: dict[str, str] = {}
    for sink in pipeline.sinks:
        if isinstance(sink, FileSink):
            _check_place(("logs", sink.name, "file", "path"), sink.path, places, values)
        elif isinstance(sink, ElasticSink):
            path = ("logs", sink.name, "elasticsearch")
            _check_logins(path, values)
            _check_certificates(sink, path, values)
            _check_hosts(sink, path, values)
            if sink.spool is not None:
                _check_place((*path, "spool", "path"), sink.spool, places, values)
        _check_reached(pipeline, sink, values)


def _check_reached(pipeline: Pipeline, sink: Sink, values: Values) -> None:
    """Check that the records of some task come to a sink; on the console, those of the processes may do."""
    chosen = [task.logs.sinks for task in pipeline.tasks.values()]
    is_left_out = bool(chosen) and all(names is not None and sink.name not in names for names in chosen)
    if is_left_out and not isinstance(sink, StdSink) and not values.has_error("tasks"):
        text = f"no record of a task comes to `{sink.name}`: the `logs.sinks` of each leave it out"
        values.problem_at_key(
            rules.UNREACHED_SINK, ("logs", sink.name), text, "name it there, or take it out here"
        )


def _check_place(path: Path, place: str, places: dict[str, str], values: Values) -> None:
    """Check that no two sinks write to one place: each cuts and removes what it takes for its own."""
    if values.has_error(*path) or values.get(*path) is None:
        return  # where it writes isn't known
    name = os.path.normpath(place)
    other = places.setdefault(name, str(path[1]))
    if other != path[1]:
        values.problem(
            rules.SAME_PLACE, path, f"the sink `{other}` writes there already", "give each a path of its own"
        )


def _check_logins(path: Path, values: Values) -> None:
    given = [key for key in _LOGINS if key in values.keys(*path)]
    if len(given) > 1:
        text = f"`{given[0]}` says already who this is"
        values.problem_at_key(rules.BOTH_KEYS, (*path, given[1]), text, "keep one of them")


def _check_certificates(sink: ElasticSink, path: Path, values: Values) -> None:
    if sink.keyfile and not sink.certfile:
        values.problem_at_key(
            rules.LONELY_KEY, (*path, "keyfile"), "`keyfile` stands here without `certfile`", "add it"
        )
    https = any(host.startswith("https:") for host in sink.hosts)
    for key in ("ca_certs", "certfile", "ca_fingerprint"):
        if key in values.keys(*path) and not https:
            text = "no host is reached by TLS, so this is never used"
            values.problem(rules.UNUSED_TLS, (*path, key), text, "write https:// in `hosts`, or take it out")
    if sink.ca_certs and sink.ca_fingerprint:
        text = "with a fingerprint, no certificate is looked at but the one that has it"
        values.problem(
            rules.KEY_WITHOUT_EFFECT, (*path, "ca_certs"), text, "keep one of `ca_certs` and `ca_fingerprint`"
        )


def _check_hosts(sink: ElasticSink, path: Path, values: Values) -> None:
    has_login = bool(sink.api_key or sink.basic_auth or sink.bearer_auth)
    for index, host in values.items(*path, "hosts"):
        if not _is_readable(host):
            hint = "write it as http://localhost:9200"
            values.problem(
                rules.BAD_HOST, (*path, "hosts", index), "the URL's host or port can't be read", hint
            )
        elif has_login and host.startswith("http:") and not is_loopback(urlsplit(host).hostname or ""):
            text = "the login would go over the network as it is, for all to read"
            values.problem(rules.PLAIN_LOGIN, (*path, "hosts", index), text, "write https://")


def _is_readable(url: str) -> bool:
    try:
        # An address in brackets is looked at by the first, a port by the second.
        return urlsplit(url).port != 0
    except ValueError:
        return False
