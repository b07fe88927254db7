"""A Kibana that saved objects are imported into: one request, and in words what came of it."""

import base64
import http.client
import json
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from ebats import __version__
from ebats.pipelines.problems import EbatsError, UsageError
from ebats.runner.sinks.people import escaped

_TIMEOUT_S = 60.0
#: Of an answer that isn't Kibana's own, in an error.
_SHOWN = 200
_LOGIN = "set EBATS_KIBANA_API_KEY, or EBATS_KIBANA_USER and EBATS_KIBANA_PASSWORD"
_REASONS = {
    401: f"it takes no import without a login, or not with this one; {_LOGIN}",
    403: "this login may not write saved objects there; it needs the privileges of Saved Objects Management",
    404: "there is no such thing; look at the URL, its base path and --space",
    413: "the file is too large for what stands in front of it",
    429: "it has too much to do; try again later",
    502: "it isn't up, or not yet; try again later",
    503: "it isn't ready yet; try again later",
}


class ImportFailed(EbatsError):
    """Raised when Kibana can't be reached, refuses an import, or takes some of the objects only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kibana:
    """Where a Kibana is, and who asks it."""

    #: With the base path that it may have.
    url: str
    #: None: the default one.
    space: str | None = None
    #: The value of the header; None: it is open to everybody.
    authorization: str | None = None
    #: A file; None: the system's certificates.
    ca_certs: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no URL of a Kibana; raises UsageError."""
        parts = _split(self.url)
        # Not shown as it stands: it may hold a password.
        if parts is None or parts.query or parts.fragment:
            raise UsageError("--import takes the URL of a Kibana, such as http://localhost:5601")
        if parts.username is not None or parts.password is not None:
            raise UsageError(f"--import takes a URL without a login, which others could read; {_LOGIN}")

    @property
    def root(self) -> str:
        """The URL of the space."""
        space = "" if self.space is None else f"/s/{quote(self.space, safe='')}"
        return self.url.rstrip("/") + space

    def import_(self, objects: str) -> int:
        """Import the lines of `objects` over what is there; return how many objects that were.

        https://www.elastic.co/docs/api/doc/kibana/operation/operation-post-saved-objects-import

        Raises:
            ImportFailed: it can't be reached, or not all is imported; the text names each that isn't.
        """
        status, location, answer = self._post(objects)
        if 300 <= status < 400:
            where = escaped(location)
            raise ImportFailed(f"{self.root} sends elsewhere, to {where}; give the URL of Kibana itself")
        found = _decoded(answer)
        if status != 200 or found is None:
            raise ImportFailed(f"{self.root} answers {status}: {_why(status, found, answer)}")
        if not found.get("success"):
            raise ImportFailed(_failures(found, self.root))
        return int(found.get("successCount", 0))

    def _post(self, objects: str) -> tuple[int, str, bytes]:
        boundary = uuid.uuid4().hex
        try:
            connection = self._connection()
            try:
                path = f"{urlsplit(self.root).path}/api/saved_objects/_import?overwrite=true"
                connection.request("POST", path, _multipart(objects, boundary), self._headers(boundary))
                answer = connection.getresponse()
                return answer.status, answer.headers.get("Location", ""), answer.read()
            finally:
                connection.close()
        except ssl.SSLCertVerificationError as error:
            text = f"can't trust {self.root}: {error.verify_message}"
            raise ImportFailed(f"{text}; --ca-certs FILE names a certificate to trust") from error
        except ssl.SSLError as error:
            raise ImportFailed(f"can't speak TLS with {self.root}: {error.reason}") from error
        except TimeoutError as error:
            raise ImportFailed(f"{self.root} doesn't answer within {_TIMEOUT_S:g} s") from error
        except OSError as error:
            raise ImportFailed(f"can't reach {self.root}: {error.strerror or error}") from error
        except http.client.HTTPException as error:
            text = f"what {self.root} answers is no HTTP, or it breaks off"
            raise ImportFailed(f"{text}: {error or type(error).__name__}") from error

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_S, context=self._context())

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_certs)
        except OSError as error:
            raise UsageError(f"can't read certificates from {self.ca_certs}: {error.strerror}") from error

    def _headers(self, boundary: str) -> dict[str, str]:
        return {
            # Kibana takes no request that could come from a page of somebody else.
            "kbn-xsrf": "true",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "User-Agent": f"ebats/{__version__}",
            **({} if self.authorization is None else {"Authorization": self.authorization}),
        }


def by_api_key(key: str) -> str:
    """Return the header for an API key, as Kibana shows it (encoded), or as `id:key`."""
    return f"ApiKey {_base64(key) if ':' in key else key}"


def by_password(user: str, password: str) -> str:
    """Return the header for a user."""
    return f"Basic {_base64(f'{user}:{password}')}"


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL of HTTP; None: it is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _multipart(objects: str, boundary: str) -> bytes:
    # Kibana looks at the ending of the name.
    disposition = 'Content-Disposition: form-data; name="file"; filename="ebats.ndjson"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/ndjson\r\n\r\n"
    return f"{head}{objects}\r\n--{boundary}--\r\n".encode()


def _decoded(answer: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(answer)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _why(status: int, found: Mapping[str, Any] | None, answer: bytes) -> str:
    """Return why an answer is no result, with its own words where it has any."""
    own = str(found.get("message", "")) if found else answer.decode(errors="replace")
    own = escaped(" ".join(own.split())[:_SHOWN])
    if status == 200:
        return f"that is no Kibana: {own or 'nothing'}"
    reason = _REASONS.get(status, "")
    return f"{reason} ({own})" if reason and own else reason or own or "without a word"


def _failures(found: Mapping[str, Any], root: str) -> str:
    errors = found.get("errors") or []
    head = f"{root} imported {found.get('successCount', 0)} objects, and not these:"
    return "\n".join([head, *(f"  {escaped(_failure(error))}" for error in errors)])


def _failure(error: Mapping[str, Any]) -> str:
    title = (error.get("meta") or {}).get("title") or error.get("title")
    name = f"{error.get('type')} {error.get('id')}"
    reason = _reason(error.get("error") or {})
    return f"{name} ({title}): {reason}" if title else f"{name}: {reason}"


def _reason(error: Mapping[str, Any]) -> str:
    """Return in words what an object's error says; its kinds are those of Kibana's import."""
    match error.get("type"):
        case "conflict":
            return "another space has an object with this id"
        case "ambiguous_conflict":
            others = ", ".join(str(each.get("id")) for each in error.get("destinations") or [])
            return f"several objects could be the one to overwrite: {others}"
        case "unsupported_type":
            return "this Kibana has no objects of this type"
        case "missing_references":
            missing = (f"{each.get('type')} {each.get('id')}" for each in error.get("references") or [])
            return f"it needs what isn't there: {', '.join(missing)}"
    text = str(error.get("message") or error.get("type") or "no reason given")
    # What Kibana says of versions that it doesn't know.
    return f"{text}; it takes Kibana 8.9 or later" if "more recent version" in text else text
