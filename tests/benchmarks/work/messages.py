"""What a message of each kind of work holds, and the names of the tasks that it makes run."""

from tests.benchmarks.kinds import PAYLOAD_BYTES

TEXT = "x" * PAYLOAD_BYTES
#: By kind of work, where it isn't `noop`.
TASKS = {
    "cpu": ("cpu",),
    "sleep": ("sleep",),
    "payload": ("payload",),
    "three": ("first", "second", "third"),
    "retried": ("fails_once",),
    "latency": ("stamped",),
}


def tasks_of(kind: str) -> tuple[str, ...]:
    """Return the names of the tasks that are to be done for a message."""
    return TASKS.get(kind, ("noop",))


def body_of(kind: str, n: int) -> dict[str, object]:
    """Return the arguments of message number `n`."""
    return {"n": n, "text": TEXT} if kind == "payload" else {"n": n}
