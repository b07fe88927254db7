"""`ebats dead retry|drop FILE`: dead letters leave, to their tasks or for good."""

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Pipeline
from ebats.runner.broker.lock import LockRefused
from ebats.runner.broker.look import ensure
from ebats.runner.broker.move import PREFETCH, Moved, MoveFailed, move
from ebats.runner.broker.reach import BrokerAway, reach
from ebats.runner.broker.tap import known
from ebats.runner.commands import letters, letters_json
from ebats.runner.commands.ask import Interrupted, is_sure
from ebats.runner.commands.dead import Search, how_many, look, terminal_width, without_body
from ebats.runner.commands.progress import Progress
from ebats.runner.commands.say import say
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.letter import Letter, Reader
from ebats.runner.execution.revive import Reviver
from ebats.runner.execution.settle import Outgoing
from ebats.runner.sinks.people import escaped


def retry(search: Search, *, dry_run: bool) -> int:
    """Publish the letters that are meant to their tasks again, at attempt 1; print how many.

    One after another: each is confirmed, then its letter acknowledged, then the next goes. One that dies
    again meanwhile isn't meant. Returns 0, or 1 where some stay because the file has no place for them.

    Raises:
        EbatsError: the file is bad, the broker can't be asked, or refuses.
    """
    pipeline = search.pipeline()
    found, reviver = _Found(), Reviver(pipeline, _bound(pipeline, search.wait_s))

    def add(letter: Letter) -> None:
        follows = reviver.follow(letter, time.time())
        found.add(letter, follows if isinstance(follows, str) else None)

    def outgoings(letter: Letter) -> Sequence[Outgoing]:
        follows = reviver.follow(letter, time.time())
        assert not isinstance(follows, str)
        return follows

    total = look(pipeline, search, add)
    if dry_run:
        return _tell(search, pipeline, found, total, "would be published again")
    if found.going and total:
        _check_declared(pipeline, search.wait_s)
        leaving = _Leaving(pipeline, found, "published again")
        found.going = leaving.run(search, total, outgoings, at_once=1)
    return _tell(search, pipeline, found, total, "published again")


def drop(search: Search, *, dry_run: bool, yes: bool) -> int:
    """Delete the letters that are meant, after showing and asking; print how many.

    Returns 0, or 1 where somebody thought better of it. Raises as `retry`, and:

        UsageError: nobody can be asked.
    """
    pipeline = search.pipeline()
    found = _Found()
    total = look(pipeline, search, found.add)
    if dry_run:
        return _tell(search, pipeline, found, total, "would be dropped")
    if found.going and total:
        _summarise(found.going)
        number = counted(len(found.going), "dead letter")
        if not is_sure(f"Drop {number} of {pipeline.name} for good?", yes=yes):
            say("info", "nothing was dropped")
            return 1
        leaving = _Leaving(pipeline, found, "dropped")
        found.going = leaving.run(search, total, lambda _letter: (), at_once=PREFETCH)
    return _tell(search, pipeline, found, total, "dropped")


class _Found:
    """The letters that are meant, and what is to become of them; without their bodies."""

    def __init__(self) -> None:
        self.going: list[Letter] = []
        #: Each with the reason.
        self.staying: list[tuple[Letter, str]] = []
        #: By what tells letters apart, how many of `going` there are.
        self.wanted: Counter[Any] = Counter()

    def add(self, letter: Letter, why_not: str | None = None) -> None:
        if why_not is None:
            self.going.append(without_body(letter))
            self.wanted[_identity(letter)] += 1
        else:
            self.staying.append((without_body(letter), why_not))


