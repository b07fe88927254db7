"""Strict JSON: what is taken, and what is refused at which place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.gateway.strict import BadJson, lines, value

DEPTH = 64

REFUSED = [
    (b"", "there is nothing", 0),
    (b" \n ", "there is nothing", 3),
    (b'{"a": "\xff"}', "this isn't UTF-8: invalid start byte", 7),
    (b'"\xed\xa0\x80"', "this isn't UTF-8: invalid continuation byte", 1),
    (b"\xef\xbb\xbf{}", "a byte order mark has no place in JSON", 0),
    (b"\xff\xfe{\x00}\x00", "this isn't UTF-8: invalid start byte", 0),
    (b"{}\x00", "this isn't JSON: extra data", 2),
    (b'{"a": "b\x00"}', "this isn't JSON: invalid control character", 8),
    (b'["\\ud800"]', "this text has half a surrogate pair", 1),
    (b'{"\\uDFFF": 1}', "this text has half a surrogate pair", 1),
    (b'["\\ud83d\\ude00", "\\ude00\\ud83d"]', "this text has half a surrogate pair", 17),
    (b'{"a": [1, 2', "it ends too early", 11),
    (b'{"a": "b', "this isn't JSON: unterminated string starting", 6),
    (b"[" * 64 + b"[1]" + b"]" * 64, "it is nested more than 64 deep", 64),
    (b'[{"a": "]"}, ' + b'{"a":' * 64 + b"1" + b"}" * 64 + b"]", "it is nested more than 64 deep", 328),
    (b"[" * 100_000, "it is nested more than 64 deep", 64),
    (b"[" * 100_000 + b"]" * 100_000, "it is nested more than 64 deep", 64),
    (b'[1, {"n": ' + b"1" * 5000 + b"}]", "this number is too large", 10),
    (b"[-" + b"1" * 5000 + b"]", "this number is too large", 1),
    (b"[1e400]", "this number is too large", 1),
    (b'{"a": NaN}', "NaN is no JSON", 6),
    (b"[Infinity]", "Infinity is no JSON", 1),
    (b"[1, -Infinity]", "-Infinity is no JSON", 4),
    (b'{"a": 1, "b": {"a": 2}, "a": 3}', 'the key "a" comes twice', 24),
    (b'{"a": 1, "\\u0061": 2}', 'the key "a" comes twice', 9),
    (b'[{"k": {"x": [], "x": 0}}]', 'the key "x" comes twice', 17),
    (b"{'a': 1}", "this isn't JSON: expecting property name enclosed in double quotes", 1),
    (b"[1,]", "this isn't JSON: expecting value", 3),
    (b"[01]", "this isn't JSON: expecting ',' delimiter", 2),
    (b"[1] [2]", "this isn't JSON: extra data", 4),
    (b"[0x1]", "this isn't JSON: expecting ',' delimiter", 2),
    (b"nul", "this isn't JSON: expecting value", 0),
]


@pytest.mark.parametrize(("body", "problem", "offset"), REFUSED)
def test_refuses_with_the_place(body: bytes, problem: str, offset: int) -> None:
    with pytest.raises(BadJson) as refused:
        value(body, DEPTH)
    assert (refused.value.problem, refused.value.offset) == (problem, offset)


def test_the_place_is_in_bytes_and_in_lines_and_characters() -> None:
    with pytest.raises(BadJson) as refused:
        value('{"名": 1,\n "b名": NaN}'.encode(), DEPTH)
    assert str(refused.value) == "NaN is no JSON (byte 20, line 2, column 8)"


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b" 0 ",
        b'""',
        b'"\\ud83d\\ude00"',
        b'"\\\\ud800 is written out"',
        b'{"a": {"a": [{"a": 1}]}, "b": "a"}',
        b"18446744073709551616",
        b"1" * 4000,
        b"1e-400",
        b"[" * 64 + b"]" * 64,
        b"[" + b'{"a": [1]},' * 1000 + b"{}]",
        b'["' + b"[{" * 1000 + b'", "\\"[[[["]',
        '"\ufeff in a text"'.encode(),
    ],
)
def test_takes_what_is_json(body: bytes) -> None:
    assert value(body, DEPTH) == json.loads(body)


def test_lines_are_json_each() -> None:
    assert lines(b'{"a": 1}\r\n\n  \n[2]\n"3"', DEPTH) == [{"a": 1}, [2], "3"]
    assert lines(b"\n", DEPTH) == []


@pytest.mark.parametrize(
    ("body", "problem", "place"),
    [
        (b'{"a": 1}\n{"a": ', "it ends too early", (15, 2, 7)),
        ('{"名": 1}\n{"a": NaN}\n{}'.encode(), "NaN is no JSON", (17, 2, 7)),
        (b'{"a":\n1}', "it ends too early", (5, 1, 6)),
        (b"1\n\xef\xbb\xbf2", "this isn't JSON: expecting value", (2, 2, 1)),
        (b"1\n" + b"[" * 65 + b"]" * 65, "it is nested more than 64 deep", (66, 2, 65)),
    ],
)
def test_a_bad_line_is_named(body: bytes, problem: str, place: tuple[int, int, int]) -> None:
    with pytest.raises(BadJson) as refused:
        lines(body, DEPTH)
    error = refused.value
    assert (error.problem, (error.offset, error.line, error.column)) == (problem, place)


def test_the_search_for_the_place_has_an_end() -> None:
    body = b"[" + b"0, " * 400_000 + b"NaN]"
    with pytest.raises(BadJson) as refused:
        value(body, DEPTH)
    assert refused.value.problem == "behind this place: NaN is no JSON"
    assert 0 < refused.value.offset < len(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON, st.booleans())
def test_everything_that_json_can_say_comes_through(said: object, is_ascii: bool) -> None:
    assert value(json.dumps(said, ensure_ascii=is_ascii).encode(), DEPTH) == said


@given(st.binary(max_size=40) | st.text('[]{}",:\\ud80Na1.e+- \n', max_size=40).map(str.encode))
def test_whatever_comes_is_a_value_or_refused_inside_the_body(body: bytes) -> None:
    found, error = read(body, 4)
    if error:
        assert 0 <= error.offset <= len(body)
        assert error.line >= 1
        assert error.column >= 1
    else:
        assert found == json.loads(body)
        assert json.loads(json.dumps(found, allow_nan=False, ensure_ascii=False).encode()) == found


@given(JSON, st.integers(0, 6))
def test_depth_is_counted_exactly(said: object, depth: int) -> None:
    _, error = read(json.dumps(said).encode(), depth)
    assert ("nested" in str(error)) == (deepest(said) > depth)


def read(body: bytes, depth: int) -> tuple[object, BadJson | None]:
    try:
        return value(body, depth), None
    except BadJson as error:
        return None, error


def deepest(said: object) -> int:
    if isinstance(said, dict):
        return 1 + max(map(deepest, said.values()), default=0)
    return 1 + max(map(deepest, said), default=0) if isinstance(said, list) else 0
