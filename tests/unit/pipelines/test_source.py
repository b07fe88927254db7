"""What a text says, and where."""

from pathlib import Path

import pytest

from ebats.pipelines import rules
from ebats.pipelines.source import Path as Way
from ebats.pipelines.source import Source, parse


def read(text: str, **environ: str) -> Source:
    source, problems = parse("f.yaml", text.encode(), environ)
    assert problems == []
    return source


def at(source: Source, path: Way) -> tuple[int, int]:
    place = source.place(path)
    return place.line, place.column


def test_each_key_and_value_has_its_place() -> None:
    source = read("a:\n  b: [1, x]\n  'c': >\n    text\n")
    assert source.data == {"a": {"b": [1, "x"], "c": "text\n"}}
    assert at(source, ("a", "b", 1)) == (2, 10)
    assert at(source, ("a", "c")) == (3, 8)
    place = source.key_place(("a", "c"))
    assert (place.line, place.column) == (3, 3)


def test_columns_count_characters_not_bytes() -> None:
    assert at(read("订单: [发货, x]"), ("订单", 1)) == (1, 10)


def test_a_byte_order_mark_does_not_count() -> None:
    assert at(read("\ufeffa: 1"), ("a",)) == (1, 4)


def test_what_is_not_there_is_at_the_nearest_value_around_it() -> None:
    assert at(read("a: {b: 1}"), ("a", "c", "d")) == (1, 4)


def test_a_merged_value_is_where_it_was_written_and_its_mapping_where_it_stands() -> None:
    source = read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert source.data["b"] == {"x": 1, "y": 3}
    assert at(source, ("b", "x")) == (1, 11)
    assert at(source, ("b", "y")) == (2, 16)
    assert at(source, ("b",)) == (2, 4)


def test_the_first_of_several_merges_wins() -> None:
    source = read("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n")
    assert source.data["c"] == {"x": 1, "y": 2}


def test_a_plain_value_gets_its_type_after_its_variables_and_a_quoted_one_is_a_text() -> None:
    source = read("a: ${N}\nb: '${N}'\nc: ${N}0\nd: ${NONE:-}\n", N="5")
    assert source.data == {"a": 5, "b": "5", "c": 50, "d": None}
    assert source.texts[("a",)] == "5"


def test_a_variable_cannot_bring_structure_in() -> None:
    assert read("a: ${N}\n", N="{b: 1}\nc: 2").data == {"a": "{b: 1}\nc: 2"}


def test_keys_are_not_filled_in() -> None:
    assert read("${N}: 1\n").data == {"${N}": 1}


def test_a_value_that_its_own_key_overrides_is_not_looked_at() -> None:
    source = read("x-a: &a {b: '${NONE}', c: 1}\nd: {<<: *a, b: 2}\n")
    assert source.data == {"d": {"c": 1, "b": 2}}
    assert source.broken == frozenset()


def test_a_payload_schema_that_stands_in_place_is_not_filled_in() -> None:
    schema = "{$ref: '#/$defs/a', pattern: '^a$', default: '${N}'}"
    source = read(f"events: {{paid: {{schema: {schema}, key: $N}}}}\n", N="n")
    event = source.data["events"]["paid"]
    assert event == {"schema": {"$ref": "#/$defs/a", "pattern": "^a$", "default": "${N}"}, "key": "n"}


def test_a_secret_is_read_beside_the_file_and_known_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0815\n\n")
    text = "a: ${file:secret}\nb: 'Bearer ${file:secret}'\nc: x\n"
    source, problems = parse(str(tmp_path / "f.yaml"), text.encode(), {})
    assert problems == []
    assert source.data == {"a": "0815\n", "b": "Bearer 0815\n", "c": "x"}
    assert source.secrets == {("a",), ("b",)}
    assert source.contents == {"0815\n"}


@pytest.mark.parametrize(
    ("content", "value"),
    [("x", "x"), ("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), (" x \r", " x \r"), ("12", 12)],
)
def test_the_line_break_at_the_end_of_a_secret_is_left_out(
    tmp_path: Path, content: str, value: object
) -> None:
    (tmp_path / "secret").write_bytes(content.encode())
    source, _ = parse(str(tmp_path / "f.yaml"), b"a: ${file:secret}\n", {})
    assert source.data == {"a": value}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("other", b"hunter2", "No such file"),
        ("secret", b"hunter2\xff", "isn't UTF-8"),
        ("secret", b"hunter2" * 10_000, "larger than 64 KiB"),
    ],
)
def test_a_secret_that_cannot_be_read_is_a_problem_without_its_content(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)
    source, (problem,) = parse(str(tmp_path / "f.yaml"), b"a: ${file:secret}\n", {})
    assert source.broken == {("a",)}
    assert why in problem.text
    assert "hunter2" not in str(problem)


def chain(first: str, following: str, length: int) -> str:
    """Return anchors, each of which refers to the one before, and the last one's use."""
    links = [f"x-{n}: &a{n} {following.replace('@', f'*a{n - 1}')}\n" for n in range(1, length)]
    return f"x-0: &a0 {first}\n{''.join(links)}b: *a{length - 1}\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [" + "x, " * 1000 + "x]\nb: &b [" + "*a, " * 1000 + "*a]\nc: [" + "*b, " * 1000 + "*b]\n",
        chain("{a: 1}", "{<<: [@, @]}", 60),
        chain("{a: 1}", "{<<: @}", 5000),
        chain("[1]", "[@]", 5000),
        "x: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 50_000 + "*a]\n",
        "x: &a '" + "$$" * 250_000 + "'\nb: [" + "*a, " * 50_000 + "*a]\n",
    ],
    ids=["lists", "merges", "merges in a row", "lists in a row", "a long text", "a text with variables"],
)
def test_aliases_cannot_make_a_file_large_or_deep(text: str) -> None:
    source, (problem,) = parse("f.yaml", text.encode(), {})
    assert source.data is None
    assert problem.rule is rules.TOO_LARGE


def test_a_merge_of_itself_is_refused() -> None:
    _, (problem,) = parse("f.yaml", b"a: &a {<<: *a}\n", {})
    assert problem.rule is rules.ALIAS_IN_ITSELF


def test_extensions_at_the_top_are_left_out() -> None:
    assert read("x-a: &a {b: $5}\nc: 1\n").data == {"c": 1}


def test_what_cannot_be_read_is_broken_and_the_rest_goes_on() -> None:
    source, problems = parse("f.yaml", b"a: ${N}\nb: !x 1\nc: 1\n", {})
    assert source.data == {"a": None, "b": None, "c": 1}
    assert source.broken == {("a",), ("b",)}
    assert [problem.place.line for problem in problems] == [1, 2]


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"\xff\xfea", 1, 1),
        ("名: a\nb: \x07".encode(), 2, 4),
        (b"a: b\nc: \xe4\n", 2, 4),
        (b"a: 'b\n\n\n", 1, 6),
        ("名:\u2028\x07".encode(), 2, 1),
        (b"[" * 100_000, 1, 32),
        (b"- " * 100_000, 1, 63),
        (b"a" * 1_048_577, 1, 1),
    ],
)
def test_what_is_no_yaml_is_one_problem_inside_the_file(content: bytes, line: int, column: int) -> None:
    source, (problem,) = parse("f.yaml", content, {})
    assert source.data is None
    assert (problem.place.line, problem.place.column) == (line, column)
