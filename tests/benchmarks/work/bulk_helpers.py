"""Sends a spool as elasticsearch-py does: `python bulk_helpers.py HELPER FOLDER URL STREAM`."""

import json
import sys
from collections import deque
from pathlib import Path
from typing import Any

import elasticsearch
from elasticsearch._sync.client import _base
from elasticsearch.helpers import parallel_bulk, streaming_bulk
from tests.benchmarks.work.usage import measured

# A client of 9 asks for answers of 9, which the server of the tests, an 8, doesn't give.
_base._COMPAT_MIMETYPE_SUB = _base._COMPAT_MIMETYPE_SUB.replace("compatible-with=9", "compatible-with=8")


def actions(folder: str, stream: str) -> list[dict[str, Any]]:
    """Return what a program would have in hand: documents as dictionaries."""
    found = []
    for segment in sorted(Path(folder).rglob("*.ndjson")):
        lines = segment.read_bytes().splitlines()
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            id_ = json.loads(action)["create"]["_id"]
            source = json.loads(document)
            found.append({"_op_type": "create", "_index": stream, "_id": id_, "_source": source})
    return found


helper = {"parallel_bulk": parallel_bulk, "streaming_bulk": streaming_bulk}[sys.argv[1]]
found = actions(sys.argv[2], sys.argv[4])
with elasticsearch.Elasticsearch(sys.argv[3], http_compress=True, request_timeout=60) as client, measured():
    deque(helper(client, found), maxlen=0)
