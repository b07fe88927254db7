"""What became of the requests of one attempt, and what that means for their message. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from ebats.runner.callbacks.success import Answer
from ebats.runner.execution.call import TEXT_BYTES, cut
from ebats.runner.execution.outcome import Failed, How, Postponed, Result, Returned
from ebats.runner.execution.record import RequestNote

#: Of an answer, in the record.
_BODY_SHOWN = 1_000

#: `late`: the attempt ended before it; `waiting`: it wasn't sent, and is to be tried soon.
Outcome = Literal["success", "failed", "final", "refused", "late", "waiting", "earlier"]

_NOTED: Mapping[Outcome, Literal["success", "failed", "refused", "skipped"]] = {
    "success": "success",
    "failed": "failed",
    "final": "failed",
    "refused": "refused",
    "late": "failed",
    "waiting": "skipped",
    "earlier": "skipped",
}
#: What ends a message, or its attempt, first.
_WORST: Sequence[tuple[Outcome, How, str]] = (
    ("refused", "refused", "Refused"),
    ("final", "final", "BadAnswer"),
    ("failed", "http", "BadAnswer"),
    ("late", "timeout", "TimeoutError"),
)


class Sent(msgspec.Struct):
    """One request, and what became of it."""

    method: str
    #: As it is shown.
    url: str
    outcome: Outcome
    text: str = ""
    answer: Answer | None = None
    seconds: float | None = None
    #: How long it has to wait, or the other side wants to be left alone.
    wait_ms: int = 0
    #: It waits because its host is down.
    is_down: bool = False

    def note(self) -> RequestNote:
        """Return what the record says of it."""
        answer = self.answer
        body = answer.text[:_BODY_SHOWN] if answer and answer.body else None
        seconds = answer.seconds if answer else self.seconds
        return RequestNote(
            method=self.method,
            url=self.url,
            outcome=_NOTED[self.outcome],
            status=answer.status if answer else None,
            seconds=None if seconds is None else round(seconds, 6),
            text=cut(self.text, _BODY_SHOWN) if self.text else None,
            body=body,
        )


def result_of(
    sent: Sequence[Sent],
    *,
    now: float,
    is_list: bool = False,
    most_attempts: int | None = None,
    since: float | None = None,
) -> Result:
    """Return what an attempt comes to, given all of its message's requests in their order.

    `is_list`: what they were answered is handed on as a list, also where there is one. `since`: when a host
    that is down first made the message wait; not a wait for a place ends that, but an attempt. Unix times.
    """
    notes = tuple([one.note() for one in sent])
    if all(one.outcome in _FINE for one in sent):
        values = [_value(one) for one in sent]
        return Returned(values if is_list else values[0], notes)
    done = tuple(number for number, one in enumerate(sent, 1) if one.outcome in ("success", "earlier"))
    for outcome, how, error in _WORST:
        worst = [one for one in sent if one.outcome == outcome]
        if worst:
            lengthened = max((one.wait_ms for one in sent if one.outcome == "failed"), default=0)
            return Failed(
                how,
                error if outcome != "failed" or any(one.answer for one in worst) else "NoAnswer",
                cut(_told(sent, worst), TEXT_BYTES),
                at_least_ms=lengthened or None,
                most_attempts=most_attempts,
                done=done if len(sent) > 1 else (),
                requests=notes,
            )
    waiting = [one for one in sent if one.outcome == "waiting"]
    first = min(waiting, key=lambda one: one.wait_ms)
    if any(one.is_down for one in waiting):
        # Somebody's clock may be ahead, but nothing waits for ever.
        since = now if since is None else min(since, now)
    return Postponed(first.wait_ms, first.text, done, since, notes)


def _told(sent: Sequence[Sent], worst: Sequence[Sent]) -> str:
    if len(sent) == 1:
        return f"{worst[0].method} {worst[0].url}: {worst[0].text}"
    numbered = ((number, one) for number, one in enumerate(sent, 1) if one.outcome not in _FINE)
    parts = [f"request {number} ({one.method} {one.url}): {one.text}" for number, one in numbered]
    return "; ".join(parts)


_FINE = ("success", "earlier")


def _value(sent: Sent) -> dict[str, Any] | None:
    """Return what `then` and a reply get of an answer; None: it came in an earlier attempt."""
    answer = sent.answer
    if answer is None:
        return None
    return {"status": answer.status, "body": _body(answer)}


def _body(answer: Answer) -> object:
    """Return a body as JSON where it is that, else as a text."""
    if "json" in answer.content_type.lower() and not answer.is_cut:
        try:
            value: object = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, RecursionError):
            return answer.text
        return value
    return answer.text