class _Leaving:
    """Takes those letters out of the queue that were found in it, and no others."""

    def __init__(self, pipeline: Pipeline, found: _Found, done: str) -> None:
        self._reader = Reader(pipeline)
        self._pipeline = pipeline
        self._wanted = Counter(found.wanted)
        self._done = done
        self._gone: list[Letter] = []
        self._moved = Moved()

    def run(
        self,
        search: Search,
        total: int,
        outgoings: Callable[[Letter], Sequence[Outgoing]],
        *,
        at_once: int,
    ) -> list[Letter]:
        """Publish what follows from each, and take it out; return those that left: others may have some."""

        def follow(delivery: Delivery) -> Sequence[Outgoing] | None:
            letter = self._reader.read(delivery)
            if not self._take(_identity(letter)):
                return None
            self._gone.append(without_body(letter))
            return outgoings(letter)

        def tell(moved: Moved) -> None:
            self._moved = moved
            show(moved.taken)

        progress = Progress()
        show = progress.counter(self._done)
        try:
            with reach(self._pipeline, search.wait_s, say, self._so_far) as connection:
                queue = self._pipeline.queue_on_broker("dead")
                move(
                    connection,
                    queue,
                    follow,
                    most=total,
                    at_once=at_once,
                    stop=lambda: not self._wanted,
                    on_progress=tell,
                )
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {self._so_far()}") from None
        except MoveFailed as error:
            raise MoveFailed(f"{error}; {self._so_far()}", error.moved) from None
        finally:
            progress.clear()
        if self._wanted:
            number = counted(self._wanted.total(), "dead letter")
            say("warning", f"{number} more had been found, and gone or in others' hands since: look again")
        return self._gone

    def _take(self, identity: object) -> bool:
        if identity not in self._wanted:
            return False
        self._wanted[identity] -= 1
        if not self._wanted[identity]:
            del self._wanted[identity]
        return True

    def _so_far(self) -> str:
        return f"{counted(self._moved.taken, 'dead letter')} {self._done}"


def _identity(letter: Letter) -> object:
    """Return what tells a letter from others, and stays however often it is delivered."""
    body = hashlib.blake2b(letter.delivery.body, digest_size=16).digest()
    return (
        letter.id,
        letter.task,
        letter.event,
        letter.reason,
        letter.died,
        letter.exchange,
        letter.key,
        body,
    )


def _bound(pipeline: Pipeline, wait_s: float) -> set[tuple[str, str]] | None:
    """Return exchange and key of what the broker has bound; None: nobody knows, or may ask."""
    deadline = time.monotonic() + wait_s
    try:
        topologies = known(pipeline, say, lambda: time.monotonic() >= deadline)
    except LockRefused:
        return None
    if topologies is None:
        raise BrokerAway(f"gave up waiting for the broker, after {wait_s:g} s")
    each = [{(item.exchange, item.key) for item in topology.bindings} for topology in topologies]
    return set.intersection(*each) if each else None


def _check_declared(pipeline: Pipeline, wait_s: float) -> None:
    """See to it that the tasks' queues are there; say so where they aren't all as the file wants them."""
    deadline = time.monotonic() + wait_s
    differs = ensure(pipeline, say, lambda: time.monotonic() >= deadline, compare=True)
    if differs is None:
        raise BrokerAway(f"gave up waiting for the broker, after {wait_s:g} s; nothing was published")
    if differs:
        text = f"what {pipeline.name} has on the broker differs from {pipeline.file}"
        say("warning", f"{text}; the next start of `ebats run` brings it up to date")


def _summarise(found: Iterable[Letter]) -> None:
    """Say on standard error what kinds of letters there are."""
    kinds = Counter((letter.task or letter.event or letter.key, letter.reason) for letter in found)
    for (name, reason), count in kinds.most_common():
        sys.stderr.write(f"{count:>9,}  {escaped(name)}  {escaped(reason or '-')}\n")


def _tell(search: Search, pipeline: Pipeline, found: _Found, total: int | None, done: str) -> int:
    """Print what became of the letters; return the exit code."""
    whys = Counter(why for _, why in found.staying)
    if search.format == "json":
        going = [letters_json.summary(letter) for letter in letters.in_order(found.going)]
        staying = [letters_json.summary(letter) | {"why": why} for letter, why in found.staying]
        result = {"dead": total, done.rpartition(" be ")[2].replace(" ", "_"): going, "stay": staying}
        sys.stdout.write(letters_json.line(result))
    else:
        if " be " in done and found.going:
            sys.stdout.write(letters.table(found.going, terminal_width(sys.stdout)))
        sys.stdout.write(f"{how_many(pipeline, len(found.going), total)} {done}\n")
        sys.stdout.flush()
    for why, count in whys.most_common():
        say("warning", f"{counted(count, 'dead letter')} can't go anywhere, and stay: {escaped(why)}")
    return 1 if whys else 0
