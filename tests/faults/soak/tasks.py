"""The tasks of the soak; copied beside the pipeline's file."""

import asyncio
import ctypes
import os
import signal
import time
from pathlib import Path

from ebats import Context, Payload, Retry


def work(context: Context, n: str, do: str = "", seconds: float = 0.0) -> None:
    """Fail the first attempt where the message says so, then work and note it."""
    _fail_first(context, do)
    time.sleep(seconds)
    _done(context, n)


async def work_async(context: Context, n: str, do: str = "", seconds: float = 0.0) -> None:
    """Do the same on the event loop."""
    _fail_first(context, do)
    await asyncio.sleep(seconds)
    _done(context, n)


def fragile(do: str) -> None:
    """End the process."""
    match do:
        case "exit":
            os._exit(3)
        case "segv":
            ctypes.string_at(0)
        case _:
            os.kill(os.getpid(), signal.SIGKILL)


def tick(payload: Payload, context: Context) -> None:
    """Note a tick of the clock."""
    _append("ticks", f"{payload} {context.id}")


def _fail_first(context: Context, do: str) -> None:
    if do == "fail_first" and context.attempt == 1:
        raise Retry("the first attempt fails")


def _done(context: Context, n: str) -> None:
    _append("done", f"{n}/{context.task}")


def _append(name: str, text: str) -> None:
    file = os.open(Path(__file__).with_name(name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{text}\n".encode())
    os.close(file)
