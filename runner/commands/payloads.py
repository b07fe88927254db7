"""Payloads from the command line, a file or standard input, as messages."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ebats.pipelines.problems import EbatsError, UnreadableFile
from ebats.runner.commands.target import Target
from ebats.runner.execution import call, unpublished
from ebats.runner.execution.ids import new_id
from ebats.runner.execution.settle import Outgoing
from ebats.runner.publishing.messages import message as encoded

STDIN = "-"
_READ_BYTES = 65_536
_BOM = b"\xef\xbb\xbf"


class BadPayload(EbatsError):
    """Raised for a payload that isn't what its event's format, or schema, says."""


def message(target: Target, body: bytes, message_id: str | None = None) -> list[Outgoing]:
    """Return a message with a body as it stands, after a look at whether the runner could take it.

    It is several on the broker where the publisher hands an event to its tasks.

    Raises:
        BadPayload: it couldn't.
    """
    try:
        target.check(call.decode(body, target.format))
    except (call.BadBody, unpublished.BadPayload) as error:
        raise BadPayload(str(error)) from None
    now, id_ = time.time(), message_id or new_id()
    return [encoded(address, body, target.format, id_, now, {}) for address in target.addresses(now)]


def messages(target: Target, lines: Iterable[bytes | None], name: str) -> Iterator[Outgoing | None]:
    """Yield a message for each line that isn't blank, and None for each None: see `lines`.

    Raises:
        BadPayload: with the number of the line.
        UnreadableFile: the rest can't be read.
    """
    number = 0
    try:
        for line in lines:
            if line is None:
                yield None
                continue
            number += 1
            body = (line.removeprefix(_BOM) if number == 1 else line).rstrip(b"\r\n")
            if body.strip():
                yield from message(target, body)
    except BadPayload as error:
        raise BadPayload(f"{name}:{number}: {error}") from None
    except OSError as error:
        raise UnreadableFile(f"can't read {name} after line {number}: {error.strerror}") from error


def lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield a file's lines, and None where no more is at hand: from a pipe the next may be long in coming.

    Raises:
        OSError: the rest can't be read.
    """
    rest = b""
    while data := os.read(file.fileno(), _READ_BYTES):
        *whole, rest = (rest + data).split(b"\n")
        yield from (line + b"\n" for line in whole)
        yield None
    if rest:
        yield rest


@contextmanager
def open_lines(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading its lines, `-` being standard input.

    Raises:
        UnreadableFile: there is no such file, or it can't be read.
    """
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with _open(path) as file:
        yield file


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UnreadableFile(f"can't read {path}: {error.strerror}") from error


def size(file: BinaryIO) -> int | None:
    """Return a file's size in bytes; None: it isn't a plain file."""
    status = os.fstat(file.fileno())
    return status.st_size if status.st_size else None
