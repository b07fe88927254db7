"""The reject file: documents that Elasticsearch will never take, each with its reason."""

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from ebats.runner.sinks.elastic.bulk import document_of, id_of
from ebats.runner.sinks.elastic.files import open_private, write_all
from ebats.runner.sinks.elastic.verdict import Refused

#: Of one file; there are two at most, the older one is `rejected.1.ndjson`.
MOST_BYTES = 10_000_000
_ID = re.compile(rb'^\{"id": "([^"]+)"', re.MULTILINE)


class Rejects:
    """Appends to `rejected.ndjson`; a document that is in there isn't written again."""

    def __init__(self, folder: Path) -> None:
        """Write in this folder, which is made by others."""
        self.path = folder / "rejected.ndjson"
        self._known: set[str] | None = None

    def write(self, refused: list[Refused]) -> None:
        """Keep documents with their reasons.

        Raises:
            OSError: the disk doesn't take them all.
        """
        if self._known is None:
            # A former writer may have been killed right after it wrote them.
            self._known = self._read_ids()
        new = [each for each in refused if id_of(each.item) not in self._known]
        data = b"".join(_line(each) for each in new)
        with suppress(FileNotFoundError):
            if self.path.stat().st_size + len(data) > MOST_BYTES:
                self.path.replace(self.path.with_name("rejected.1.ndjson"))
        fd = open_private(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            if write_all(fd, data) < len(data):
                raise OSError("No space left on device")
        finally:
            os.close(fd)

    def _read_ids(self) -> set[str]:
        try:
            fd = open_private(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return set()
        with os.fdopen(fd, "rb") as file:
            return {found.decode() for found in _ID.findall(file.read(MOST_BYTES * 2))}


def _line(refused: Refused) -> bytes:
    head = {"id": id_of(refused.item), "status": refused.status, "reason": refused.reason[:1000]}
    return json.dumps(head)[:-1].encode() + b', "document": ' + document_of(refused.item) + b"}\n"
