"""A shop that sends orders, and `ebats logs` on what it wrote, for the acceptance tests."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.commands import run_ebats
from tests.faults.send import Message
from tests.faults.site import Site

TASKS = '''\
"""Tasks that say and do what their messages ask for."""

from ebats import Context, Reject


def ship(context: Context, order: str, do: str = "") -> dict:
    context.logger.debug("looks for a van")
    context.logger.info(f"packs {order}")
    if do == "die":
        raise Reject(f"no such order: {order}")
    if do == "fail" and context.attempt == 1:
        raise RuntimeError(f"no van is free, card_no=4711 {order}")
    return {"van": 7, "card_no": "4711"}


def bill(order: str) -> None:
    pass
'''
HISTORY: dict[str, Any] = {"history": {"file": {"path": "log.jsonl"}}}


def prepare(site: Site) -> Site:
    """Give a site the tasks of the shop."""
    (site.folder / "shop.py").write_text(TASKS)
    return site


def write(site: Site, sinks: Mapping[str, Any], **ship: Any) -> None:
    site.write(
        timezone="Asia/Shanghai",
        tasks={"ship": {"python": "shop:ship", "retry": ["100ms"], **ship}, "bill": {"python": "shop:bill"}},
        events={"order_paid": {"tasks": ["ship", "bill"], "labels": {"order": "{{ order }}"}}},
        logs={"console": {"std": {}}, **sinks},
    )


def order(site: Site, number: str, id_: str, **payload: Any) -> Message:
    message = site.message(number, "events", "order_paid", order=number, **payload)
    headers = {"ebats-published": time.time()}
    return replace(message, properties={"message_id": id_}, headers=headers)


def send(site: Site) -> None:
    """Publish three orders: one with an attempt that fails, one that dies, one without trouble."""
    site.declare()
    site.send_messages(
        [
            order(site, "FB138", "m1", do="fail"),
            order(site, "FB139", "m2", do="die"),
            order(site, "FB140", "m3"),
        ]
    )


def logs(site: Site, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `ebats logs`."""
    env = {"EBATS_STATE_DIR": str(site.folder / "state")}
    done = run_ebats("logs", site.file, *words, cwd=site.folder, env=env)
    assert done.returncode == code, done.stderr + done.stdout
    return done
