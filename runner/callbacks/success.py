"""What an answer means: success, another attempt, or the end. Pure."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec

from ebats.pipelines import pointer
from ebats.pipelines.http_task import BodyRule, HttpTask, covers

#: Others that Python knows are no encodings of texts, or slow: who answers is a stranger.
_CHARSET = re.compile(
    r"charset=\"?(iso-8859-\d\d?|windows-125\d|gbk|gb2312|gb18030|big5|shift_jis|euc-jp|euc-kr)\b",
    re.IGNORECASE,
)

#: Of an answer, in a text for people.
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    #: The words behind the status.
    reason: str
    content_type: str
    #: The Retry-After header.
    retry_after: str | None
    #: As far as it was read.
    body: bytes
    is_cut: bool
    seconds: float

    @cached_property
    def text(self) -> str:
        """Return the body as a text; what isn't in its encoding becomes U+FFFD."""
        found = _CHARSET.search(self.content_type)
        return self.body.decode(found[1] if found else "utf-8", errors="replace")


class Verdict(msgspec.Struct, frozen=True):
    """What an answer means, and why it is no success."""

    outcome: Literal["success", "failed", "final"]
    text: str = ""


_SUCCESS = Verdict("success")


class Judge:
    """Judges the answers to one task's requests."""

    def __init__(self, http: HttpTask) -> None:
        self._success = http.success
        self._final = http.final
        self._rule = http.success_body
        pattern = self._rule.matches if self._rule else None
        self._pattern = None if pattern is None else re.compile(pattern)

    def judge(
        self,
        answer: Answer,
        success_codes: Collection[int] | None = None,
        retry_codes: Collection[int] = (),
    ) -> Verdict:
        """Return what an answer means.

        A message may say itself what is success, and what is tried again though it were final.
        """
        status = answer.status
        ours = covers(self._success, status) if success_codes is None else status in success_codes
        if ours:
            wrong = self._wrong(answer, self._rule) if self._rule else None
            return _SUCCESS if wrong is None else Verdict("failed", f"{_status(answer)}, but {wrong}")
        said = f": {shown}" if (shown := _shown(answer.text)) else ""
        is_final = covers(self._final, status) and status not in retry_codes
        return Verdict("final" if is_final else "failed", f"{_status(answer)}{said}")

    def _wrong(self, answer: Answer, rule: BodyRule) -> str | None:
        """Return what is wrong with a body; None: nothing."""
        text = answer.text
        if rule.text is not None:
            is_it = text.strip() == rule.text.strip() and not answer.is_cut
            return None if is_it else f"the body isn't {rule.text.strip()!r}: {_shown(text)}"
        if rule.contains is not None:
            return None if rule.contains in text else f"the body has no {rule.contains!r}: {_shown(text)}"
        if self._pattern:
            found = self._pattern.search(text)
            return None if found else f"the body doesn't match {self._pattern.pattern!r}: {_shown(text)}"
        return _wrong_part(text, rule)


def _wrong_part(text: str, rule: BodyRule) -> str | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return f"the body is no JSON: {_shown(text)}"
    where = rule.pointer or ""
    try:
        found = pointer.find(value, pointer.parse(where))
    except pointer.Missing:
        return f"the body has no {where}: {_shown(text)}"
    expected = json.loads(rule.equals or "null")
    if _same(found, expected):
        return None
    return f"{where or 'the body'} is {_shown(json.dumps(found, ensure_ascii=False))}, not {rule.equals}"


def _same(found: object, expected: object) -> bool:
    """Return whether two values are the same JSON: 1 is 1.0, and not true, also inside."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_same(found[key], expected[key]) for key in found)
    return found == expected


def _status(answer: Answer) -> str:
    return f"{answer.status} {answer.reason}".rstrip()


def _shown(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
