"""`prepare`: the author's function has the last word on each request, at every attempt."""

import hashlib
import json
from typing import Any

import pytest

from tests.faults.site import Site
from tests.merchant import Merchant, status, success

SHOP = """
import asyncio
import hashlib
import json
import sys
import time
from ebats import Reject, Retry

KEYS = {"m-1": "secret"}


def sign(payload, request):
    key = KEYS.get(payload["n"])
    if key is None:
        raise Reject(f"no key of {payload['n']}")
    body = json.dumps({**json.loads(request.body), "attempt": request.attempt})
    request.body = body.encode()
    request.headers["X-Sign"] = hashlib.sha256(key.encode() + request.body).hexdigest()
    return request


async def elsewhere(payload, request):
    await asyncio.sleep(0)
    request.url = payload["to"]
    return request


def nothing(payload, request):
    request.headers["X-Sign"] = "forgotten"


def bad_header(payload, request):
    request.headers["X-Sign"] = "a\\r\\nX-Evil: 1"
    return request


def later(payload, request):
    if request.attempt == 1:
        raise Retry("the key server is busy", after="500ms")
    return request


def hangs(payload, request):
    if request.attempt == 1:
        time.sleep(600)
    return request


def fails(payload, request):
    raise KeyError("no such key")


def leaves(payload, request):
    sys.exit("no key")


def stops(payload, request):
    next(iter(()))


def interrupts(payload, request):
    raise KeyboardInterrupt


async def interrupts_async(payload, request):
    raise KeyboardInterrupt


async def cancels(payload, request):
    raise asyncio.CancelledError
"""


def write(site: Site, merchant: Merchant, **functions: str) -> None:
    """Write a file with an event and a task of the same name for each function of `SHOP`."""
    (site.folder / "shop.py").write_text(SHOP)
    http = {"url": merchant.url(), "json": {"n": "{{ n }}"}}
    site.write(
        tasks={name: {"http": {**http, "prepare": f"shop:{name}"}, "retry": ["500ms"]} for name in functions},
        events={event: {"tasks": [name]} for name, event in functions.items()},
    )
    site.declare()


def letters(site: Site) -> dict[str, tuple[str, str]]:
    """Return why messages are dead, and the text, by their task."""
    found = site.take()
    return {
        one.headers["ebats-task"]: (one.headers["ebats-reason"], one.headers["ebats-text"]) for one in found
    }


def test_a_request_is_signed_as_a_merchant_wants_it_at_every_attempt(site: Site) -> None:
    with Merchant() as merchant:
        merchant.replies = [status(500), success]
        write(site, merchant, sign="happened")
        site.send(["m-1"])
        site.run()
        site.send(["m-2"])
        site.run()
        calls = merchant.calls
    assert [json.loads(call.body) for call in calls] == [
        {"n": "m-1", "attempt": 1},
        {"n": "m-1", "attempt": 2},
    ]
    for call in calls:
        assert call.headers["X-Sign"] == hashlib.sha256(b"secret" + call.body).hexdigest()
    assert letters(site) == {"sign": ("rejected", "no key of m-2")}


def test_what_it_makes_of_a_request_is_looked_at(local_site: Site) -> None:
    names = {name: name for name in ("elsewhere", "nothing", "bad_header", "later", "fails")}
    with Merchant() as merchant:
        write(local_site, merchant, **names)
        for name in names:
            # Another host than the one of the file may have come from the payload.
            local_site.send(["m"], key=name, to=merchant.url(host="localhost"))
        local_site.run()
        calls = merchant.calls
    assert len(calls) == 1  # of `later`, at its second attempt
    found = letters(local_site)
    assert {name: reason for name, (reason, _) in found.items()} == {
        "elsewhere": "refused",
        "nothing": "refused",
        "bad_header": "refused",
        "fails": "exhausted",
    }
    assert found["nothing"][1] == "shop:nothing returned NoneType, and has to return the request"
    assert found["bad_header"][1] == "shop:bad_header wrote a header X-Sign that is no text of one line"


def test_whatever_it_raises_is_a_failed_attempt_and_holds_nothing_up(local_site: Site) -> None:
    raised = {
        "leaves": "SystemExit",
        "stops": "StopIteration",
        "interrupts": "KeyboardInterrupt",
        "interrupts_async": "KeyboardInterrupt",
        "cancels": "asyncio.exceptions.CancelledError",
    }
    with Merchant() as merchant:
        write(local_site, merchant, **{name: name for name in raised}, sign="happened")
        for name in raised:
            local_site.send(["m"], key=name)
        local_site.send(["m-1"])
        local_site.run()
        assert [json.loads(call.body)["n"] for call in merchant.calls] == ["m-1"]
    found = {one.headers["ebats-task"]: one.headers for one in local_site.take()}
    assert {name: headers["ebats-error"] for name, headers in found.items()} == raised
    assert {headers["ebats-reason"] for headers in found.values()} == {"exhausted"}


@pytest.mark.slow
def test_one_that_hangs_costs_its_process_and_not_the_callbacks(local_site: Site) -> None:
    (local_site.folder / "shop.py").write_text(SHOP)
    with Merchant() as merchant:
        http = {"url": merchant.url(), "prepare": "shop:hangs"}
        task = {"http": http, "timeout": "1s", "retry": ["500ms"]}
        local_site.write(tasks={"tell": task}, events={"happened": {"tasks": ["tell"]}})
        local_site.declare()
        local_site.send([f"m-{number}" for number in range(20)])
        output = local_site.run(deadline_s=120)
        assert len(merchant.calls) == 20
    assert "doesn't end: its process leaves" in output
    assert not local_site.take()


def test_one_that_is_not_there_is_found_before_anything_starts(local_site: Site) -> None:
    (local_site.folder / "shop.py").write_text(SHOP)
    http: dict[str, Any] = {"url": "https://api.example.com/", "prepare": "shop:missing"}
    local_site.write(tasks={"tell": {"http": http}}, events={"happened": {"tasks": ["tell"]}})
    output = local_site.run(code=78)
    assert "shop:missing" in output
