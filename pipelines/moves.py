"""Where a message that waits somewhere goes, now that the file has changed. Pure."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ebats.pipelines.topics import matches
from ebats.pipelines.wiring import WiredEvent, WiredEventTask, Wiring, mark


class Way(NamedTuple):
    """One task that a message is for by the new file, and how it gets there."""

    #: None: the task was addressed by its name.
    event: str | None
    task: str
    #: The file's name of the queue.
    queue: str
    #: What it has to wait yet; 0: nothing, or it has waited already.
    delay_ms: int = 0


class _Entry(NamedTuple):
    event: str
    item: WiredEventTask


#: By event and task of an old file: what its copy of a message is for by the new one.
_Carried = dict[tuple[str, str], tuple[Way, ...]]


class Moves:
    """Knows the file, and how it was before.

    A message of an event is one copy for each of its tasks (one for all that share a queue). Tasks that the
    event had before and has now run by the copy that was for them. A task that came to it runs by the copy
    of the first task that went, or, where none went, by the first copy. So over all copies each task of the
    new file runs once. A copy for which nothing is left is `()`: its message is dead.
    """

    def __init__(self, new: Wiring, former: Sequence[Wiring] = (), recent: int = 1) -> None:
        """Move to the file that is wired like `new`, from those of `former`, newest first.

        `recent`: how many of them may be what was last. More than one after a crash in a change; then
        a message is for what either says.
        """
        self._new = new
        self._former = tuple(former)
        self._recent = recent
        self._marks = {mark(wiring): index for index, wiring in enumerate(self._former)}
        self._tasks = lru_cache(4096)(self._task_of)
        self._carry = lru_cache(4096)(self._carried)

    # Names.

    def task(self, name: str) -> str | None:
        """Return what a task is called now: another name where one of another name does the same.

        None: it is gone, or never was.
        """
        if name in self._new.tasks:
            return name
        known = (index for index, wiring in enumerate(self._former) if name in wiring.tasks)
        return next((now for index in known if (now := self._tasks(index, name))), None)

    def event(self, name: str) -> str | None:
        """Return what an event is called now: another name where a new one has the same tasks."""
        if name in self._new.events:
            return name
        known = (index for index, wiring in enumerate(self._former) if name in wiring.events)
        return next((now for index in known if (now := self._event_of(index, name))), None)

    def knew_task(self, name: str) -> bool:
        """Return whether a former file had a task of this name."""
        return any(name in wiring.tasks for wiring in self._former)

    def queue_of(self, name: str) -> str | None:
        """Return the broker's name of a queue that only former files had, by its name in them."""
        return next((each.queues[name] for each in self._former if name in each.queues), None)

    # Messages.

    def of_delivery(
        self, exchange: str, key: str, queue: str, *, before: bool = False, every: bool = False
    ) -> tuple[Way, ...] | None:
        """Return what a message is for that lies in a queue as its event's exchange handed it on.

        `queue` is the broker's name. `before`: it is known to be from before the change. `every`: by all
        former files that knew it. None: no former file meant anything by such a message there.
        """

        def there(wiring: Wiring) -> list[_Entry]:
            return [
                entry
                for entry in _entries(wiring, _happened(wiring, exchange, key, queue))
                if _is_at(wiring, entry, queue)
            ]

        return self._union(there, exchange, key, queue, before=before, every=every)

    def of_copy(
        self, event: str, task: str, exchange: str, key: str, *, delay_ms: int | None, before: bool = False
    ) -> tuple[Way, ...] | None:
        """Return what a message is for that was made for one task of an event, and hasn't run.

        `exchange` and `key` are those that the event was published with. `delay_ms`: the event's own rung
        that it comes from, or waits on; None: it is elsewhere.
        """

        def there(wiring: Wiring) -> list[_Entry]:
            items = wiring.events[event].tasks if event in wiring.events else ()
            return [
                _Entry(event, item)
                for item in items
                if item.task == task and delay_ms in (None, item.delay_ms)
            ]

        return self._union(there, exchange, key, "", before=before, every=False)

    def of_held(self, by: str, event: str, task: str, exchange: str, key: str) -> tuple[Way, ...] | None:
        """Return what a copy is for that a runner had in hand, by the file of the mark `by`, and gave back.

        None: no former file has this mark, or none such for that task.
        """
        index = self._marks.get(by)
        if index is None or event not in self._former[index].events:
            return None
        return self._carry(index, event, exchange, key, "").get((event, task))

    def of_queue(self, queue: str) -> tuple[Way, ...] | None:
        """Return what a message is for that somebody published straight to a queue: its only task before."""
        for wiring in self._former:
            names = {name for name, broker_name in wiring.queues.items() if broker_name == queue}
            tasks = [name for name, task in wiring.tasks.items() if names & {*task.queues}]
            if tasks:
                now = self.task(tasks[0]) if len(tasks) == 1 else None
                return (self.way(None, now),) if now else ()
        return None

    def way(self, event: str | None, task: str, queue: str | None = None) -> Way:
        """Return the way to a task of the file, by that queue (the file's name) where it may run from it."""
        allowed = self._new.tasks[task].queues
        return Way(event, task, queue if queue in allowed else allowed[0])

    def _union(
        self,
        there: Callable[[Wiring], list[_Entry]],
        exchange: str,
        key: str,
        queue: str,
        *,
        before: bool,
        every: bool,
    ) -> tuple[Way, ...] | None:
        ways: list[Way] = []
        known = False
        for index, wiring in enumerate(self._former):
            if known and not every and not (before and index < self._recent):
                break
            for event, item in there(wiring):
                known = True
                carried = self._carry(index, event, exchange, key, queue)
                ways += carried.get((event, item.task), ())
        return tuple(dict.fromkeys(ways)) if known else None

    def _carried(self, index: int, event: str, exchange: str, key: str, queue: str) -> _Carried:
        """Return what each copy of a message, published under a former file, is for by the new one."""
        old = self._former[index]
        matching = _happened(old, exchange, key, queue)
        # Where the publisher chose the tasks, or an intake fed them, the event alone counts.
        by_key = event in matching and old.events[event].queue is None
        before = matching if by_key else (event,)
        renamed = (self._event_of(index, name) for name in before)
        after = [name for name in renamed if name is not None and (not by_key or name not in old.events)]
        if by_key:
            after = [*_happened(self._new, exchange, key, ""), *after]
        return self._deal(index, _entries(old, before), _entries(self._new, dict.fromkeys(after)))

    def _deal(self, index: int, before: list[_Entry], after: list[_Entry]) -> _Carried:
        carried: _Carried = {(entry.event, entry.item.task): () for entry in before}
        left = list(after)

        def give(entry: _Entry, to: _Entry, *, waited: bool) -> None:
            way = Way(to.event, to.item.task, to.item.queue, 0 if waited else to.item.delay_ms)
            carried[entry.event, entry.item.task] += (way,)

        open_ = list(before)
        for by_event in (True, False):  # first the same task of the same event, then of another
            for entry in tuple(open_):
                task, event = self._tasks(index, entry.item.task), self._event_of(index, entry.event)
                same = (to for to in left if to.item.task == task and (not by_event or to.event == event))
                if to := next(same, None):
                    left.remove(to)
                    open_.remove(entry)
                    give(entry, to, waited=entry.item.delay_ms > 0)
        # Rather by a copy that needn't wait.
        for to in left if before else ():
            give(min(open_ or before, key=lambda entry: entry.item.delay_ms > 0), to, waited=False)
        return carried

    def _later(self, index: int) -> Iterable[Wiring]:
        """Return what came after a former file, in its order, and at last the file of now."""
        return (*reversed(self._former[:index]), self._new)

    def _task_of(self, index: int, name: str) -> str | None:
        wiring = self._former[index]
        for later in self._later(index):
            if then := _task_then(wiring, later, name):
                wiring, name = later, then
        return name if name in self._new.tasks else None

    def _event_of(self, index: int, name: str) -> str | None:
        wiring = self._former[index]
        for later in self._later(index):
            if then := _event_then(wiring, later, name):
                wiring, name = later, then
        return name if name in self._new.events else None


