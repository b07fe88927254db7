"""Files that somebody broke: never a traceback, always a problem inside the file or a good pipeline."""

import random
import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ebats.pipelines.load import from_bytes
from ebats.pipelines.problems import BadFile, Problem

SPECS = Path(__file__).parents[2] / "specs" / "valid"
FILES = [path.read_text() for path in sorted(SPECS.glob("*.yaml"))]
VALUES = [
    "",
    "5",
    "-1",
    "1e400",
    "true",
    "null",
    "[]",
    "{}",
    "[[a]]",
    "{a: b}",
    "none",
    "10s",
    "'\\",
    "*a",
    "&a [*a]",
    "!!set {a}",
    "!x y",
    "$",
    "${",
    "${X}",
    "${X:-5}",
    '${A:-"',
    "<<",
    "9" * 5000,
    "x" * 300,
    "键",
    "\x00",
    "\t",
    "- a",
    "? ",
    "%",
    "@",
    "|",
    ">-",
    "amqp://u:p@[x/y",
    "amqps://",
    "sqlite:///",
    "a:b",
    "{{ a",
]


def drop(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def reindent(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at] = chance.choice([" ", "  ", "\t", "    "]) + lines[at]
    if chance.random() < 0.5:
        lines[at] = lines[at].lstrip()
    return "\n".join(lines)


def rename(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return (
        text[:at]
        + chance.choice("azA_-. :,{}[]'\"#&*!|>%@`0\n\t键\u2028\x85")
        + text[at + chance.randrange(2) :]
    )


def retype(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    candidates = [number for number, line in enumerate(lines) if ": " in line]
    if not candidates:
        return text
    at = chance.choice(candidates)
    before, _, after = lines[at].partition(": ")
    while ": " in after and chance.random() < 0.6:
        more, _, after = after.partition(": ")
        before += ": " + more
    end = max(after.find(","), after.find("}")) if chance.random() < 0.7 else -1
    lines[at] = f"{before}: {chance.choice(VALUES)}{after[end:] if end >= 0 else ''}"
    return "\n".join(lines)


def swap(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


MUTATIONS: list[Callable[[str, random.Random], str]] = [drop, reindent, rename, retype, retype, swap]


def problems_of(content: bytes) -> tuple[Problem, ...]:
    try:
        return from_bytes("f.yaml", content, {"X": "7"}).warnings
    except BadFile as error:
        assert error.problems  # noqa: PT017 (a good file is fine, too)
        return error.problems


def check(content: bytes) -> None:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", content.decode("utf-8-sig", errors="replace"))
    problems = problems_of(content)
    assert list(problems) == sorted(problems)
    for problem in problems:
        assert 1 <= problem.place.line <= len(lines), problem
        assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1, problem
        assert problem.text, problem
        assert "\n" not in str(problem), problem


@settings(max_examples=400, deadline=None)
@given(
    file=st.sampled_from(FILES),
    mutations=st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_a_mutated_file_is_good_or_has_problems_inside_it(
    file: str, mutations: list[Callable[[str, random.Random], str]], seed: int
) -> None:
    chance = random.Random(seed)
    for mutation in mutations:
        file = mutation(file, chance)
    check(file.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_no_traceback(content: bytes) -> None:
    check(content)
