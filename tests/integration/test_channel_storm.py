"""A storm of alerts is a handful of messages, with every alert in them, over restarts too."""

import re
import time
from pathlib import Path

import pytest

from ebats.runner.alerts.channel_feeds import ChannelFeeds
from tests.merchant import Merchant
from tests.robot import KEY, errcode, sent, wecom
from tests.unit.alerts.notices import notice
from tests.waiting import wait_until

NOTICES = 100


def told(content: str) -> int:
    """Return how many alerts a message tells of: of several the first line says so."""
    found = re.search(r"^\[\w+\] .*: (\d+) alerts: ", content)
    return int(found[1]) if found else 1


@pytest.mark.slow
def test_a_hundred_notices_are_twenty_messages_at_most_and_none_is_missing(tmp_path: Path) -> None:
    lines: list[str] = []
    with Merchant(errcode(0)) as robot:
        url = robot.url(f"/send?key={KEY}")
        robot.replies = [errcode(-1, "busy"), errcode(0), errcode(-1, f"busy, key={KEY}")]
        feeds = ChannelFeeds(
            [wecom(url, str(tmp_path))], lambda level, text: lines.append(f"{level}: {text}")
        )
        for number in range(NOTICES // 2):
            feeds.put(notice(number, what=f"alert number {number} of many, and it is a long one"), ["ops"])
            time.sleep(0.02)
        feeds.close(time.monotonic() + 60)
        # As after a kill: another process, and the same robot.
        feeds = ChannelFeeds(
            [wecom(url, str(tmp_path))], lambda level, text: lines.append(f"{level}: {text}")
        )
        for number in range(NOTICES // 2, NOTICES):
            feeds.put(notice(number, what=f"alert number {number} of many, and it is a long one"), ["ops"])
            time.sleep(0.02)
        wait_until(lambda: feeds.status()["ops"]["sent"] == NOTICES // 2, 60)
        feeds.close(time.monotonic() + 60)
        contents = [sent(call)["text"]["content"] for call in robot.calls]
    assert len(contents) <= 20
    assert all(len(content.encode()) <= 2048 for content in contents)
    # The first and the third attempt were not taken.
    assert (
        sum(told(content) for position, content in enumerate(contents) if position not in (0, 2)) == NOTICES
    )
    assert KEY not in "".join(lines)
