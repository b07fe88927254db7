"""From checked data to sinks: defaults are filled in, paths made absolute."""

from ebats.pipelines.sink import (
    Batch,
    ElasticSink,
    Exposure,
    FileSink,
    PythonSink,
    Sink,
    StdSink,
    TaskLogs,
)
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values

#: Without a name in the file.
DATA_STREAM = "logs-ebats-default"
PAYLOAD_LIMIT = 4000
_ROTATION_BYTES = 1_000_000
_MINUTE_MS = 60_000
_SPOOL_BYTES = 10_000_000
_SPOOL_SIZE = 1_000_000_000


def resolve_logs(values: Values) -> tuple[Sink, ...]:
    """Return the file's sinks, or standard output where it has none."""
    return tuple(_sink(values, name) for name in values.keys("logs")) or (StdSink(name="std"),)


def resolve_task_logs(values: Values, task: str) -> TaskLogs:
    """Return what a task changes about its records."""
    path: Path = ("tasks", task, "logs")
    known = {name: name for name in values.keys("logs")}
    has_sinks = "sinks" in values.keys(*path)
    return TaskLogs(
        level=values.get(*path, "level"),
        payload=values.get(*path, "payload"),
        sinks=values.references(*path, "sinks", kind="log", known=known) if has_sinks else None,
    )


def _sink(values: Values, name: str) -> Sink:
    keys = values.keys("logs", name)
    if python := values.entry_point("logs", name, "python"):
        return PythonSink(name=name, python=python, level=values.get("logs", name, "level") or "info")
    if "file" in keys:
        return _file(values, name, ("logs", name, "file"))
    if "elasticsearch" in keys:
        return _elastic(values, name, ("logs", name, "elasticsearch"))
    path = ("logs", name, "std")
    return StdSink(
        name=name,
        level=values.get(*path, "level") or "info",
        format=values.get(*path, "format") or "human",
        exposure=_exposure(values, path),
    )


def _file(values: Values, name: str, path: Path) -> FileSink:
    retention = values.get(*path, "retention")
    rotates_by_time = _is_duration(values.get(*path, "rotation"))
    expires = isinstance(retention, str)
    return FileSink(
        name=name,
        path=values.file_path(*path, "path") or "",
        level=values.get(*path, "level") or "info",
        format=values.get(*path, "format") or "json",
        rotation=None if rotates_by_time else values.size(*path, "rotation", low=_ROTATION_BYTES),
        rotation_s=_seconds(values, (*path, "rotation"), _MINUTE_MS) if rotates_by_time else None,
        retention=int(retention) if retention and not expires else None,
        retention_s=_seconds(values, (*path, "retention"), _MINUTE_MS) if expires else None,
        compression=values.get(*path, "compression"),
        exposure=_exposure(values, path),
    )


def _elastic(values: Values, name: str, path: Path) -> ElasticSink:
    user, password = values.get(*path, "basic_auth", "user"), values.get(*path, "basic_auth", "password")
    return ElasticSink(
        name=name,
        hosts=tuple(host for _, host in values.items(*path, "hosts")),
        api_key=values.get(*path, "api_key"),
        basic_auth=(user, password) if user and password else None,
        bearer_auth=values.get(*path, "bearer_auth"),
        ca_certs=values.file_path(*path, "ca_certs"),
        certfile=values.file_path(*path, "certfile"),
        keyfile=values.file_path(*path, "keyfile"),
        ca_fingerprint=values.get(*path, "ca_fingerprint"),
        data_stream=values.get(*path, "data_stream") or DATA_STREAM,
        retention_s=_seconds(values, (*path, "retention"), 3_600_000),
        level=values.get(*path, "level") or "info",
        exposure=_exposure(values, path),
        manage_template=values.get(*path, "manage_template") is not False,
        batch=_batch(values, (*path, "batch")),
        timeout_s=values.seconds(*path, "timeout", default="30s", low=100),
        spool=values.file_path(*path, "spool", "path"),
        spool_size=values.size(*path, "spool", "size", low=_SPOOL_BYTES) or _SPOOL_SIZE,
        headers={key: values.get(*path, "headers", key) or "" for key in values.keys(*path, "headers")},
        place=values.source.place((*path, "hosts")),
    )


def _batch(values: Values, path: Path) -> Batch:
    records = values.get(*path, "records")
    return Batch(
        records=int(records) if records else 500,
        size=values.size(*path, "size", low=1000) or 1_000_000,
        wait_s=values.seconds(*path, "wait", default="1s", high=60_000),
    )


def _exposure(values: Values, path: Path) -> Exposure:
    return Exposure(
        payload=values.get(*path, "payload") or "none",
        limit=values.size(*path, "payload_limit", low=0) or PAYLOAD_LIMIT,
        mask=tuple(key for _, key in values.items(*path, "mask")),
    )


def _seconds(values: Values, path: Path, low_ms: int) -> float | None:
    return None if values.get(*path) is None else values.seconds(*path, default="0s", low=low_ms, high=10**12)


def _is_duration(text: object) -> bool:
    """Return whether `rotation` is a time; sizes end in B."""
    return isinstance(text, str) and not text.endswith("B")
