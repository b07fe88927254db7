"""What follows from an answer to a bulk request: which records are done, which go again, which never will."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ebats.runner.sinks.elastic.advice import advise
from ebats.runner.sinks.elastic.connect import Answer, explained

_OK = range(200, 300)
#: It is there already: an earlier answer got lost.
_CONFLICT = 409
_TOO_LARGE = 413
_BAD_REQUEST = 400
#: Not a fault of the document, but of rights, names, load or a server: it is taken when that is over.
_PASSING = frozenset({401, 403, 404, 407, 408, 425, 429})
#: The same with status 400: a cluster that may have no more shards says so.
_PASSING_TYPES = frozenset({"validation_exception", "cluster_block_exception"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A document that Elasticsearch will never take."""

    item: bytes
    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """About the items of one request."""

    #: `items`: each has an answer of its own; `smaller`: the whole was too large, or unreadable;
    #: `again`: the whole wasn't taken.
    kind: Literal["items", "smaller", "again"]
    taken: int = 0
    refused: list[Refused] = field(default_factory=list)
    #: To be sent again.
    again: list[bytes] = field(default_factory=list)
    #: Why, for people; with `smaller`, the status and reason of the refusal.
    trouble: str | None = None
    status: int = 200
    retry_after: str | None = None


def judge(answer: Answer, items: list[bytes], stream: str) -> Verdict:
    """Return what follows from the answer for these items."""
    if answer.status not in _OK:
        return _whole(answer, items, stream)
    answers = _answers(answer.body)
    if answers is None or len(answers) != len(items):
        text = "it answers with what is no answer to a bulk request: check `hosts`"
        return Verdict(kind="again", again=items, trouble=text)
    refused: list[Refused] = []
    again: list[bytes] = []
    trouble: str | None = None
    for item, each in zip(items, answers, strict=True):
        status = each["status"]
        if status in _OK or status == _CONFLICT:
            continue
        type_, reason = explained(each.get("error") or {})
        if status in _PASSING or status >= 500 or type_ in _PASSING_TYPES:
            again.append(item)
            trouble = trouble or advise(status, type_, reason, stream)
        else:
            refused.append(Refused(item=item, status=status, reason=f"{type_}: {reason}"))
    taken = len(items) - len(refused) - len(again)
    return Verdict(kind="items", taken=taken, refused=refused, again=again, trouble=trouble)


def _whole(answer: Answer, items: list[bytes], stream: str) -> Verdict:
    type_, reason = answer.error
    text = advise(answer.status, type_, reason, stream)
    is_smaller = answer.status == _TOO_LARGE or (
        answer.status == _BAD_REQUEST and type_ != "media_type_header_exception"
    )
    return Verdict(
        kind="smaller" if is_smaller else "again",
        again=items,
        trouble=text,
        status=answer.status,
        retry_after=answer.retry_after,
    )


def _answers(body: Any) -> list[Mapping[str, Any]] | None:
    """Return the answers to the items, or None where the body has none."""
    found = body.get("items") if isinstance(body, dict) else None
    if not isinstance(found, list):
        return None
    answers = [next(iter(each.values()), None) for each in found if isinstance(each, dict)]
    whole: list[Mapping[str, Any]] = [
        each for each in answers if isinstance(each, dict) and isinstance(each.get("status"), int)
    ]
    return whole if len(whole) == len(found) else None
