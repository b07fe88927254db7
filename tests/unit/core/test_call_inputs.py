"""Bodies and entry points: what a call is made of."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import Format
from ebats.pipelines.problems import Place
from ebats.runner.execution import call
from ebats.runner.execution.call import BadBody, BadEntryPoint, inspect_function

# What comes out.


def entry(module: str, attribute: str) -> EntryPoint:
    return EntryPoint(module=module, attribute=attribute, place=Place(file="x.yaml", line=1, column=1))


# Bodies.


@pytest.mark.parametrize(
    ("body", "format_", "payload"),
    [
        (b'{"a": [1, null]}', "json", {"a": [1, None]}),
        (b'"x"', "json", "x"),
        ("é".encode(), "text", "é"),
        (b"\xff\x00", "bytes", b"\xff\x00"),
        (b"", "text", ""),
    ],
)
def test_a_body_is_decoded_by_its_events_format(body: bytes, format_: Format, payload: object) -> None:
    assert call.decode(body, format_) == payload


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}x", b"nan", b'{"a": NaN}', b"\xff", b'"\xff"', b'"\\ud800"', b"[" * 100_000, b"9" * 5000],
)
def test_a_body_that_is_no_json_is_told_as_such(body: bytes) -> None:
    with pytest.raises(BadBody, match="JSON"):
        call.decode(body, "json")


def test_a_body_that_is_no_text_is_told_as_such() -> None:
    with pytest.raises(BadBody, match="UTF-8"):
        call.decode(b"\xff", "text")


# Entry points.


@pytest.fixture
def tasks_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "tasks_of_test_call"
    (tmp_path / f"{name}.py").write_text(
        "number = 5\n\nclass Tasks:\n    @staticmethod\n    def ship(order_id):\n        return order_id\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_an_entry_point_may_be_dotted(tasks_module: str) -> None:
    assert call.find(entry(tasks_module, "Tasks.ship"))(3) == 3


def test_an_entry_point_that_is_not_there_is_told(tasks_module: str) -> None:
    for module, attribute in [("no.such.module", "f"), (tasks_module, "nobody"), (tasks_module, "number")]:
        with pytest.raises(BadEntryPoint, match=f"{module}:{attribute}"):
            call.find(entry(module, attribute))


@pytest.mark.parametrize("line", ["1 / 0", "raise SystemExit(3)", "raise ValueError('x' * 1_000_000)"])
def test_a_module_that_fails_at_its_import_is_told_in_few_words(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fails_at_import.py").write_text(line)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadEntryPoint) as told:
        call.find(entry("fails_at_import", "f"))
    assert len(str(told.value)) < 5000
    assert isinstance(sys.modules.get("fails_at_import"), ModuleType | None)


def test_what_cannot_be_called_with_a_message_is_refused() -> None:
    def generator() -> Any:
        yield 1

    async def async_generator() -> Any:
        yield 1

    def positional(order_id: int, /) -> None: ...

    for function in (generator, async_generator, positional, dict):
        with pytest.raises(BadEntryPoint):
            inspect_function(function)
