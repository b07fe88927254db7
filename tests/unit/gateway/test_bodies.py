"""Items of bodies: their shapes, and what is wrong with each."""

import json
from typing import Any

import pytest

from ebats.runner.gateway import bodies
from ebats.runner.gateway.bodies import MOST_ITEMS, BadBody, TooMany
from ebats.runner.gateway.items import BadItem, Item


def read(value: object) -> Item | BadItem:
    (found,) = bodies.array(json.dumps([value]).encode(), 64)
    return found


def test_an_item_has_what_was_given() -> None:
    found = read(
        {
            "exchange": "orders",
            "queue": "",
            "route": "",
            "payload": [1],
            "id": "i",
            "delay": "90s",
            "headers": {"a": 1, "b": [True, None, {"c": "d"}]},
            "raw": False,
        }
    )
    assert isinstance(found, Item)
    # An empty text is a name that isn't given; an empty route is one.
    assert found.names == ("orders", None, "", None, None)
    assert (found.payload, found.json, found.id, found.delay_s) == ([1], b"[1]", "i", 90.0)
    assert found.headers == {"a": 1, "b": [True, None, {"c": "d"}]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "an item is an object, and this is a number"),
        (None, "an item is an object, and this is null"),
        (True, "and this is true or false"),
        ("x", "and this is a text"),
        ([], "and this is an array"),
        ({}, "the item has no `payload`"),
        ({"payload": 1, "exchnge": "a"}, "an item has no `exchnge`"),
        ({"payload": 1, "exchange": 7}, "`exchange` is a text, and this is a number"),
        ({"payload": 1, "queue": []}, "`queue` is a text, and this is an array"),
        ({"payload": 1, "id": 7}, "`id` is a text, and this is a number"),
        ({"payload": 1, "id": "x" * 256}, "a message id has 1 to 255 bytes"),
        ({"payload": 1, "raw": "yes"}, "`raw` is true or false, and this is a text"),
        ({"payload": 1, "raw": 1}, "`raw` is true or false"),
        ({"payload": 1, "delay": "10"}, "10"),
        ({"payload": 1, "delay": "soon"}, "soon"),
        ({"payload": 1, "delay": True}, '`delay` is a text such as "37s", or seconds'),
        ({"payload": 1, "delay": {}}, "and this is an object"),
        ({"payload": 1, "delay": -1}, "`delay` is between 0 and"),
        ({"payload": 1, "delay": 10**400}, "`delay` is too large a number"),
        ({"payload": 1, "headers": ["a"]}, "`headers` is an object of names and values"),
        ({"payload": 1, "headers": {"x-death": 1}}, "is not for publishers"),
        ({"payload": 1, "headers": {"ebats-task": "ship"}}, "is not for publishers"),
        ({"payload": 1, "headers": {"a": "x" * 70_000}}, "are allowed"),
        ({"payload": 1, "headers": {"a": 2**70}}, "more than 64 bits"),
    ],
)
def test_what_is_no_item_says_why(value: object, text: str) -> None:
    found = read(value)
    assert isinstance(found, BadItem)
    assert text in str(found)


def test_a_hint_names_what_is_like_a_wrong_name() -> None:
    found = read({"payload": 1, "rout": "a"})
    assert isinstance(found, BadItem)
    assert found.hint() == "did you mean `route`?"
    # Looking for it in a long name would take very long.
    long = read({"payload": 1, "x" * 1_000_000: "a"})
    assert isinstance(long, BadItem)
    assert len(long.hint()) + len(str(long)) < 300


@pytest.mark.parametrize("body", ["{}", "7", '"x"', "null", '{"payload": 1}', "[]"])
def test_a_body_without_items_is_refused(body: str) -> None:
    with pytest.raises(BadBody):
        bodies.array(body.encode(), 64)


def test_a_body_has_no_more_items_than_can_be_held() -> None:
    assert len(bodies.array(b"[" + b"1," * (MOST_ITEMS - 1) + b"1]", 64)) == MOST_ITEMS
    with pytest.raises(TooMany, match="more than 10,000 items"):
        bodies.array(b"[" + b"1," * MOST_ITEMS + b"1]", 64)
    with pytest.raises(TooMany):
        # They are counted before they are read: that many take long, and much memory.
        bodies.lines(b"1\n" * MOST_ITEMS + b"\n \r\nno JSON", 64)
    assert len(bodies.lines(b"\n \r\n1\r\n" * MOST_ITEMS, 64)) == MOST_ITEMS


def test_lines_are_items_and_blank_ones_nothing() -> None:
    found = bodies.lines(b'\n{"payload": 1.0}\r\n \t\r\n[2]\n{"payload":"\\u000b"}', 64)
    first, second, third = found
    assert isinstance(first, Item)
    assert first.json == b"1.0"
    assert isinstance(second, BadItem)
    assert isinstance(third, Item)
    with pytest.raises(BadBody, match="no items"):
        bodies.lines(b"\n \n", 64)


@pytest.mark.parametrize("payload", ["1e2", "-0.0", "[ 1 , 2 ]", '{"a":\n1}', '"\\u00e9"', "1" * 40])
def test_a_payload_stays_as_it_was_written(payload: str) -> None:
    text = f'[{{"payload" : {payload} , "id": "i"}}]'
    found: list[Any] = bodies.array(text.encode(), 64)
    assert found[0].json.decode() == payload
