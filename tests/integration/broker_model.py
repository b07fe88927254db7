"""A broker as a dictionary: what the embedded one has to agree with after each step; pure.

Queues keep the order of publishing: what comes back goes to its old place. What a rung hands on comes in
the order in which it went there; whether before or after what was published meanwhile is left open, for
that is a matter of milliseconds.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Where a message goes: exchange and key, to queues. `#` is any number of words, `*` one (topics).
ROUTES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "plain"): ("plain",),
    ("", "work"): ("work",),
    ("direct", "a"): ("plain",),
    ("direct", "b"): ("work",),
    ("direct", "nobody"): (),
    ("topic", "x.y"): ("plain", "work"),
    ("topic", "x"): ("work",),
    ("topic", "x.y.z"): ("work",),
    ("fanout", ""): ("plain", "work"),
    ("rung", "a"): ("rung",),
    ("rung", "b"): ("rung",),
}
BINDINGS = (
    *(("direct", "a", "plain"), ("direct", "b", "work")),
    *(("topic", "x.*", "plain"), ("topic", "x.#", "work")),
    *(("fanout", "", "plain"), ("fanout", "", "work")),
)
#: How often a delivery may come back, where that is bounded.
LIMITS = {"work": 1}
#: Where a queue's dead letters go: an exchange, in front of one queue of that name or with keys that stay.
DEAD_LETTERS = {"work": "dead", "rung": "direct"}
#: Quorum queues tell how often a delivery came back before.
QUORUM = ("work", "rung", "dead")
QUEUES = ("plain", "work", "rung", "dead")


@dataclass(slots=True, eq=False)
class Entry:
    """A message in one queue."""

    body: str
    exchange: str
    key: str
    #: The step in which it came to this queue, or to the rung that it came from.
    order: int
    #: A rung handed it on.
    by_rung: bool = False
    #: How often it came back.
    deliveries: int = 0
    #: Who has it, and nobody.
    holder: str = ""
    #: Why it left which queue the last time, and how often it did: as `x-death` has it.
    deaths: tuple[tuple[str, str, int], ...] = ()
    #: When a rung may hand it on at the earliest, on the monotonic clock.
    due: float = 0.0


@dataclass(slots=True)
class Model:
    """All queues, and who has what of them."""

    queues: dict[str, list[Entry]] = field(default_factory=lambda: {name: [] for name in QUEUES})
    step: int = 0

    def publish(self, exchange: str, key: str, body: str, due: float = 0.0) -> None:
        """Put a message into its queues; a rung may hand it on from `due` on."""
        for queue in ROUTES[exchange, key]:
            self.queues[queue].append(Entry(body, exchange, key, self.step, due=due))

    def ready(self, queue: str) -> list[Entry]:
        """Return what somebody may take."""
        return [entry for entry in self.queues[queue] if not entry.holder]

    def held(self, holder: str) -> list[tuple[str, Entry]]:
        """Return what somebody has."""
        return [
            (queue, entry)
            for queue, found in self.queues.items()
            for entry in found
            if entry.holder == holder
        ]

    def claim(self, queue: str, body: str, deliveries: int, holder: str) -> Entry:
        """Hand a message over that the broker has handed over; it has to be the next one."""
        ready = self.ready(queue)
        firsts = [min((each.order for each in ready if each.by_rung == kind), default=-1) for kind in (0, 1)]
        for entry in ready:
            found = (entry.body, entry.deliveries) == (body, deliveries)
            if found and entry.order == firsts[entry.by_rung]:
                entry.holder = holder
                return entry
        raise AssertionError(f"{queue}: {body} after {deliveries} deliveries isn't the next of {ready}")

    def ack(self, queue: str, entry: Entry) -> None:
        """Forget a message."""
        self.queues[queue].remove(entry)

    def give_back(self, queue: str, entry: Entry, *, counts: bool = True) -> None:
        """Put a message back where it was, or where it goes if it has come back too often."""
        entry.holder = ""
        if counts and entry.deliveries + 1 > LIMITS.get(queue, 1_000_000):
            self.dead_letter(queue, entry, "delivery_limit")
        elif counts:
            entry.deliveries += 1

    def dead_letter(self, queue: str, entry: Entry, reason: str) -> None:
        """Move a message to where its queue's dead letters go, or drop it."""
        self.queues[queue].remove(entry)
        if (exchange := DEAD_LETTERS.get(queue)) is None:
            return
        targets = (exchange,) if exchange in self.queues else ROUTES[exchange, entry.key]
        deaths = ((queue, reason, 1), *entry.deaths)
        by_rung = queue == "rung"
        order = entry.order if by_rung else self.step
        for target in targets:
            self.queues[target].append(Entry(entry.body, exchange, entry.key, order, by_rung, deaths=deaths))

    def hand_on(self, entries: Iterable[Entry], now: float) -> None:
        """Move what a rung has handed on, which mustn't be earlier than it is due."""
        for entry in entries:
            assert entry.due <= now, f"{entry.body} left the rung {entry.due - now} s too early"
            self.dead_letter("rung", entry, "expired")

    def contents(self, queue: str) -> Counter[tuple[str, int, bool]]:
        """Return what is in a queue: bodies, how often they came back, whether somebody has them."""
        return Counter((entry.body, entry.deliveries, bool(entry.holder)) for entry in self.queues[queue])
