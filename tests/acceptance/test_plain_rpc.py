"""The program of docs/results.md that asks for a result, with nothing of ebats; and direct reply-to."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.conftest import Broker
from tests.faults.site import Site
from tests.integration.wire import Wire

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
TASKS = "def charge(order_id, amount):\n    return {'receipt': f'R-{order_id}-{amount}'}\n"


def start(site: Site) -> None:
    """Start a pipeline whose task answers."""
    (site.folder / "bank.py").write_text(TASKS)
    site.write(tasks={"charge": {"python": "bank:charge"}}, events={"paid": {"tasks": ["charge"]}})
    site.start()


def test_program_in_the_documentation_gets_its_answer(
    rabbitmq: Broker, make_site: Callable[[str], Site]
) -> None:
    site = make_site(rabbitmq.url)
    start(site)
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (program,) = [text for text in programs if "reply_to" in text]
    program = program.replace("amqp://guest:guest@localhost//", site.url).replace("shop.tasks", "site.tasks")

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=40, check=False
    )

    assert (done.stdout, done.returncode) == ("{'receipt': 'R-FB1-5'}\n", 0), done.stderr


def test_direct_reply_to_works(rabbitmq: Broker, make_site: Callable[[str], Site]) -> None:
    site = make_site(rabbitmq.url)
    start(site)
    with closing(Wire(site.url)) as wire:
        wire.consume("amq.rabbitmq.reply-to", no_ack=True)
        body = json.dumps({"order_id": "FB1", "amount": 5})
        options: dict[str, Any] = {"reply_to": "amq.rabbitmq.reply-to", "correlation_id": "c-1"}
        wire.publish(body.encode(), "site.tasks", "charge", **options)

        wire.drain_until(lambda: wire.messages, "the answer")

        (answer,) = wire.messages
        assert answer.properties["correlation_id"] == "c-1"
        assert json.loads(bytes(answer.body))["result"] == {"receipt": "R-FB1-5"}
