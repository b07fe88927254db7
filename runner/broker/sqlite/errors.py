"""The errors of the embedded broker: those of py-amqp, in RabbitMQ's words."""

import sqlite3
from typing import NoReturn

from amqp import exceptions

VHOST = "/"

#: What may pass by itself: everything else that SQLite says stays as it is.
_PASSING = (
    "SQLITE_IOERR",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_NOMEM",
    "SQLITE_PROTOCOL",
    "SQLITE_INTERRUPT",
)

#: (class, method) numbers of AMQP 0-9-1, which py-amqp turns into names such as "Queue.declare".
EXCHANGE_DECLARE = (40, 10)
EXCHANGE_DELETE = (40, 20)
EXCHANGE_BIND = (40, 30)
QUEUE_DECLARE = (50, 10)
QUEUE_BIND = (50, 20)
QUEUE_PURGE = (50, 30)
QUEUE_DELETE = (50, 40)
BASIC_QOS = (60, 10)
BASIC_CONSUME = (60, 20)
BASIC_PUBLISH = (60, 40)
BASIC_RETURN = (60, 50)
BASIC_GET = (60, 70)
BASIC_ACK = (60, 80)
BASIC_REJECT = (60, 90)

Method = tuple[int, int]


class NoRoom(exceptions.ResourceError):  # type: ignore[misc]  # py-amqp has no types
    """Raised for a publish while the disk is nearly full: nothing else is refused."""


def _error(code: int, text: str, method: Method) -> Exception:
    error: Exception = exceptions.error_for_code(code, text, method, exceptions.ChannelError)
    return error


def not_found(kind: str, name: str, method: Method) -> Exception:
    """404 for a queue or an exchange that isn't there."""
    return _error(404, f"NOT_FOUND - no {kind} '{name}' in vhost '{VHOST}'", method)


def locked(name: str, method: Method) -> Exception:
    """405 for an exclusive queue of another connection."""
    text = (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{name}' in vhost '{VHOST}'."
        " It could be originally declared on another connection or the exclusive property value does not"
        " match that of the original declaration."
    )
    return _error(405, text, method)


def precondition(text: str, method: Method) -> Exception:
    """406: `text` is the part after PRECONDITION_FAILED."""
    return _error(406, f"PRECONDITION_FAILED - {text}", method)


def refused(text: str, method: Method) -> Exception:
    """403: `text` is the part after ACCESS_REFUSED."""
    return _error(403, f"ACCESS_REFUSED - {text}", method)


def not_allowed(text: str, method: Method) -> Exception:
    """530: `text` is the part after NOT_ALLOWED."""
    return _error(530, f"NOT_ALLOWED - {text}", method)


def not_implemented(text: str, method: Method) -> Exception:
    """540 for what RabbitMQ can and this broker can't."""
    return _error(540, f"NOT_IMPLEMENTED - {text} (embedded broker)", method)


def unknown_type(name: str, method: Method) -> Exception:
    """503 for an exchange type that isn't direct, topic or fanout."""
    return _error(503, f"COMMAND_INVALID - unknown exchange type '{name}'", method)


def no_route() -> Exception:
    """The exception of a returned message (basic.return)."""
    return _error(312, "NO_ROUTE", BASIC_RETURN)


def closed() -> Exception:
    """What py-amqp raises on a connection or channel that was closed."""
    error: Exception = exceptions.RecoverableConnectionError("connection already closed")
    return error


def full(database: str, detail: str) -> Exception:
    """506: recoverable, because room can be made while everybody waits."""
    error: Exception = exceptions.ResourceError(
        f"RESOURCE_ERROR - no room on the disk of {database}: {detail}", reply_code=506
    )
    return error


def no_room(database: str, free_mib: int, reserve_mib: int) -> NoRoom:
    """506 again: so much is free, and so much is kept for what has been published already."""
    text = f"{free_mib} MiB are free, {reserve_mib} MiB are kept in reserve"
    return NoRoom(f"RESOURCE_ERROR - no room on the disk of {database}: {text}", reply_code=506)


def unusable(text: str) -> Exception:
    """541: the database can't be used, and trying again doesn't help."""
    error: Exception = exceptions.InternalError(f"INTERNAL_ERROR - {text}", reply_code=541)
    return error


def unavailable(text: str) -> Exception:
    """320: the database can't be used now; a new connection may work."""
    error: Exception = exceptions.ConnectionForced(f"CONNECTION_FORCED - {text}", reply_code=320)
    return error


def is_full(error: sqlite3.Error) -> bool:
    """Whether it says that the disk, or what we may have of it, is full."""
    return _name(error) == "SQLITE_FULL"


def explain(database: str, error: sqlite3.Error) -> Exception:
    """Say in AMQP's terms what SQLite says: whether to wait, to connect again, or to give up."""
    if is_full(error):
        return full(database, str(error))
    if _name(error).startswith(_PASSING):
        return unavailable(f"{database} can't be written now: {error} ({_name(error)})")
    return unusable(f"{database} can't be used: {error} ({_name(error)}); {to_do(database)}")


def to_do(database: str) -> str:
    """Say what helps where a database is damaged."""
    return f"restore it, or move it, {database}-wal and {database}.d away to start anew"


def lasting(error: BaseException) -> str | None:
    """Return what is wrong with the database's file, if trying again can't help; it begins with its path."""
    if not isinstance(error, exceptions.InvalidPath | exceptions.InternalError):
        return None
    # In the words of `unusable` and `bad_path`; py-amqp's method and code stand before them.
    return str(error).partition(" - ")[2] or None


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def bad_path(text: str) -> NoReturn:
    """402: raise for a URL whose path can't hold a database."""
    raise exceptions.InvalidPath(f"INVALID_PATH - {text}", reply_code=402)
