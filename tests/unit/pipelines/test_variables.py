"""Variables in values, by compose's rules."""

import pytest

from ebats.pipelines import rules
from ebats.pipelines.variables import VariableError, substitute

ENVIRON = {"FOO": "first", "BAR": "", "MONEY": "$FOO ${FOO}", "file": "a variable"}


def read(path: str) -> str:
    return f"<{path}>"


def fill(text: str) -> str:
    return substitute(text, ENVIRON, read)


# The cases are those of compose-go's own tests of its templates, and more.
@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("foo", "foo"),
        ("plain }", "plain }"),
        ("$FOO", "first"),
        ("This $FOO var", "This first var"),
        ("This ${FOO} var", "This first var"),
        ("$FOO-bar", "first-bar"),
        ("$FOO$FOO.$FOO", "firstfirst.first"),
        ("${FOO}${FOO}", "firstfirst"),
        ("This ${BAR} var", "This  var"),
        ("$BAR", ""),
        # Dollar signs.
        ("$$", "$"),
        ("$$$$", "$$"),
        ("$${foo}", "${foo}"),
        ("$$FOO", "$FOO"),
        ("$$$FOO", "$first"),
        ("^(ok|fine)$$", "^(ok|fine)$"),
        # `-`: unset; `:-`: unset or empty.
        ("ok ${missing:-def}", "ok def"),
        ("ok ${missing-def}", "ok def"),
        ("ok ${BAR:-def}", "ok def"),
        ("ok ${FOO:-def}", "ok first"),
        ("ok ${BAR-def}", "ok "),
        ("${missing:-}", ""),
        ("${missing-}", ""),
        ("ok ${BAR:-/non:-alphanumeric}", "ok /non:-alphanumeric"),
        ("${missing:-a} and ${FOO}", "a and first"),
        ("${missing:-{}}.", "{}."),
        ("${FOO:-{}}.", "first."),
        ('${missing:-{"a": {"b": 1}}}', '{"a": {"b": 1}}'),
        ("${missing:-two\nlines}", "two\nlines"),
        # `+`: set; `:+`: set and not empty.
        ("ok ${missing:+value}", "ok "),
        ("ok ${missing+value}", "ok "),
        ("ok ${FOO:+value}", "ok value"),
        ("ok ${FOO+value}", "ok value"),
        ("ok ${BAR+value}", "ok value"),
        ("ok ${BAR:+value}", "ok "),
        ("${FOO:+$FOO!}", "first!"),
        # `?`: has to be set; `:?`: and not be empty.
        ("ok ${FOO:?err}", "ok first"),
        ("ok ${FOO?err}", "ok first"),
        ("ok ${BAR?err}", "ok "),
        # Nested.
        ("ok ${missing-$FOO}", "ok first"),
        ("ok ${missing-${FOO}}", "ok first"),
        ("ok ${missing-${FOO} ${FOO}}", "ok first first"),
        ("ok ${BAR:-$FOO}", "ok first"),
        ("ok ${BAR:-${FOO}}", "ok first"),
        ("ok ${BAR:-${FOO} ${FOO}}", "ok first first"),
        ("ok ${BAR-$FOO}", "ok "),
        ("ok ${missing:-${missing:-${FOO}}}", "ok first"),
        ("${missing:-x${nothing:-y}z}", "xyz"),
        ("${missing:-$$}", "$"),
        ("${missing:-$${FOO}}", "${FOO}"),
        # The first operator is meant.
        ("${missing-myerror?msg}", "myerror?msg"),
        ("${FOO?bar-baz}", "first"),
        ("${FOO:+a:-b?c}", "a:-b?c"),
        ("${missing-a:+b}", "a:+b"),
        # Only the branch that is taken has to be known.
        ("${FOO:-${missing}}", "first"),
        ("${FOO:-${missing:?x}}", "first"),
        ("${missing:+${missing}}", ""),
        # What a variable holds isn't looked through again.
        ("${MONEY}", "$FOO ${FOO}"),
        ("$MONEY", "$FOO ${FOO}"),
        # Files, which compose doesn't have.
        ("${file:/run/secrets/x}", "</run/secrets/x>"),
        ("Bearer ${file:./x y}!", "Bearer <./x y>!"),
        ("${file:${FOO}/x}", "<first/x>"),
        ("${missing:-${file:x}}", "<x>"),
        ("${FOO:-${file:x}}", "first"),
        ("${file}", "a variable"),
        ("${file:-default}", "a variable"),
        ("${file:?needed}", "a variable"),
        ("${file:+set}", "set"),
        ("$$file:x", "$file:x"),
    ],
)
def test_a_text_is_filled_in(text: str, filled: str) -> None:
    assert fill(text) == filled


