"""Takes the items of requests: all are checked, then all are published, and then their senders hear of it."""

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp.web_response import Response

from ebats.pipelines.counting import counted
from ebats.pipelines.producer import Allow
from ebats.runner.execution.settle import Outgoing
from ebats.runner.gateway.answers import answer, bad_items, listed, unserved
from ebats.runner.gateway.bodies import ids
from ebats.runner.gateway.deliver import Deliveries, Lost, Unserved
from ebats.runner.gateway.items import BadItem, Item
from ebats.runner.gateway.refusal import Refusal
from ebats.runner.gateway.targets import Targets

#: Fates after which a message may still be, or come to be, on the broker.
_IN_DOUBT = ("unknown", "full")


class Desk:
    """Publishes items for requests."""

    def __init__(
        self, targets: Targets, deliveries: Deliveries, count: Callable[[str, int], None], max_item: int
    ) -> None:
        """Publish what `targets` makes of items by `deliveries`.

        `count` is told `send_success` and `send_error`, with how many items; `max_item`: bytes of a body.
        """
        self._targets = targets
        self._deliveries = deliveries
        self._count = count
        self._max_item = max_item

    async def take(
        self,
        items: Sequence[Item | BadItem],
        *,
        key: str | None = None,
        allow: Allow | None = None,
        partial: bool = False,
    ) -> Response:
        """Publish items, and return the answer once the broker has them all.

        Args:
            items: What the request has; a bad one stands there as what is wrong with it.
            key: Makes the ids of those that give none.
            allow: What their sender may publish to.
            partial: Take the good ones though others are bad.

        Raises:
            Refusal: it is not done; the text says how much of it was.
        """
        good, bad = self._checked(items, key, allow)
        if bad and not (partial and good):
            raise bad_items(bad, len(items))
        indexes = list(good)
        try:
            lost = await self._deliveries.deliver(list(good.values()))
        except Unserved:
            self._count("send_error", len(good))
            raise unserved("the broker takes no messages for now; nothing was published") from None
        self._count("send_success", len(good) - len(lost))
        if not lost and not bad:
            return answer(202, {"ids": [_id(messages) for messages in good.values()]})
        self._count("send_error", len(lost))
        missing = {indexes[number]: each for number, each in lost.items()}
        bad = {**bad, **{index: BadItem(each.text) for index, each in missing.items()}}
        is_in_doubt = any(each.fate in _IN_DOUBT for each in missing.values())
        # Where nothing at all was taken, it isn't told as a success.
        if is_in_doubt or (missing and not partial) or len(missing) == len(good):
            raise _lost(good, missing, bad, len(items))
        found = [
            _id(good[index]) if index in good and index not in missing else None
            for index in range(len(items))
        ]
        return answer(202, {"ids": found, "items": listed(dict(sorted(bad.items())))})

    def _checked(
        self, items: Sequence[Item | BadItem], key: str | None, allow: Allow | None
    ) -> tuple[dict[int, list[Outgoing]], dict[int, BadItem]]:
        good: dict[int, list[Outgoing]] = {}
        bad: dict[int, BadItem] = {}
        make, most = self._targets.messages, self._max_item
        for index, (item, id_) in enumerate(zip(items, ids(key, len(items)), strict=True)):
            if isinstance(item, BadItem):
                bad[index] = item
                continue
            try:
                good[index] = make(item, id_=id_, allow=allow, most=most)
            except BadItem as error:
                bad[index] = error
            # Its text is in the messages; read, it takes up to thirty times the room while the broker works.
            item.payload = None
        return good, bad


def _id(messages: Sequence[Outgoing]) -> str:
    return str(messages[0].properties["message_id"])


def _lost(
    good: dict[int, list[Outgoing]], missing: dict[int, Lost], bad: dict[int, BadItem], count: int
) -> Refusal:
    """Return what is said when not all that was sent is on the broker: which is, and which isn't.

    `bad` are all that aren't, also those that weren't sent.
    """
    confirmed = [_id(messages) for index, messages in good.items() if index not in missing]
    more: dict[str, Any] = {
        "ids": [_id(good[index]) if index in good else None for index in range(count)],
        "confirmed": confirmed,
        "items": listed(dict(sorted(bad.items()))),
    }
    how_many = f"{counted(len(missing), 'message')} of {len(good)}"
    fates = {each.fate for each in missing.values()}
    if "unknown" in fates:
        text = f"the broker hasn't confirmed {how_many}; they may have been published, or not"
        return unserved(f"{text}: send them again with the same ids", "unconfirmed", **more)
    if "full" in fates:
        return unserved(f"the broker refused {how_many}: a queue is full", "full", **more)
    code = "unroutable" if fates == {"unroutable"} else "refused"
    return Refusal(422, code, f"the broker doesn't take {how_many}", **more)
