"""Patterns of JSON Schema, as Python reads them, held against another library that reads them."""

import re
from collections.abc import Callable

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebats.pipelines.ecma_pattern import to_python

#: Where the two languages differ, and what they may mistake for something else.
CHARS = "aA_09 \n\t\r\x1c\x85é٣\ufeff\u00a0\u2028$^.[]{}()*+?|\\/-&~#,:=!<>上😀\0"

ATOMS = [*"aA0_é上 .^$", *(f"\\{letter}" for letter in "dDwWsSnt$.\\/-")]
ATOMS += [
    "[a-c]",
    "[^a]",
    "[\\d$]",
    "[^\\s]",
    "[\\S\\s]",
    "[\\w-]",
    "[\\W_]",
    "[\\D]",
    "[.$^]",
    "[[a]",
    "[a&&b]",
    "\\u0041",
    "\\x41",
]
ATOMS += ["(?:a)", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a|0)", "(?<x>é)", "(?:a|)", "(?:\\w+\\s)"]
QUANTIFIERS = ["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?", "??"]


@pytest.mark.parametrize(
    ("pattern", "python"),
    [
        ("^a$", "^a\\Z"),
        ("[$]", "[$]"),
        ("\\$", "\\$"),
        ("\\\\$", "\\\\\\Z"),
        ("\\d[\\d]", "[0-9][0-9]"),
        ("(?<year>\\d{4})", "(?P<year>[0-9]{4})"),
        ("(?:a|b)+?", "(?:a|b)+?"),
        ("[&~|]", "[\\&\\~\\|]"),
    ],
)
def test_a_pattern_means_the_same_in_python(pattern: str, python: str) -> None:
    assert to_python(pattern) == python


REFUSED = ["(?i)a", "(?P<x>a)", "(?#a)", "\\A", "\\Z", "\\pL", "\\cA", "\\k<x>", "\\u{41}", "\\e", "\\"]
REFUSED += ["a{,3}", "{", "a++", "a*+", "a?+", "a{2}+", "a**", "*", "a{2,1}", "a{99999999999}"]
REFUSED += ["[]", "[^]", "[]a]", "[a", "[\\", "[z-a]", "[a--b]", "(", ")", "(?", "(?<", "(?<1>a)"]
REFUSED += ["(" * 500 + ")" * 500]


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_not_everybody_reads_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        to_python(pattern)


@pytest.mark.parametrize("kind", ["\\d", "\\D", "\\w", "\\W", "\\s", "\\S"])
@pytest.mark.parametrize("form", ["^%s$", "^[%s]$", "^[^%s]$"])
def test_the_classes_have_the_same_characters(kind: str, form: str) -> None:
    pattern = form % kind
    ours, theirs = re.compile(to_python(pattern)), rust(pattern)
    chars = [chr(code) for code in [*range(0xD800), *range(0xE000, 0x11000), 0x1F600, 0x10FFFF]]
    assert [char for char in chars if theirs(char) != bool(ours.search(char))] == []


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(ATOMS), st.sampled_from(QUANTIFIERS)), min_size=1, max_size=4),
    st.lists(st.text(st.sampled_from(CHARS), max_size=4), min_size=1, max_size=20),
)
def test_any_pattern_matches_the_same_texts(parts: list[tuple[str, str]], texts: list[str]) -> None:
    pattern = "".join(atom + quantifier for atom, quantifier in parts)
    try:
        ours = re.compile(to_python(pattern))
    except ValueError:
        return
    try:
        theirs = rust(pattern)
    except ValueError:
        # Then it is left to jsonschema alone.
        return
    assert [bool(ours.search(text)) for text in texts] == [theirs(text) for text in texts], pattern


def rust(pattern: str) -> Callable[[str], bool]:
    options = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options).is_valid
