"""What is to be hidden is hidden wherever it stands, and nothing else."""

import pytest

from ebats.runner.sinks.mask import CREDENTIALS, Mask

MASK = Mask(["card_no", "password", "密码"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=abc&x=1 then", "password=***&x=1 then"),
        ("card_no = 4111 refused", "card_no = *** refused"),
        ("password: a b, c\nnext", "password: ***\nnext"),
        ("PassWord => 'x y', n", "PassWord => '***', n"),
        ('{"password": "a\\"b", "x": 1}', '{"password": "***", "x": 1}'),
        (repr({"password": "it's", "x": 2}), "{'password': \"***\", 'x': 2}"),
        ('{"card_no": 4111, "x": 1}', '{"card_no": ***, "x": 1}'),
        ('{"card_no": {"a": 1},\n"x": 1}', '{"card_no": ***'),
        ("{'card_no': Decimal('4 1')}, 5", "{'card_no': ***"),
        ('say \\"password\\": \\"a\\\\\\"b\\" end', 'say \\"password\\": \\"***\\" end'),
        ('"password": "never closed', '"password": "***'),
        ("x\\nPassword: 1", "x\\nPassword: ***"),
        ("user[password]=1&b=2", "user[password]=***&b=2"),
        ("a%3D1%26password%3D2%26b%3D3", "a%3D1%26password%3D***%26b%3D3"),
        ("密码=甲乙 ok", "密码=*** ok"),
        ('{"\\u5bc6\\u7801": "abc"}', '{"\\u5bc6\\u7801": "***"}'),
        ("Authorization: Bearer abc def\nHost: x", "Authorization: ***\nHost: x"),
        ("Authorization=Bearer abc d", "Authorization=*** d"),
        ("[('Authorization', 'Bearer x'), ('a', 'b')]", "[('Authorization', '***'), ('a', 'b')]"),
        ("SET-COOKIE: a=b; c=d", "SET-COOKIE: ***"),
        ("amqp://user:secret@host/x", "amqp://***@host/x"),
    ],
)
def test_a_value_is_hidden_in_a_text(text: str, shown: str) -> None:
    assert MASK.text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "passwords: 3",
        "the password",
        "my_password=1",
        "card no: 3",
        "a@b.example",
        "https://a.example/?q=1",
        "password=",
    ],
)
def test_what_is_not_asked_for_stays(text: str) -> None:
    assert MASK.text(text) == text


def test_values_of_keys_are_hidden_at_any_depth_whatever_their_case() -> None:
    payload = {
        "order": {"Card_No": {"digits": "4111"}, "lines": [{"PASSWORD": ["x"], "sku": 1}]},
        "headers": [["Cookie", "a=b"], ["Accept", "*/*"]],
        "body": '{"card_no": "4111"}',
        "total": 1.5,
        "none": None,
    }
    assert MASK.value(payload) == {
        "order": {"Card_No": "***", "lines": [{"PASSWORD": "***", "sku": 1}]},
        "headers": [["Cookie", "***"], ["Accept", "*/*"]],
        "body": '{"card_no": "***"}',
        "total": 1.5,
        "none": None,
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("https://u:p@a.example/x?a=1&b&c=2#f", "https://***@a.example/x?a=***&***&c=***#***"),
        ("https://a.example/x?token", "https://a.example/x?***"),
        ("https://a.example/x?a=", "https://a.example/x?a=***"),
    ],
)
def test_a_url_keeps_neither_userinfo_nor_values(url: str, shown: str) -> None:
    assert MASK.url(url) == shown


@pytest.mark.parametrize("header", CREDENTIALS)
def test_credentials_are_hidden_without_being_asked(header: str) -> None:
    mask = Mask()
    assert mask.hides(header.title())
    assert mask.text(f"{header.title()}: abc\nx") == f"{header.title()}: ***\nx"
    assert mask.value({"headers": {header.upper(): "abc"}}) == {"headers": {header.upper(): "***"}}
