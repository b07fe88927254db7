import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.topics import TopicPattern, matches


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("a.*", "a.", True),  # an empty word is a word
        ("a.*", "a.b\n", True),
        ("a.b", "a.b\n", False),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("#", "", True),
        ("#", "a.b", True),
        ("*", "", False),
        ("", "", True),
        ("", "a", False),
        ("#.#", "", True),
        ("#.b", "b", True),
        ("#.b", "a.b.b", True),
        ("#.b.#.c", "b.c", True),
        ("#.b.#.c", "c.b", False),
        ("*.#", "", False),
        ("*.#.*", "a.b", True),
        ("*.#.*", "a", False),
        ("a*", "a*", True),  # only a whole word is a wildcard
        ("a*", "ab", False),
        ("#", "#", True),
        ("*.*.WAIT_SELLER_SEND_GOODS", "taobao.shop1.WAIT_SELLER_SEND_GOODS", True),
    ],
)
def test_a_pattern_takes_the_keys_that_amqp_says(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected
    assert TopicPattern.parse(pattern).matches(key) is expected


words = st.lists(st.sampled_from(["a", "b", ""]), max_size=6)


@given(st.lists(st.sampled_from(["a", "b", "*", "#"]), max_size=6), words)
def test_matching_agrees_with_a_regular_expression_over_words(pattern: list[str], key: list[str]) -> None:
    as_regex = "".join({"*": "[^/]*/", "#": "(?:[^/]*/)*"}.get(word, f"{word}/") for word in pattern)
    if key == [""]:
        key = []
    expected = re.fullmatch(as_regex, "".join(f"{word}/" for word in key)) is not None
    assert matches(".".join(pattern), ".".join(key)) is expected
