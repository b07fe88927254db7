"""What messages show of a file."""

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.problems import BadFile
from ebats.pipelines.secrets import conceal, hide, hide_line, shown


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("url: amqp://shop:secret@rabbit/v", "url: amqp://shop:******@rabbit/v"),
        ("url: amqp://shop:s@c/ret@rabbit/v", "url: amqp://shop:*******@rabbit/v"),
        ("url: ${URL:-amqp://shop:secret@rabbit}", "url: ${URL:-amqp://shop:******@rabbit}"),
        ("  password: a b, c", "  password: ******"),
        ('{host: h, password: "a, b", user: u}', "{host: h, password: ******, user: u}"),
        ("{'password': abc}", "{'password': ***}"),
        ("password: ${PASSWORD}", "password: ${PASSWORD}"),
        ('{password: "${PASSWORD}"}', '{password: "${PASSWORD}"}'),
        ("  - whsec_c2VjcmV0+/=", "  - " + "*" * 17),
        ("sign: {secret: [one, two], more: 1}", "sign: {secret: **********, more: 1}"),
        ("http: {auth: {bearer: a, b: 1}}", "http: {auth: {bearer: *, b: 1}}"),
        ("{Authorization: Bearer abc, X: 1}", "{Authorization: **********, X: 1}"),
        ("secret: ${SECRET}", "secret: ${SECRET}"),
        ("url: amqp://rabbit:5672/v", "url: amqp://rabbit:5672/v"),
        ('python: "shop.tasks:ship"', 'python: "shop.tasks:ship"'),
    ],
)
def test_passwords_are_starred_out_and_columns_stay(line: str, hidden: str) -> None:
    assert hide(line) == hidden
    assert len(hide(line)) == len(line)


FILE = """\
auth:
  bearer:
    - first token
    # a comment
    - "second"
    - {name: third, token: abc, rate: 5}
    - name: fourth
      token: defg
    - ${FIFTH}
hosts:
  - shop.example
bearer:
- sixth
"""


def test_items_of_a_list_of_secrets_are_starred_out_too() -> None:
    lines = FILE.splitlines()
    assert [hide_line(lines, number) for number in range(len(lines))] == [
        *("auth:", "  bearer:", "    - ***********", "    # a comment", "    - ********"),
        *("    - {name: third, token: ***, rate: 5}", "    - name: fourth", "      token: ****"),
        *("    - ${FIFTH}", "hosts:", "  - shop.example", "bearer:", "- *****"),
    ]


def test_a_value_is_shown_on_one_line_and_cut() -> None:
    assert shown("a\nb\x1bc") == "a b c"
    assert "hunter2" not in shown(f"amqp://u:hunter2{'x' * 70}@h")
    assert shown("x" * 70) == "x" * 64 + "..."


@pytest.mark.parametrize(
    "section",
    [
        "amqp://u:hunter2@h/v",
        "{url: 'amqp://u:hunter2@h:port/v'}",
        "{url: ['amqp://u:hunter2@h', 'amqps://u:hunter2@h']}",
        "{url: 'redis://u:hunter2@h'}",
        "{url: 'amqp://u:hunter2@h?x=hunter2'}",
        "{url: 'amqp://u:p@h', password: hunter2}",
        "{host: h, password: [hunter2]}",
        "{host: 'amqp://u:hunter2@h', port: x}",
        "{password: hunter2}",
    ],
)
def test_no_message_holds_a_password(section: str) -> None:
    with pytest.raises(BadFile) as caught:
        from_bytes("f.yaml", f"version: 1\nname: shop\nbroker: {section}\n".encode(), {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "concealed"),
    [
        ("there is no `hunter2hunter2`", "there is no `***`"),
        ("there is no `Bearer hunter2hunt...`", "there is no `Bearer ***...`"),
        ("hunter2hunter2hunter2hunter2", "******"),
        ("one two three four", "***"),
        ("hunter3", "hunter3"),
        ("`hunter2h...` and `hunter2hu...`", "`***...` and `***...`"),
        ("'back\\\\slash' is no number", "'***' is no number"),
        ("https://other.example.com/ isn't https://hooks.exa...", "https://other.example.com/ isn't ***..."),
    ],
)
def test_the_content_of_a_file_is_starred_out_of_a_message(text: str, concealed: str) -> None:
    contents = {"hunter2hunter2", "one two\nthree four", "", "back\\slash", "https://hooks.example.com/key"}
    assert conceal(text, contents) == concealed
