"""The one place that talks to Elasticsearch: a request in, an answer out, nothing tried again."""

import gzip
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import elasticsearch
from elasticsearch.serializer import NdjsonSerializer

from ebats.pipelines.problems import EbatsError
from ebats.pipelines.sink import ElasticSink

# Compatible with 8: servers 8 and 9 take that, from clients 8 and 9. Left to itself, client 9
# asks for 9, which a server 8 refuses (media_type_header_exception).
_MEDIA = "application/vnd.elasticsearch+{}; compatible-with=8"
_JSON = _MEDIA.format("json")
_NDJSON = _MEDIA.format("x-ndjson")
#: Level 9, the client's own, takes five times as long for a tenth less.
_GZIP_LEVEL = 1
#: Smaller bodies aren't worth it.
_GZIP_FROM_BYTES = 1000
_READ = ("type", "reason", "caused_by")
_NO_ERRORS = range(300, 600)
#: A certificate that isn't there, a host that is no URL: what the client finds wrong before it sends.
_OTHERS = (elasticsearch.TransportError, elasticsearch.ApiError, OSError, ValueError, TypeError)


class Away(EbatsError):
    """Raised where no answer came that is one of Elasticsearch; its text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever the status."""

    status: int
    #: Decoded JSON, or a text.
    body: Any
    #: As the server wrote it.
    retry_after: str | None = None

    @property
    def error(self) -> tuple[str, str]:
        """Return type and reason of the error that it tells; empty where it doesn't."""
        found = self.body.get("error") if isinstance(self.body, dict) else None
        if isinstance(found, dict):
            return explained(found)
        return "", str(found or (self.body if isinstance(self.body, str) else ""))[:500]


def explained(error: Mapping[str, Any]) -> tuple[str, str]:
    """Return type and reason of an error, with the reason of its innermost cause."""
    inner = error
    while isinstance(cause := inner.get("caused_by"), dict):
        inner = cause
    reasons = dict.fromkeys(str(each.get("reason") or "") for each in (error, inner))
    return str(error.get("type", "")), ": ".join(filter(None, reasons))


class _AsItIs(NdjsonSerializer):
    """Bodies that are bytes already, compressed or not: nothing is added to them."""

    mimetype = "application/vnd.elasticsearch+x-ndjson"

    def dumps(self, data: Any) -> bytes:
        assert isinstance(data, bytes)
        return data


class Connection:
    """A client of the sink's hosts, made at the first request."""

    def __init__(self, sink: ElasticSink) -> None:
        """Connect to nothing yet."""
        self._sink = sink
        self._client: elasticsearch.Elasticsearch | None = None

    def request(self, method: str, path: str, body: object = None) -> Answer:
        """Send a JSON request.

        Raises:
            Away: no answer.
        """
        headers = {"accept": _JSON}
        if body is not None:
            headers["content-type"] = _JSON
        return self._send(method, path, headers, None if body is None else json.dumps(body).encode())

    def bulk(self, items: list[bytes]) -> Answer:
        """Send items of a bulk request.

        Raises:
            Away: no answer. What was sent may have arrived.
        """
        headers = {"accept": _JSON, "content-type": _NDJSON}
        body = b"".join(items)
        if len(body) >= _GZIP_FROM_BYTES:
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body, _GZIP_LEVEL)
        # What is read of the answer: a whole item is as long as a small document. The error itself
        # names the shard, and for each item another one.
        parts = ("error", "items.*.status", *(f"items.*.error.{part}" for part in _READ))
        path = f"/_bulk?filter_path={','.join(parts)}"
        return self._send("POST", path, headers, body)

    def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        try:
            if self._client is None:
                self._client = _client(self._sink)
            answer = self._client.perform_request(method, path, headers=headers, body=body)
        except elasticsearch.UnsupportedProductError:
            raise Away("what answers there is not Elasticsearch: check `hosts`") from None
        except elasticsearch.SerializationError as error:
            raise Away(f"it answers with what is no JSON: {_short(error)}") from None
        except elasticsearch.SSLError as error:
            hint = "check `ca_certs`, `ca_fingerprint` and `certfile`"
            raise Away(f"no TLS connection: {_short(error)}; {hint}") from None
        except elasticsearch.ConnectionTimeout:
            raise Away(f"no answer within {self._sink.timeout_s:g} s") from None
        except elasticsearch.ConnectionError as error:
            raise Away(f"no connection: {_short(error)}") from None
        except _OTHERS as error:
            raise Away(f"{type(error).__name__}: {_short(error)}") from None
        retry_after = answer.meta.headers.get("retry-after")
        return Answer(status=answer.meta.status, body=answer.body, retry_after=retry_after)


def _client(sink: ElasticSink) -> elasticsearch.Elasticsearch:
    # Servers send them for what is theirs to change: nobody reads them here.
    warnings.filterwarnings("ignore", category=elasticsearch.ElasticsearchWarning)
    options: dict[str, Any] = {
        "api_key": _api_key(sink.api_key),
        "basic_auth": sink.basic_auth,
        "bearer_auth": sink.bearer_auth,
        "ca_certs": sink.ca_certs,
        "client_cert": sink.certfile,
        "client_key": sink.keyfile,
        "ssl_assert_fingerprint": sink.ca_fingerprint,
        "headers": dict(sink.headers) or None,
    }
    client = elasticsearch.Elasticsearch(
        [_with_port(host) for host in sink.hosts],
        request_timeout=sink.timeout_s,
        # Whether and when to try again is decided elsewhere.
        max_retries=0,
        retry_on_timeout=False,
        serializers={_AsItIs.mimetype: _AsItIs()},
        **{key: value for key, value in options.items() if value is not None},
    )
    return client.options(ignore_status=tuple(_NO_ERRORS))


def _api_key(text: str | None) -> str | tuple[str, str] | None:
    """Return a key as the client takes it: Elasticsearch gives it encoded, or as ID:KEY."""
    if text and ":" in text:
        id_, _, key = text.partition(":")
        return id_, key
    return text


def _with_port(url: str) -> str:
    """Return a URL with a port, which the client asks for: without one, the scheme's own."""
    scheme, _, rest = url.partition("://")
    address, slash, path = rest.partition("/")
    if not address.rpartition("]")[2].rpartition(":")[1]:
        address += ":443" if scheme == "https" else ":80"
    return f"{scheme}://{address}{slash}{path}"


def _short(error: Exception) -> str:
    """Return the cause of an error in one line: the client wraps it several times."""
    cause: BaseException = error
    while isinstance(cause, elasticsearch.TransportError) and cause.errors:
        cause = cause.errors[-1]
    text = str(cause.message) if isinstance(cause, elasticsearch.TransportError) else str(cause)
    return " ".join(text.rpartition("object at ")[2].partition(">: ")[2].split() or text.split())[:300]
