"""What a text says, and where."""

import pytest

from ebats.pipelines.source import Path, Source, parse


def read(text: str, **environ: str) -> Source:
    source, problems = parse("f.yaml", text.encode(), environ)
    assert problems == []
    return source


def at(source: Source, path: Path) -> tuple[int, int]:
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
