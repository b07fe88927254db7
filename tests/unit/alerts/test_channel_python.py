"""Python functions as channels: called with plain dicts; what they raise is told."""

import json
from pathlib import Path

import pytest

from ebats.pipelines.alerts import PythonChannel
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.problems import Place
from ebats.runner.alerts.channels.channel import ChannelError
from ebats.runner.alerts.channels.python import Python
from tests.unit.alerts.notices import notice

PLACE = Place(file="shop.yaml", line=1, column=1)
GOT: list[dict[str, object]] = []


def page(alert: dict[str, object]) -> None:
    GOT.append(alert)


async def page_async(alert: dict[str, object]) -> None:
    GOT.append(alert)


def fail(_alert: dict[str, object]) -> None:
    raise ValueError("no\nroute to amqp://me:hunter2@pager")


def leave(_alert: dict[str, object]) -> None:
    raise SystemExit(3)


def channel(name: str, module: str = __name__) -> Python:
    entry = EntryPoint(module=module, attribute=name, place=PLACE)
    return Python(PythonChannel(name="pager", python=entry), str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    GOT.clear()


@pytest.mark.parametrize("name", ["page", "page_async"])
def test_the_function_gets_a_plain_dict(name: str) -> None:
    channel(name).send([notice(1), notice(2)])
    assert [alert["id"] for alert in GOT] == ["a1", "a2"]
    assert json.loads(json.dumps(GOT[0])) == GOT[0]
    assert GOT[0]["since"] == "2026-11-23T14:05:00Z"
    assert {"state", "severity", "title", "text", "long", "count", "rule", "environment"} <= GOT[0].keys()


def test_what_it_raises_is_told_on_one_line_without_passwords() -> None:
    with pytest.raises(ChannelError) as raised:
        channel("fail").send([notice(1), notice(2)])
    assert str(raised.value) == "ValueError: no\\nroute to amqp://***@pager"
    assert raised.value.rest == (notice(1), notice(2))


def test_it_gets_three_attempts_and_then_the_next_one_has_its_turn() -> None:
    failing = channel("fail")
    refused = []
    for _ in range(3):
        with pytest.raises(ChannelError) as raised:
            failing.send([notice(1), notice(2)])
        refused.append((raised.value.refused, raised.value.rest))
    assert refused[0] == refused[1] == ((), (notice(1), notice(2)))
    assert refused[2] == ((notice(1),), (notice(2),))


def test_one_that_leaves_the_process_only_fails() -> None:
    with pytest.raises(ChannelError, match="SystemExit"):
        channel("leave").send([notice()])


@pytest.mark.parametrize(("name", "module"), [("nothing", __name__), ("page", "no_such_module_at_all")])
def test_one_that_is_not_there_is_given_up_with_the_reason(name: str, module: str) -> None:
    with pytest.raises(ChannelError, match="can't import") as raised:
        channel(name, module).send([notice()])
    assert raised.value.refused == (notice(),)
