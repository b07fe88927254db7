"""What an error of Elasticsearch means, and what to do about it, for people."""

_MEANING = {
    401: "it refuses the credentials: check `api_key`, `basic_auth` or `bearer_auth`",
    403: "it needs the privileges create_doc and auto_configure on {stream}",
    404: "{stream} isn't there, and may not be made: allow it in action.auto_create_index",
    413: "a request is too large for it",
    429: "it is busy, or its disk is full",
}
_MEANING_OF_TYPES = {
    "media_type_header_exception": (
        "it refuses the version of our requests: install elasticsearch<9 for an 8.x server"
    ),
    "cluster_block_exception": "it takes nothing at the moment",
    "validation_exception": "the cluster may have no more shards, or doesn't want this index",
}


def advise(status: int, type_: str, reason: str, stream: str) -> str:
    """Return a sentence about an answer: its HTTP status, the error's type and reason, the data stream."""
    meaning = _MEANING_OF_TYPES.get(type_) or _MEANING.get(status, "it refuses")
    said = ": ".join(part for part in (type_, " ".join(reason.split())) if part)
    return f"{meaning.format(stream=stream)}; it says {status} {said}"[:500].rstrip()
