"""Variables in values, by compose's rules."""

import pytest

from ebats.pipelines.variables import VariableError, substitute

ENVIRON = {"A": "1", "EMPTY": "", "MONEY": "$A ${A}"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain }", "plain }"),
        ("${A}", "1"),
        ("a${A}b${A}c", "a1b1c"),
        ("${A:-2}", "1"),
        ("${B:-2}", "2"),
        ("${B:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-2}", "2"),
        ("${B:-${A}}", "1"),
        ("${B:-x${C:-y}z}", "xyz"),
        ("${B:-a:-b}", "a:-b"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$$", "$$"),
        ("${B:-$$}", "$"),
        ("${MONEY}", "$A ${A}"),
    ],
)
def test_a_text_is_filled_in(text: str, filled: str) -> None:
    assert substitute(text, ENVIRON) == filled


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("${B}", "B isn't set"),
        ("${B:-${C}}", "C isn't set"),
        ("$A", "single"),
        ("5$", "single"),
        ("$ {A}", "single"),
        ("${A", "no `}`"),
        ("${B:-${A}", "no `}`"),
        ("${}", "no variable"),
        ("${1}", "no variable"),
        ("${A-b}", "no variable"),
        ("${A:?b}", "no variable"),
    ],
)
def test_a_text_that_cannot_be_filled_says_why(text: str, wrong: str) -> None:
    with pytest.raises(VariableError, match=wrong) as caught:
        substitute(text, ENVIRON)
    assert caught.value.hint