def is_pattern(event: WiredEvent) -> bool:
    """Return whether messages of several keys may be an event."""
    return event.type == "fanout" or any({"*", "#"} & {*key.split(".")} for key in event.keys)


def _happened(wiring: Wiring, exchange: str, key: str, queue: str) -> tuple[str, ...]:
    """Return the events that a message is: what an intake holds is its event, whatever its key."""
    if intakes := tuple(name for name, event in wiring.events.items() if queue and event.queue == queue):
        return intakes
    return tuple(
        name
        for name, event in wiring.events.items()
        if event.queue is None and event.exchange == exchange and _takes(event, key)
    )


def _takes(event: WiredEvent, key: str) -> bool:
    return event.type == "fanout" or any(matches(pattern, key) for pattern in event.keys)


def _entries(wiring: Wiring, events: Iterable[str]) -> list[_Entry]:
    return [_Entry(name, item) for name in events for item in wiring.events[name].tasks]


def _is_at(wiring: Wiring, entry: _Entry, queue: str) -> bool:
    """Return whether an event's messages for a task come to a queue (the broker's name) at once."""
    if (intake := wiring.events[entry.event].queue) is not None:
        return intake == queue
    return not entry.item.delay_ms and wiring.queues.get(entry.item.queue) == queue


def _task_then(old: Wiring, new: Wiring, name: str) -> str | None:
    """Return what a task is called in the next file; None: it isn't there."""
    if name in new.tasks:
        return name
    if name not in old.tasks:
        return None
    does = old.tasks[name].does
    went = [each for each, task in old.tasks.items() if each not in new.tasks and task.does == does]
    came = [each for each, task in new.tasks.items() if each not in old.tasks and task.does == does]
    return came[0] if len(went) == len(came) == 1 else None


def _event_then(old: Wiring, new: Wiring, name: str) -> str | None:
    """Return what an event is called in the next file; None: it isn't there."""
    if name in new.events:
        return name
    if name not in old.events:
        return None

    def tasks(event: str) -> frozenset[str | None]:
        return frozenset(_task_then(old, new, item.task) for item in old.events[event].tasks)

    wanted = tasks(name)
    went = [each for each in old.events if each not in new.events and tasks(each) == wanted]
    came = [
        each
        for each, event in new.events.items()
        if each not in old.events and {item.task for item in event.tasks} == wanted
    ]
    return came[0] if len(went) == len(came) == 1 else None
