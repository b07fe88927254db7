"""How the processes of a run are, put together for `ebats status`."""

import os
from collections.abc import Sequence
from typing import Any

from ebats.runner.slot import Slot


def state_of(slots: Sequence[Slot], lane: Slot, writer: Slot, alerter: Slot) -> dict[str, Any]:
    """Return how all processes are: JSON. Those of `slots` may have finished."""
    children = (slot.child for slot in [*slots, lane] if slot.child)
    processes = [
        {"name": child.spec.name, "pid": child.pid, "ready": child.ready, **child.status, **child.about}
        for child in children
    ]
    processes += [
        {"name": slot.spec.name, "pid": None, "ready": False, "finished": True, **slot.last_words}
        for slot in slots
        if slot.finished
    ]
    return {
        "pid": os.getpid(),
        "running": sum(process.get("running", 0) for process in processes),
        "processes": processes,
        "sinks": _about(writer).get("sinks", {}),
        **_about(alerter),
    }


def _about(slot: Slot) -> dict[str, Any]:
    found: dict[str, Any] = slot.child.about if slot.child else {}
    return found
