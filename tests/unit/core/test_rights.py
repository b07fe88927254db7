"""What RabbitMQ says of rights, in sentences for people."""

import pytest

from ebats.runner.broker.rights import lacking, pattern_of

NEW = "ACCESS_REFUSED - read access to queue 'a.b' in vhost '/' refused for user 'app'"
OLD = "ACCESS_REFUSED - access to exchange 'amq.default' in vhost 'shop' refused for user 'app'"


def test_the_right_is_the_one_that_the_broker_names() -> None:
    assert lacking(NEW, "configure") == (
        r"the user 'app' may not read from the queue a.b: add ^a\.b$ to its read permission in the virtual"
        " host '/'"
    )


def test_where_the_broker_names_none_it_is_one_of_those_that_were_needed() -> None:
    assert lacking(OLD, "write") == (
        r"the user 'app' may not write to the default exchange: add ^amq\.default$ to its write permission in"
        " the virtual host 'shop'"
    )
    assert "may not configure or read from the default exchange" in (lacking(OLD, "configure", "read") or "")


def test_all_names_of_a_pipeline_are_permitted_at_once() -> None:
    assert pattern_of("shop.orders", "shop") == r"^shop\."
    assert pattern_of("shopping.orders", "shop") == r"^shopping\.orders$"


@pytest.mark.parametrize("text", ["", "ACCESS_REFUSED - queue 'a' in vhost '/' in exclusive use"])
def test_other_refusals_are_about_something_else(text: str) -> None:
    assert lacking(text, "read") is None
