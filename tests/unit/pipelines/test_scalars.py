"""Unquoted scalars, as YAML 1.2 has them and 1.1 had not."""

import math

import pytest

from ebats.pipelines import scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("0755", "0755"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("1\n", "1\n"),
        ("9" * 5000, math.inf),
        ("٣", "٣"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: scalars.Scalar) -> None:
    read = scalars.read(scalars.kind_of(text), text)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_one_of_the_floats() -> None:
    assert math.isnan(float(str(scalars.read(scalars.kind_of(".nan"), ".nan"))))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1_0"),
        ("int", "0755"),
        ("int", "٣"),
        ("int", "x"),
        ("float", "1_0.5"),
        ("bool", "yes"),
        ("null", "x"),
    ],
)
def test_a_tag_cannot_make_a_scalar_what_it_is_not(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        scalars.read(kind, text)
