"""What a bulk request is made of: an action and a document for each record, a line each.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

import base64
import os
import time
from collections.abc import Iterator

#: How each action begins: nothing else in a spool does.
ACTION = b'{"create":{'
_RANDOM_BYTES = 9


def ids(count: int) -> Iterator[bytes]:
    """Yield ids that nothing else has: 20 characters, a URL's own.

    They begin with the time, for Elasticsearch finds out sooner that such an id is new.
    """
    now = int(time.time() * 1000).to_bytes(6)
    noise = os.urandom(_RANDOM_BYTES * count)
    for start in range(0, len(noise), _RANDOM_BYTES):
        yield base64.urlsafe_b64encode(now + noise[start : start + _RANDOM_BYTES])


def item(stream: str, id_: bytes, document: bytes) -> bytes:
    """Return the lines that create a document in a data stream; with this id, it is created once."""
    return b'%b"_index":"%b","_id":"%b"}}\n%b\n' % (ACTION, stream.encode(), id_, document)


def id_of(item_: bytes) -> str:
    """Return the id in an item."""
    return item_[: item_.index(b"\n")].partition(b'"_id":"')[2].partition(b'"')[0].decode()


def document_of(item_: bytes) -> bytes:
    """Return the document in an item."""
    return item_[item_.index(b"\n") + 1 : -1]


def items_in(data: bytes) -> tuple[list[bytes], int]:
    """Return the items that whole lines hold, and how many are damaged: those are left out.

    A disk that lost its power may hold anything in place of what was written last.
    """
    lines = data.split(b"\n")[:-1]
    actions, documents = lines[0::2], lines[1::2]
    if len(actions) == len(documents) and all(map(_is_action, actions)) and all(map(_is_document, documents)):
        return [b"%b\n%b\n" % pair for pair in zip(actions, documents, strict=True)], 0
    return _search(lines)


def _search(lines: list[bytes]) -> tuple[list[bytes], int]:
    items, damaged = [], 0
    action = None
    for line in lines:
        if _is_action(line):
            damaged += action is not None
            action = line
        elif action is not None and _is_document(line):
            items.append(b"%b\n%b\n" % (action, line))
            action = None
        else:
            damaged += 1
            action = None
    return items, damaged + (action is not None)


def _is_action(line: bytes) -> bool:
    return line.startswith(ACTION) and line.endswith(b'"}}')


def _is_document(line: bytes) -> bool:
    return line[:1] == b"{" and line[-1:] == b"}" and not line.startswith(ACTION)
