"""The tasks of the fault tests; each message says what its run does. Copied beside the pipeline's file."""

import asyncio
import ctypes
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ebats import Context, Payload, Reject, Retry

FOLDER = Path(__file__).parent


def work(
    context: Context, n: str, do: str = "", seconds: float = 0.0, after: float | str | None = None
) -> str:
    """Note the start, do what the message says, note the end."""
    note("started", context, n)
    if do == "retry_after" or (do == "retry_after_once" and context.attempt == 1):
        raise Retry("later", after=after)
    if do in ACTS:
        ACTS[do](n)
    time.sleep(seconds)
    note("done", context, n)
    return n


def other(context: Context, n: str, other_do: str = "") -> str:
    """Do the same as `work` by another key of the payload: the second task of an event."""
    return work(context, n, other_do)


def link(context: Context, payload: Payload) -> Any:
    """Do what the first message of a chain says this task does; return what it says."""
    first = payload
    while "payload" in first:
        first = first["payload"]
    note("started", context, first["n"], payload)
    if act := first.get("acts", {}).get(context.task):
        ACTS[act](f"{first['n']}.{context.task}")
    time.sleep(first.get("seconds", 0.0))
    note("done", context, first["n"], payload)
    return RESULTS[first["result"]]() if "result" in first else {"by": context.task}


def link_named(context: Context, payload: Payload, n: str) -> Any:
    """Do the same with an argument that has to be there."""
    return link(context, payload)


def collect(context: Context, payload: Payload) -> None:
    """Note what came, whatever it is."""
    note("started", context, "", payload)


def measure(result: str) -> None:
    """Note how long a result is."""
    append("measured", str(len(result)))


async def link_async(context: Context, payload: Payload) -> Any:
    """Do the same on the event loop."""
    return link(context, payload)


async def work_async(context: Context, n: str, seconds: float = 0.0) -> None:
    """Note the start, wait, note the end; also that it was cancelled."""
    note("started", context, n)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        note("cancelled", context, n)
        raise
    note("done", context, n)


def note(name: str, context: Context, n: str, payload: object = None) -> None:
    """Append a line about this run, with one system call."""
    line = {
        "n": n,
        **({"payload": payload} if payload is not None else {}),
        "task": context.task,
        "event": context.event,
        "attempt": context.attempt,
        "id": context.id,
        "exchange": context.exchange,
        "key": context.key,
        "headers": {key: value for key, value in context.headers.items() if not key.startswith("x-death")},
        "pid": os.getpid(),
        "at": time.time(),
    }
    append(name, json.dumps(line, default=str))


