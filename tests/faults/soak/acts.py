"""How a soak causes each of its faults, and lets it end."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.disks import stuff
from tests.faults.soak.load import poison
from tests.faults.soak.schedule import Step
from tests.faults.soak.world import World
from tests.node_client import NodeClient
from tests.proxy import Proxy

_POISONS = ("exit", "segv", "kill")


def cause(world: World, step: Step, number: int) -> None:
    """Cause a fault, and wait until it is over; `number`: of the step, for names."""
    if step.what == "a poison":
        poison(world, f"poisoned-{number}", _POISONS[int(step.whom * len(_POISONS)) % len(_POISONS)])
    else:
        _ACTS[step.what](world, step)


def _kill(kind: str) -> Callable[[World, Step], None]:
    def kill(world: World, step: Step) -> None:
        if victim := _one(world, kind, step):
            with suppress(psutil.NoSuchProcess):
                victim.kill()

    return kill


def _hold(world: World, step: Step) -> None:
    if victim := _one(world, "all#", step):
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGSTOP)
            time.sleep(step.lasts_s)
            victim.send_signal(signal.SIGCONT)


def _one(world: World, kind: str, step: Step) -> psutil.Process | None:
    found = world.processes(kind)
    return found[min(int(step.whom * len(found)), len(found) - 1)] if found else None


def _fill_log(world: World, step: Step) -> None:
    if not world.has_disk:
        return  # a small one can't be mounted here
    junk = stuff(world.log)
    time.sleep(step.lasts_s)
    junk.unlink()


def _cut(world: World, _step: Step) -> None:
    _links(world).cut()


def _silence(world: World, step: Step) -> None:
    links = _links(world)
    links.block(("up", "down", "both")[int(step.whom * 3) % 3])
    time.sleep(step.lasts_s)
    links.resume()


def _stop_broker(world: World, step: Step) -> None:
    assert world.node
    world.node.stop()
    time.sleep(step.lasts_s)
    world.node.start()


def _kill_broker(world: World, step: Step) -> None:
    assert world.node
    world.node.kill()
    time.sleep(step.lasts_s)
    world.node.start()


def _alarm(world: World, step: Step) -> None:
    assert world.node
    with _disk_alarm(world.node):
        time.sleep(step.lasts_s)


@contextmanager
def _disk_alarm(node: NodeClient) -> Iterator[None]:
    what = "{resource_limit, disk, node()}"
    node.evaluate(f"rabbit_alarm:set_alarm({{{what}, []}}).")
    try:
        yield
    finally:
        node.evaluate(f"rabbit_alarm:clear_alarm({what}).")


def _kill_parent(world: World, _step: Step) -> None:
    world.command.kill()
    world.wait_gone()
    world.start()


def _kill_everything(world: World, _step: Step) -> None:
    world.command.kill_all()
    world.start()


def _run_anew(world: World, _step: Step) -> None:
    world.end()
    world.start()


def _links(world: World) -> Proxy:
    assert world.proxy
    return world.proxy


_ACTS: dict[str, Callable[[World, Step], None]] = {
    "a consumer killed": _kill("all#"),
    "a consumer held": _hold,
    "the gateway killed": _kill("gateway#"),
    "the writer killed": _kill("writer"),
    "the clock killed": _kill("clock#"),
    "the log's disk full": _fill_log,
    "links cut": _cut,
    "links silent": _silence,
    "the broker stopped": _stop_broker,
    "the broker killed": _kill_broker,
    "the broker's disk alarm": _alarm,
    "the parent killed": _kill_parent,
    "everything killed": _kill_everything,
    "SIGTERM and a new run": _run_anew,
}
