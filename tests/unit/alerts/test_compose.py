"""Several notices are one message, and none is missing in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.alerts.channels import compose
from tests.unit.alerts.notices import notice

WHATS = st.text(max_size=120).map(lambda text: text.replace("\n", " "))


def test_one_notice_is_its_title_and_its_lines() -> None:
    one = notice()
    assert compose.short([one], 2048) == f"{one.title}\n{one.text}"


def test_several_stand_below_each_other_with_how_many_there_are() -> None:
    text = compose.short([notice(1), notice(2, state="over")], 4096)
    assert text.startswith("[critical] shop (production): 2 alerts: 1 open, 1 over\n\n[critical]")
    assert text.count("\nsince 2026") == 1
    assert text.count("\nfrom 2026") == 1


def test_the_gravest_come_first_and_the_others_in_their_order() -> None:
    notices = [
        notice(1, severity="info", what="first"),
        notice(2, severity="critical", what="second"),
        notice(3, severity="info", what="third"),
    ]
    text = compose.short(notices, 4096)
    assert re.findall("first|second|third", text) == ["second", "first", "third"]


def test_where_there_is_no_room_for_the_lines_there_are_titles() -> None:
    notices = [notice(number, what=f"alert {number}") for number in range(10)]
    lines = compose.short(notices, 1000).splitlines()
    assert len(lines) == 11
    assert lines[1] == notices[0].title


@given(st.lists(WHATS, min_size=1, max_size=150), st.sampled_from([2048, 4096]), st.booleans())
def test_within_the_limit_every_notice_has_a_line_or_is_counted(
    whats: list[str], limit: int, with_tail: bool
) -> None:
    notices = [notice(number, what=what) for number, what in enumerate(whats)]
    text = compose.short(notices, limit, tail="(in the mail)" if with_tail else "")
    assert len(text.encode()) <= limit
    assert text.endswith("(in the mail)") or not with_tail
    if len(notices) > 1:
        assert counts_of(text) == len(notices)


def counts_of(text: str) -> int:
    """Return how many alerts a message tells of: by its lines, and by the line that counts the others."""
    head, *lines = text.splitlines()
    more = [re.match(r"and (\d+) more: (.*)", line) for line in lines]
    for found in filter(None, more):
        assert sum(int(number) for number in re.findall(r"(\d+) (?=\w+ \w+|others)", found[2])) == int(
            found[1]
        )
    told = len([line for line in lines if line.startswith("[critical]")])
    told += sum(int(found[1]) for found in more if found)
    found = re.search(r"(\d+) alerts", head)
    assert found
    assert int(found[1]) == told
    return told


def test_in_full_all_is_there() -> None:
    text = compose.full([notice(1, what="first"), notice(2, what="second")])
    assert text.count("Samples:") == 2
    assert "- [critical] shop (production): first" in text


@pytest.mark.parametrize("limit", [2048, 4096])
def test_a_single_long_notice_is_cut_and_its_tail_stays(limit: int) -> None:
    one = notice(what="订" * 100)
    long = type(one)(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "text": "单" * 5000})
    text = compose.short([long], limit, tail="(in the mail)")
    assert limit - 3 <= len(text.encode()) <= limit
    assert re.search(r"… \(cut: [\d,]+ bytes more\)\n\(in the mail\)$", text)