def append(name: str, text: str) -> None:
    """Append a line to a file of this folder."""
    file = os.open(FOLDER / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{text}\n".encode())
    os.close(file)


def begins(reason: str = "") -> None:
    """Note that a process begins: for on_start."""
    append("hooks", f"start {os.getpid()}")


def ends(reason: str) -> None:
    """Note why a process leaves: for on_stop."""
    append("hooks", f"stop {os.getpid()} {reason}")


def fails(context: Context, error: BaseException) -> None:
    """Note a failed attempt: for on_error."""
    append("hooks", f"error {context.id} {context.attempt} {type(error).__name__}")


def page(alert: dict[str, Any]) -> None:
    """Note what is wrong: a channel of alerts."""
    append("pages", json.dumps(alert))


def page_hangs(alert: dict[str, Any]) -> None:
    """Note that it was called, and never return."""
    append("hangs", alert["id"])
    time.sleep(600)


def page_raises(_alert: dict[str, Any]) -> None:
    raise OSError("nobody is there")


def explode(n: str) -> None:
    raise ValueError(f"no luck with {n}")


def explode_hugely(_n: str) -> None:
    raise ValueError("x" * 1_000_000)


def ask_again(_n: str) -> None:
    raise Retry("busy")


def refuse(_n: str) -> None:
    raise Reject("no such order")


def fail_once(n: str) -> None:
    """Fail the first time that a message comes."""
    if _is_first(n):
        raise ValueError("the first attempt fails")


def kill_thrice_fail_once(n: str) -> None:
    """Kill the process in the first three runs of a message, fail in the fourth."""
    if any(_is_first(f"{n}.{death}") for death in range(3)):
        kill_itself(n)
    fail_once(n)


def hang_once(n: str) -> None:
    """Hang for good the first time that a message comes."""
    if _is_first(n):
        time.sleep(600)


def hang_second(n: str) -> None:
    """Take a while the first time that a message comes, hang for good the second time."""
    if _is_first(n):
        time.sleep(8)
    elif _is_first(f"{n}-second"):
        time.sleep(600)


def hang_other_once(n: str) -> None:
    """Do the same in the second task of an event."""
    hang_once(f"{n}-other")


def deafen_once(n: str) -> None:
    """Let the process ignore SIGTERM and SIGINT, and hang for good, the first time that a message comes."""
    if _is_first(n):
        for number in (signal.SIGTERM, signal.SIGINT):
            # Past the interpreter, which lets only its main thread do so.
            ctypes.CDLL(None).signal(number, ctypes.c_void_p(signal.SIG_IGN))
        time.sleep(600)


def wait_for_go(_n: str) -> None:
    """Wait until the test makes the file `go`."""
    while not (FOLDER / "go").exists():
        time.sleep(0.02)


def hold_interpreter_once(n: str) -> None:
    """Let no other thread of the process run, for a long while, the first time that a message comes."""
    if _is_first(n):
        ctypes.PyDLL(None).sleep(600)


def eat_memory(_n: str) -> None:
    EATEN.append(bytearray(os.urandom(1) * 60_000_000))


def exhaust_memory(_n: str) -> None:
    """Take all the memory that the process may have, to the last byte, and hold it until this ends."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 50_000_000, resource.RLIM_INFINITY))
    taken, size = [], 1 << 24
    while size:
        try:
            taken.append(bytearray(size))
        except MemoryError:
            size //= 2
    raise MemoryError


def exit_now(_n: str) -> None:
    os._exit(3)


def break_memory(_n: str) -> None:
    ctypes.string_at(0)


def kill_itself(_n: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_itself_late(_n: str) -> None:
    """Kill the process when the message has been parked: `LIMIT_S` of the tests of leases is meant."""
    time.sleep(2.6)
    os.kill(os.getpid(), signal.SIGKILL)


def leave(_n: str) -> None:
    raise SystemExit("a task may not end the process")


def _is_first(n: str) -> bool:
    try:
        os.close(os.open(FOLDER / f"{n}.once", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


#: What can't be told in a payload.
RESULTS: dict[str, Callable[[], object]] = {
    "set": lambda: {"items": [{1, 2}]},
    "nan": lambda: float("nan"),
    "surrogate": lambda: "\ud83d",
    "deep": lambda: nested(100_000),
    "unreadable": lambda: nested(950),
    "huge": lambda: "x" * 40_000_000,
    "large": lambda: "x" * 15_000_000,
}
EATEN: list[bytearray] = []
ACTS: dict[str, Callable[[str], None]] = {
    "raise": explode,
    "raise_huge": explode_hugely,
    "retry": ask_again,
    "reject": refuse,
    "fail_once": fail_once,
    "hang_once": hang_once,
    "hang_second": hang_second,
    "hang_other_once": hang_other_once,
    "deafen_once": deafen_once,
    "wait_for_go": wait_for_go,
    "hold_once": hold_interpreter_once,
    "eat": eat_memory,
    "exhaust": exhaust_memory,
    "exit": exit_now,
    "segv": break_memory,
    "kill": kill_itself,
    "kill_late": kill_itself_late,
    "kill_thrice_fail_once": kill_thrice_fail_once,
    "system_exit": leave,
}
