"""A request that isn't taken: the status, a code for programs, a sentence for people. Pure."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """Raised when a request is refused; it says what is answered."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        close: bool = False,
        **more: Any,
    ) -> None:
        """Take the HTTP status, what its kind is called, what is wrong, and what else the answer tells.

        `close`: what is left of the request isn't read, so the connection can't be used again.
        """
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.close = close
        self._more = more

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": {"code": self.code, "message": str(self), **self._more}}
