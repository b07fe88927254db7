"""Where records go, as values: the sinks of the file, and what a task changes about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.problems import Place

Level = Literal["debug", "info", "warning", "error"]
#: Nothing of a payload, the names of its keys, or all of it.
PayloadMode = Literal["none", "keys", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What a sink gets to see of payloads and results, and which keys stay hidden everywhere."""

    payload: PayloadMode = "none"
    #: Bytes of JSON that a payload, or a result, may have in a record.
    limit: int = 4000
    #: Keys whose values are never written, wherever they stand.
    mask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLogs:
    """What a task changes about its own records; None: as the sinks have it."""

    level: Level | None = None
    payload: PayloadMode | None = None
    #: The only sinks, by name, that get them.
    sinks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StdSink:
    """Records on standard output, one line each: for people, or as JSON."""

    name: str
    level: Level = "info"
    format: Literal["human", "json", "ecs"] = "human"
    exposure: Exposure = Exposure()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """Records as JSON lines in a file that is rotated."""

    name: str
    #: Absolute.
    path: str
    level: Level = "info"
    #: The project's own record, or a document of the Elastic Common Schema.
    format: Literal["json", "ecs"] = "json"
    #: Bytes, or seconds, after which a new file is begun; None: never.
    rotation: int | None = None
    rotation_s: float | None = None
    #: How many rotated files are kept, and for how long; None: all, and for ever.
    retention: int | None = None
    retention_s: float | None = None
    #: What rotated files are packed with.
    compression: Literal["gz"] | None = None
    exposure: Exposure = Exposure()


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonSink:
    """Records, with payload and result, given to a Python function one by one."""

    name: str
    python: EntryPoint
    level: Level = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """When records that wait are sent: at the first of these."""

    records: int = 500
    #: In bytes.
    size: int = 1_000_000
    wait_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticSink:
    """Records as documents of a data stream in Elasticsearch."""

    name: str
    hosts: tuple[str, ...]
    api_key: str | None = None
    #: User and password.
    basic_auth: tuple[str, str] | None = None
    bearer_auth: str | None = None
    #: Absolute paths; without `ca_certs`, the system's.
    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    #: SHA-256 of a certificate of the server's chain, in hexadecimal.
    ca_fingerprint: str | None = None
    data_stream: str = "logs-ebats-default"
    #: Seconds after which a document may be deleted; None: never.
    retention_s: float | None = None
    level: Level = "info"
    exposure: Exposure = Exposure()
    manage_template: bool = True
    batch: Batch = Batch()
    #: Of one request.
    timeout_s: float = 30.0
    #: A folder, absolute; None: beside the state files.
    spool: str | None = None
    #: Bytes on disk that may wait.
    spool_size: int = 1_000_000_000
    #: Header name to value.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Of `hosts`.
    place: Place | None = field(default=None, compare=False)


Sink = StdSink | FileSink | PythonSink | ElasticSink
