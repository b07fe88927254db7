"""Notices as one mail: its headers, its text, who gets it. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses

from ebats.pipelines.alerts import EmailChannel
from ebats.runner.alerts.channels import compose
from ebats.runner.alerts.channels.audience import Audience, once
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import line

_LONGEST_SUBJECT = 200
_PRIORITIES = {"critical": "high", "warning": "normal", "info": "normal"}


def recipients(channel: EmailChannel, audience: Audience, notices: Sequence[Notice]) -> list[str]:
    """Return the addresses of a mail, with names where they are written: the channel's and the owners'."""
    written = once(channel.to, *(owner.email for owner in audience.owners(notices)))
    known: dict[str, str] = {}
    for one in written:
        known.setdefault(address(one).casefold(), one)
    return list(known.values())


def address(written: str) -> str:
    """Return the bare address of one that may have a name in front: `Shop <shop@example.com>`."""
    return getaddresses([written])[0][1]


def message(
    channel: EmailChannel, audience: Audience, notices: Sequence[Notice], now: datetime
) -> EmailMessage:
    """Return the mail about these notices.

    All that is said about one alert is one thread: https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4. No
    program answers to it: https://www.rfc-editor.org/rfc/rfc3834.
    """
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = channel.sender
    mail["To"] = ", ".join(recipients(channel, audience, notices))
    if channel.reply_to:
        mail["Reply-To"] = channel.reply_to
    mail["Subject"] = line(compose.heading(notices), _LONGEST_SUBJECT)
    mail["Date"] = format_datetime(now)
    domain = address(channel.sender).rpartition("@")[2]
    own, others = _ids(notices, domain)
    mail["Message-ID"] = own
    if others:
        mail["In-Reply-To"] = others[0]
        mail["References"] = " ".join(others)
    mail["Auto-Submitted"] = "auto-generated"
    # Exchange looks at this one alone: https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcmail
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Importance"] = _PRIORITIES[compose.worst(notices)]
    # A lone surrogate, which UTF-8 can't hold, becomes a question mark.
    text = compose.full(notices).encode("utf-8", "replace").decode()
    # Lines of any length and letters of any alphabet arrive so, whatever is in between.
    mail.set_content(text, charset="utf-8", cte="quoted-printable")
    return mail


def _ids(notices: Sequence[Notice], domain: str) -> tuple[str, list[str]]:
    """Return the id of a mail, the same in every attempt, and the ids that it follows."""
    roots = once(_root(notice, domain) for notice in notices)
    if len(notices) == 1 and notices[0].state == "open":
        return roots[0], []
    names = "\n".join(f"{notice.id} {notice.state} {notice.time.isoformat()}" for notice in notices)
    own = f"<{_hash(names)}@{domain}>"
    return own, [root for root, notice in zip(roots, notices, strict=False) if notice.rule is not None]


def _root(notice: Notice, domain: str) -> str:
    """Return the id of the mail that an alert begins with."""
    return f"<{_hash(f'{notice.pipeline} {notice.host} {notice.id}')}@{domain}>"


def _hash(text: str) -> str:
    return "ebats-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
