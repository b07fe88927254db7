"""`ebats alerts test`: one message through each channel, a line for each, and no key anywhere."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import run_ebats
from tests.mailbox import Mailbox
from tests.merchant import Merchant
from tests.robot import KEY, answer, errcode, sent

PAGER = """
from pathlib import Path

def page(alert):
    Path("paged.txt").write_text(alert["state"])

def fail(alert):
    raise RuntimeError("no route")
"""


class Place:
    """A pipeline with a channel of each kind, and what they lead to."""

    def __init__(self, folder: Path, robot: Merchant, chat: Merchant, mailbox: Mailbox) -> None:
        self.folder = folder
        self.robot, self.chat, self.mailbox = robot, chat, mailbox
        self.file = folder / "shop.yaml"
        channels = {
            "ops": {"wecom": {"url": robot.url(f"/send?key={KEY}"), "mentions": ["zhang"]}},
            "mail": {
                "email": {
                    "host": "127.0.0.1",
                    "port": mailbox.port,
                    "security": "none",
                    "from": "shop@example.com",
                    "to": ["ops@example.com"],
                }
            },
            "slack": {"webhook": {"url": chat.url("/services/T0/B0/XXXX"), "template": "slack"}},
            "pager": {"python": "pager:page"},
        }
        self.write(channels)
        (folder / "pager.py").write_text(PAGER)

    def write(self, channels: object) -> None:
        """Write the pipeline's file."""
        alerts = {"channels": channels, "rules": [{"dead_letters": 1}]}
        file = {"version": 1, "name": "shop", "tasks": {"t": {"python": "pager:page"}}, "alerts": alerts}
        self.file.write_text(json.dumps({**file, "events": {"e": {"tasks": ["t"]}}}))

    def test(self, *more: str) -> tuple[int, dict[str, str], str]:
        """Run the command; return its code, what it says by channel, and on standard error."""
        env = {"EBATS_STATE_DIR": str(self.folder / "state")}
        done = run_ebats("alerts", "test", self.file, *more, env=env, cwd=self.folder)
        assert KEY not in done.stdout + done.stderr
        lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
        return done.returncode, lines, done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Merchant(errcode(0)) as robot, Merchant(answer(200, "ok")) as chat, Mailbox() as mailbox:
        yield Place(tmp_path, robot, chat, mailbox)


def test_each_channel_gets_one_and_says_ok(place: Place) -> None:
    code, lines, _ = place.test()
    assert lines == {
        "ops": "wecom    ok",
        "mail": "email    ok",
        "slack": "webhook  ok",
        "pager": "python   ok",
    }
    assert code == 0
    [call] = place.robot.calls
    assert "This is a test of the channel ops: nothing is wrong." in sent(call)["text"]["content"]
    assert sent(call)["text"]["mentioned_list"] == ["zhang"]
    [mail] = place.mailbox.mails
    assert mail.message["Subject"] == "[info] shop: a test of its alerts"
    assert "a test of its alerts" in sent(place.chat.calls[0])["text"]
    assert (place.folder / "paged.txt").read_text() == "test"


def test_one_alone(place: Place) -> None:
    code, lines, _ = place.test("--channel", "slack")
    assert (code, list(lines)) == (0, ["slack"])
    assert not place.robot.calls


def test_what_fails_says_why_and_the_others_get_theirs(place: Place) -> None:
    place.robot.reply = errcode(93000, f"invalid webhook url, key={KEY}")
    place.mailbox.refuses["ops@example.com"] = "550 nobody here"
    place.chat.reply = answer(404, "no_service")
    code, lines, _ = place.test()
    assert code == 1
    assert "93000: it knows no robot with this key" in lines["ops"]
    assert lines["mail"] == "email    ops@example.com isn't taken: 550 nobody here"
    assert lines["slack"] == "webhook  the answer is 404: no_service"
    assert lines["pager"] == "python   ok"


def test_a_function_that_raises_is_told(place: Place) -> None:
    place.write({"pager": {"python": "pager:fail"}, "none": {"python": "pager:none"}})
    code, lines, _ = place.test()
    assert code == 1
    assert lines["pager"] == "python   RuntimeError: no route"
    assert "can't import pager:none" in lines["none"]


def test_a_channel_that_is_not_there(place: Place) -> None:
    code, lines, stderr = place.test("--channel", "slak")
    assert (code, lines) == (2, {})
    assert re.search("has no channel 'slak'; .*slack", stderr)


def test_a_file_without_alerts(place: Place, tmp_path: Path) -> None:
    place.file.write_text("{version: 1, name: shop}")
    code, _, stderr = place.test()
    assert code == 2
    assert "has no section `alerts`" in stderr


@pytest.mark.parametrize("command", ["list", "ack"])
def test_what_is_open_needs_alerts_and_somebody_who_looks(place: Place, command: str) -> None:
    # Without a runner nothing is known, which isn't that all is well.
    env = {"EBATS_STATE_DIR": str(place.folder / "state")}
    done = run_ebats("alerts", command, place.file, env=env)
    assert (done.returncode, "no runner" in done.stdout) == ((0, True) if command == "list" else (1, False))
    place.file.write_text("{version: 1, name: shop}")
    done = run_ebats("alerts", command, place.file, env=env)
    assert done.returncode == 2
    assert "has no section `alerts`" in done.stderr
