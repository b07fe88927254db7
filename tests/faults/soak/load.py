"""Steady load for a soak: publishers, also by the gateway, that send again until it is confirmed."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from random import Random
from typing import Any

from tests.faults.send import AWAY, Message, Sender
from tests.faults.site import Site
from tests.faults.soak.ledger import runs_of
from tests.faults.soak.world import World

#: What comes how often; a fifth of all fails first, and waits on a rung.
_EVENTS = {"pair": 4, "alone": 3, "later": 1, "soon": 2, "told": 1}
#: The size of a batch, and the pause between two of a sender.
_BATCH, _PAUSE_S = 10, 0.4
_AGAIN_S = 0.5
_BURST, _IN_A_BURST = "burst-1", 100


class Load:
    """The senders of a soak, on threads of their own."""

    def __init__(self, world: World, seed: int) -> None:
        """Send to a pipeline; what is in the messages follows from the seed."""
        self._world, self._seed = world, seed
        self._stop, self._pause = threading.Event(), threading.Event()
        self._idle = {name: threading.Event() for name in ("broker-1", "broker-2", "gateway-1", _BURST)}
        self._wanted = threading.Event()
        #: What went wrong in a sender that must not.
        self.errors: list[BaseException] = []

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Send while the block runs."""
        threads = [threading.Thread(target=self._send, args=(name,)) for name in self._idle]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(120)

    def pause(self) -> bool:
        """Send nothing new; return whether all that was begun is confirmed."""
        self._pause.set()
        return all(idle.is_set() for idle in self._idle.values())

    def resume(self) -> None:
        """Send again."""
        for idle in self._idle.values():
            idle.clear()
        self._pause.clear()

    def burst(self) -> None:
        """Send a lot at once, all of which fails first: a fault that comes now finds it on its way."""
        self._wanted.set()

    def _send(self, name: str) -> None:
        chance = Random(f"load {self._seed} {name}")
        sender = Sender(self._world.url, self._world.ledger)
        send = self._by_gateway if name.startswith("gateway") else partial(self._by_broker, sender)
        try:
            number = 0
            with closing(sender):
                while not self._stop.wait(0.01 if name == _BURST else _PAUSE_S):
                    if self._pause.is_set():
                        self._idle[name].set()
                        continue
                    self._idle[name].clear()
                    batch = self._batch(chance, name, number)
                    number += len(batch)
                    while not send(batch) and not self._stop.wait(_AGAIN_S):
                        pass
        except BaseException as error:
            self.errors.append(error)
            raise

    def _batch(self, chance: Random, name: str, first: int) -> list[dict[str, Any]]:
        if name != _BURST:
            return [_payload(chance, f"{name}-{first + index}") for index in range(_BATCH)]
        if not self._wanted.is_set():
            return []
        self._wanted.clear()
        return [_payload(chance, f"{name}-{first + index}", fails=1.0) for index in range(_IN_A_BURST)]

    def _by_broker(self, sender: Sender, batch: list[dict[str, Any]]) -> bool:
        """Publish what isn't confirmed of a batch; return whether all is now."""
        site, ledger = self._world.site, self._world.ledger
        try:
            sender.send([_message(site, each) for each in batch])
        except (*AWAY, AssertionError):  # the latter: no confirms in time
            sender.close()
            confirmed = ledger.counts("confirmed")
            batch[:] = [each for each in batch if runs_of(each["n"])[0] not in confirmed]
            ledger.sending_again(each["n"] for each in batch)
            return not batch
        return True

    def _by_gateway(self, batch: list[dict[str, Any]]) -> bool:
        """Post a batch; return whether it was accepted."""
        gateway, ledger = self._world.gateway, self._world.ledger
        names = [each["n"] for each in batch]
        items = [{"event": each["event"], "id": each["n"], "payload": each} for each in batch]
        items[0]["delay"] = "700ms"
        ledger.attempting(names)
        try:
            answer = gateway.post("/v1/messages", items, timeout_s=60)
        except ConnectionRefusedError:
            return False  # nobody heard it
        except (OSError, http.client.HTTPException):
            ledger.sending_again(names)
            return False
        if answer.status != 202:
            assert answer.status == 503, (answer.status, answer.body[:2000])
            if answer.code != "unavailable":
                ledger.sending_again(names)
            return False
        ledger.confirmed(names)
        return True


def poison(world: World, name: str, how: str) -> None:
    """Publish a message that ends its process, until it is confirmed."""
    message: Message = world.site.message(name, key="poisoned", do=how)
    with closing(Sender(world.url, world.ledger)) as sender:
        while not sender.try_to_send([message]):
            world.ledger.sending_again([name])


def _message(site: Site, payload: dict[str, Any]) -> Message:
    more = {key: value for key, value in payload.items() if key != "n"}
    return site.message(payload["n"], key=payload["event"], **more)


def _payload(chance: Random, name: str, fails: float = 0.2) -> dict[str, Any]:
    event = chance.choices(list(_EVENTS), list(_EVENTS.values()))[0]
    return {
        "n": f"{event}-{name}",
        "event": event,
        "do": "fail_first" if chance.random() < fails else "",
        # Some are slow, so that there is something in hand whenever a fault comes.
        "seconds": round(chance.uniform(0.2, 1.5), 2) if chance.random() < 0.05 else 0.002,
    }