@pytest.mark.parametrize(
    ("text", "wrong", "rule"),
    [
        ("${missing}", "missing isn't set", rules.UNSET_VARIABLE),
        ("$missing", "missing isn't set", rules.UNSET_VARIABLE),
        ("${missing:-${nothing}}", "nothing isn't set", rules.UNSET_VARIABLE),
        ("${FOO:+${nothing}}", "nothing isn't set", rules.UNSET_VARIABLE),
        ("${a:?Unset}", "a isn't set: Unset$", rules.NEEDED_VARIABLE),
        ("${BAR:?Empty}", "BAR is empty: Empty$", rules.NEEDED_VARIABLE),
        ("${a:?}", "a isn't set$", rules.NEEDED_VARIABLE),
        ("${a?Unset}", "a isn't set: Unset$", rules.NEEDED_VARIABLE),
        ("${a?}", "a isn't set$", rules.NEEDED_VARIABLE),
        ("${a:?Unset ${FOO}}", "Unset first$", rules.NEEDED_VARIABLE),
        ("${a?bar-baz}", "bar-baz$", rules.NEEDED_VARIABLE),
        ("${a?${file:x}}", r"\*\*\*$", rules.NEEDED_VARIABLE),
        ("${", "no `}`", rules.MALFORMED_VARIABLE),
        ("$}", "single", rules.MALFORMED_VARIABLE),
        ("5$", "single", rules.MALFORMED_VARIABLE),
        ("$1", "single", rules.MALFORMED_VARIABLE),
        ("^(a|b)$", "single", rules.MALFORMED_VARIABLE),
        ("$ {A}", "single", rules.MALFORMED_VARIABLE),
        ("${FOO", "no `}`", rules.MALFORMED_VARIABLE),
        ("${missing:-${FOO}", "no `}`", rules.MALFORMED_VARIABLE),
        ("${}", "no variable", rules.MALFORMED_VARIABLE),
        ("${ }", "no variable", rules.MALFORMED_VARIABLE),
        ("${ foo}", "no variable", rules.MALFORMED_VARIABLE),
        ("${foo }", "no variable", rules.MALFORMED_VARIABLE),
        ("${foo!}", "no variable", rules.MALFORMED_VARIABLE),
        ("${1}", "no variable", rules.MALFORMED_VARIABLE),
        ("${foo:bar}", "no variable", rules.MALFORMED_VARIABLE),
        ("${${FOO}}", "no variable", rules.MALFORMED_VARIABLE),
        # Also in the branch that isn't taken.
        ("${FOO:-$}", "single", rules.MALFORMED_VARIABLE),
        ("${missing:+${}}", "no variable", rules.MALFORMED_VARIABLE),
        ("${file:}", "names no file", rules.MALFORMED_VARIABLE),
        ("${a:-" * 20 + "}" * 20, "nested too deeply", rules.MALFORMED_VARIABLE),
        ("${FOO:-" * 100_000 + "}" * 100_000, "nested too deeply", rules.MALFORMED_VARIABLE),
        ("${BYTES}", "isn't UTF-8", rules.MALFORMED_VARIABLE),
    ],
)
def test_a_text_that_cannot_be_filled_says_why(text: str, wrong: str, rule: rules.Rule) -> None:
    with pytest.raises(VariableError, match=wrong) as caught:
        substitute(text, {**ENVIRON, "BYTES": "\udcff"}, read)
    assert caught.value.hint
    assert caught.value.rule is rule
