from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.broker.sqlite import codec

plain = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)


values = st.recursive(plain, _nested)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_headers_come_back_as_they_were_sent(headers: dict[str, Any]) -> None:
    assert codec.decode(codec.encode(codec.table(headers))) == headers


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (datetime(2020, 1, 2, 3, 4, 5, 678), datetime(2020, 1, 2, 3, 4, 5)),  # AMQP has whole seconds
        (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=1), datetime(2020, 1, 1, 1)),
        (Decimal("1.50"), Decimal("1.50")),
        (b"text", "text"),  # AMQP has one type for both, and py-amqp reads text where it can
        (b"\xff\x00", b"\xff\x00"),
        ((1, "a"), [1, "a"]),
        ({"in": {"side": datetime(2020, 1, 1)}}, {"in": {"side": datetime(2020, 1, 1)}}),
    ],
)
def test_values_without_a_json_form_read_as_from_py_amqp(sent: Any, read: Any) -> None:
    assert codec.decode(codec.encode(codec.table({"h": sent}))) == {"h": read}
