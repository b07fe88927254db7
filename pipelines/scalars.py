"""What an unquoted YAML scalar means: the core schema of YAML 1.2, chapter 10.3."""

import re
from collections.abc import Callable

Scalar = str | int | float | bool | None

#: The kind of a scalar, what one looks like, and the characters it may begin with ("": it may be empty).
#: Narrower than the standard in one point: `0755` stays a text, for it was octal in YAML 1.1.
KINDS: dict[str, tuple[re.Pattern[str], list[str]]] = {
    "null": (re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    "bool": (re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    # A hundred digits are enough; Python refuses numbers of more than 4,300.
    "int": (
        re.compile(r"(?:[-+]?(?:0|[1-9][0-9]{0,99})|0o[0-7]{1,99}|0x[0-9a-fA-F]{1,99})\Z"),
        list("-+0123456789"),
    ),
    "float": (
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        list("-+.0123456789"),
    ),
    "merge": (re.compile(r"<<\Z"), ["<"]),
}


def kind_of(text: str) -> str:
    """Return the kind of an unquoted scalar: `null`, `bool`, `int`, `float`, `merge`, or else `str`."""
    return next((kind for kind, (pattern, _) in KINDS.items() if pattern.match(text)), "str")


def read(kind: str, text: str) -> Scalar:
    """Return the value of a scalar of that kind.

    Raises:
        ValueError: a tag in the file gives it a kind that it doesn't look like, as in `!!int abc`.
        KeyError: there is no such kind.
    """
    reader = _READ[kind]
    # Python itself would take `1_000`, and any digits of Unicode.
    if reader is not str and not KINDS[kind][0].match(text):
        raise ValueError(text)
    return reader(text)


def _integer(text: str) -> int:
    return int(text, 0 if text[:2] in ("0o", "0x") else 10)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_READ: dict[str, Callable[[str], Scalar]] = {
    "str": str,
    # `!` before a scalar makes it a text; a `<<` as a value is one.
    "!": str,
    "merge": str,
    "int": _integer,
    "float": _float,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
}
