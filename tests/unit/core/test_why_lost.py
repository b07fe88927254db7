"""Why a connection was lost, in words."""

from ebats.runner.broker.why_lost import why_lost


def test_a_delivery_that_nobody_acknowledged_in_time_is_told_with_what_to_do() -> None:
    error = ConnectionError(
        "(0, 0): (406) PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. "
        "Timeout value used: 1800000 ms. This timeout value can be configured"
    )
    assert why_lost(error) == (
        "the broker takes back what isn't acknowledged within 1800 seconds, and a task takes longer: "
        "say so in the file, with `consumer_timeout: 1800s` at `broker`"
    )


def test_what_is_not_known_is_told_as_it_is() -> None:
    assert why_lost(OSError("Socket closed")) == "Socket closed"
    assert why_lost(EOFError()) == "EOFError"
