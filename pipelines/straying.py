"""What a message is for that the file, as it is now, wouldn't lead to where it is found. Pure.

`None` from here says: the file decides, as if it had never been another. `()` says: what the message was
for is gone.
"""

from ebats.pipelines.moves import Way
from ebats.pipelines.routes import Routes

#: So long after a change a message may come back from a process that still went by the old file.
_OLD_RUNNERS_S = 86_400.0
#: What a process with the old file took so soon after a change may still be from before it.
_CHANGING_S = 60.0


def of_named(
    routes: Routes,
    name: str,
    queue: str,
    event: tuple[str, str, str] | None,
    *,
    by_key: bool = False,
    rung_ms: int | None = None,
    before: bool = False,
    held: tuple[str, float] | None = None,
    delayed: bool = False,
) -> tuple[Way, ...] | None:
    """Return what a message is for that names its task, and lies in a queue (the broker's name).

    `by_key`: its routing key is the name, and has led it there.
    `event`: the event, exchange and key that it comes from, of a message that hasn't begun. Then it is for
    what the file says of its event, where it is known to be from before the change (`before`, or it comes
    from an event's own rung, of `rung_ms`, that the file has no more, or was given back: `held` says by
    whose file, and since when), or its publisher delayed it and the event has lost this task (`delayed`).
    Any other follows its task.
    """
    moves = routes.moves
    stale = event is not None and rung_ms is not None and not routes.is_rung_of(event[0], name, rung_ms)
    lost = event is not None and delayed and not routes.has(event[0], name)
    if event and (before or stale or lost):
        ways = moves.of_copy(event[0], name, *event[1:], delay_ms=rung_ms, before=before)
        if ways is not None:
            return ways
    if event and held and (ways := _of_held(routes, name, queue, event, held)) is not None:
        return ways
    now = moves.task(name)
    if now is None:
        if not moves.knew_task(name):
            return None
        return (moves.of_copy(event[0], name, *event[1:], delay_ms=rung_ms) or ()) if event else ()
    # A name in a header is believed in any queue, unless that has left the file.
    if now == name and (routes.feeds(queue, routes.tasks[name]) or (not by_key and routes.is_queue(queue))):
        return None
    return (moves.way(event and (moves.event(event[0]) or event[0]), now),)


def _of_held(
    routes: Routes, name: str, queue: str, event: tuple[str, str, str], held: tuple[str, float]
) -> tuple[Way, ...] | None:
    mark, since = held
    # One that it took later has a copy for each task that came: it was published to the new file.
    if since > routes.since + _CHANGING_S and routes.has(event[0], name):
        return None
    ways = routes.moves.of_held(mark, event[0], name, *event[1:])
    stays = routes.has(event[0], name) and routes.feeds(queue, routes.tasks[name])
    is_alone = ways is not None and [(way.event, way.task) for way in ways] == [(event[0], name)]
    return None if stays and is_alone else ways


def of_event(
    routes: Routes,
    exchange: str,
    key: str,
    queue: str,
    *,
    is_known: bool,
    came_back: float | None = None,
    before: bool = False,
) -> tuple[Way, ...] | None:
    """Return what a message is for that lies in a queue as its event's exchange handed it on.

    `is_known`: the file, as it is now, has something for it there. Then it was published after the change,
    or before: nobody can tell, and the file of now decides. But one that came back (`came_back`: when, a Unix
    time) may have been in the hands of a runner with an old file: for a while it is for what each says.
    """
    if before:
        return routes.moves.of_delivery(exchange, key, queue, before=True)
    if not is_known:
        return routes.moves.of_delivery(exchange, key, queue)
    if came_back is None or came_back - routes.since > _OLD_RUNNERS_S:
        return None
    then = routes.moves.of_delivery(exchange, key, queue, every=True) or ()
    now = routes.now.of_delivery(exchange, key, queue) or ()
    return (*now, *(way for way in then if way not in now)) if {*then} - {*now} else None
