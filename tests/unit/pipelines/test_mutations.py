"""Files that somebody broke: never a traceback, always a problem inside the file or a good pipeline.

The same mutations at each run; `EBATS_TEST_EXAMPLES=100000` tries so many others.
"""

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ebats.pipelines.load import Loaded
from ebats.pipelines.masked import masked
from ebats.pipelines.plan import consumers, producers
from ebats.pipelines.problems import BadFile, Problem
from ebats.pipelines.topology import derive
from ebats.pipelines.wiring import wire
from ebats.pipelines.written import written
from ebats.pipelines.yaml_text import dump
from ebats.runner.commands.clocks import from_bytes
from ebats.runner.commands.listing import SECTIONS
from ebats.runner.commands.problems import render

ROOT = Path(__file__).parents[3]
SPECS = ROOT / "tests" / "specs" / "valid"
FILES = [
    path.read_text()
    for path in (*sorted(SPECS.glob("*.yaml")), *sorted(ROOT.glob("examples/*/pipeline.yaml")))
]
MANY = int(os.environ.get("EBATS_TEST_EXAMPLES", "0"))
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


def duplicate(text: str, chance: random.Random) -> str:
    """Repeat some lines, at once or elsewhere."""
    lines = text.split("\n")
    start = chance.randrange(len(lines))
    part = lines[start : start + chance.randrange(1, 6)]
    at = chance.randrange(len(lines))
    return "\n".join([*lines[:at], *part, *lines[at:]])


def cut(text: str, chance: random.Random) -> str:
    """End the text somewhere, or take a piece out."""
    start = chance.randrange(len(text) + 1)
    return text[:start] if chance.random() < 0.5 else text[:start] + text[start + chance.randrange(40) :]


_WORD = re.compile(r"[\w.-]+")


def exchange(text: str, chance: random.Random) -> str:
    """Let two words change places: keys, names or values."""
    words = list(_WORD.finditer(text))
    if len(words) < 2:
        return text
    one, other = sorted(chance.sample(words, 2), key=lambda found: found.start())
    between = text[one.end() : other.start()]
    return text[: one.start()] + other[0] + between + one[0] + text[other.end() :]


def scribble(text: str, chance: random.Random) -> str:
    """Put any characters of Unicode somewhere."""
    at = chance.randrange(len(text) + 1)
    points = (chance.choice((0x100, 0x3000, 0x10FFFF)) for _ in range(chance.randrange(1, 6)))
    drawn = (chr(chance.randrange(point)) for point in points)
    return text[:at] + "".join(char for char in drawn if not "\ud800" <= char <= "\udfff") + text[at:]


MUTATIONS: list[Callable[[str, random.Random], str]] = [
    *(drop, reindent, rename, retype, retype, swap, duplicate, cut, exchange, scribble)
]
ENVIRON = {"X": "7", "TOKEN": "a-token-that-nobody-guesses"}


def problems_of(content: bytes) -> tuple[Problem, ...]:
    # The schemas and secrets of the valid files are there.
    file = str(SPECS / "f.yaml")
    try:
        loaded = from_bytes(file, content, ENVIRON)
    except BadFile as error:
        assert error.problems  # noqa: PT017 (a good file is fine, too)
        return error.problems
    use(loaded, file)
    return loaded.warnings


def use(loaded: Loaded, file: str) -> None:
    """Do with a good file what is done before a start, and what the commands show of it."""
    pipeline = loaded.pipeline
    derive(pipeline)
    wire(pipeline)
    consumers(pipeline)
    producers(pipeline, 0)
    for section in SECTIONS.values():
        section(loaded)
    data = written(loaded.source)
    masked(loaded.source, data)
    again = from_bytes(file, dump(data).encode(), {})
    # As text: what is no number isn't equal to itself.
    assert str(again.source.data) == str(loaded.source.data)


def check(content: bytes) -> None:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", content.decode("utf-8-sig", errors="replace"))
    problems = problems_of(content)
    assert list(problems) == sorted(problems)
    for problem in problems:
        assert 1 <= problem.place.line <= len(lines), problem
        assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1, problem
        assert problem.text, problem
        assert "\n" not in str(problem), problem
    render(problems)


@settings(max_examples=MANY or 300, deadline=None, derandomize=not MANY)
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


@settings(max_examples=MANY or 100, deadline=None, derandomize=not MANY)
@given(st.binary(max_size=60))
def test_any_bytes_are_no_traceback(content: bytes) -> None:
    check(content)
