"""Texts are cut at characters, in bytes, and say how much is missing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebats.runner.alerts.channels.cut import cut

FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"


@given(st.text(st.characters(codec=None, exclude_categories=[])), st.integers(0, 300))
@example("\ud800" * 50, 60)
@example("订单" * 100, 101)
def test_a_cut_text_is_good_utf8_within_its_limit(text: str, limit: int) -> None:
    found = cut(text, limit)
    assert len(found.encode("utf-8")) <= limit
    whole = text.encode("utf-8", "replace").decode()
    if len(whole.encode()) <= limit:
        assert found == whole
    else:
        assert whole.startswith(found.partition("… (cut: ")[0])


@given(st.text(min_size=100), st.integers(60, 99))
def test_the_note_counts_the_bytes_that_are_missing(text: str, limit: int) -> None:
    kept, _, note = cut(text, limit).rpartition("… (cut: ")
    missing = int(note.removesuffix(" bytes more)").replace(",", ""))
    assert len(kept.encode()) + missing == len(text.encode())


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("订", id="three bytes"),
        pytest.param("\N{PILE OF POO}", id="four bytes"),
        pytest.param("e\N{COMBINING ACUTE ACCENT}\N{COMBINING DIAERESIS}", id="accents"),
        pytest.param("\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}", id="skin tone"),
        pytest.param(FAMILY, id="family"),
        pytest.param("\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}", id="variation"),
        pytest.param("\U0001f1e8\U0001f1f3", id="flag"),
    ],
)
def test_no_character_is_cut_in_two(part: str) -> None:
    text = "x" + part * 100
    for limit in range(60, 110):
        kept = cut(text, limit).partition("… (cut: ")[0]
        assert len(kept) % len(part) == 1 % len(part), kept


def test_where_there_is_no_room_for_a_note_there_is_none() -> None:
    assert cut("订单订单", 7) == "订单"
