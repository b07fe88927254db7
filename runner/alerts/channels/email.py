"""Mail through an SMTP server, over a link that is checked."""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from ebats.pipelines.alerts import EmailChannel
from ebats.runner.alerts.channels.audience import Audience
from ebats.runner.alerts.channels.channel import ChannelError
from ebats.runner.alerts.channels.hidden import hidden
from ebats.runner.alerts.channels.mail import address, message, recipients
from ebats.runner.alerts.channels.wire import connected, why
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import line

#: Of a whole mail: a server looks long at what it gets, and says something once in a while.
_TIMEOUT_S = 30.0
#: Without a word of it.
_SILENCE_S = 10.0
_LONGEST_TEXT = 200
_CLOSED = "the server closed the connection in the middle"


class Email:
    """Sends what waits as one mail, over a connection of its own."""

    def __init__(
        self,
        channel: EmailChannel,
        audience: Audience,
        timeout_s: float = _TIMEOUT_S,
        silence_s: float = _SILENCE_S,
    ) -> None:
        """Send to the channel's addresses, and to the owners'."""
        self.name = channel.name
        self._channel = channel
        self._audience = audience
        self._timeout_s = timeout_s
        self._silence_s = silence_s

    def send(self, notices: list[Notice]) -> None:
        """Send notices as one mail.

        Raises:
            ChannelError: nobody, or not everybody, got it.
        """
        try:
            self._send(notices)
        except ChannelError as error:
            raise hidden(error, [self._channel.password] if self._channel.password else []) from None

    def close(self) -> None:
        """Do nothing: each mail has a connection of its own."""

    def _send(self, notices: list[Notice]) -> None:
        mail = message(self._channel, self._audience, notices, datetime.now(UTC))
        to = [address(one) for one in recipients(self._channel, self._audience, notices)]
        try:
            with self._session() as session:
                refused = session.sendmail(address(self._channel.sender), to, mail.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            raise _of_recipients(error.recipients, notices) from None
        except smtplib.SMTPResponseException as error:
            raise _of_answer(error, notices) from None
        except smtplib.SMTPNotSupportedError as error:
            raise ChannelError(str(error), refused=notices) from None
        except smtplib.SMTPServerDisconnected as error:
            # So smtplib calls a time-out, too.
            is_late = isinstance(error.__context__, TimeoutError)
            text = why(TimeoutError(), self._silence_s) if is_late else _CLOSED
            raise ChannelError(text, rest=notices) from None
        except OSError as error:
            raise ChannelError(why(error, self._silence_s), rest=notices) from None
        if refused:
            raise ChannelError(f"sent, but {_told(refused)}")

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Yield a session that is encrypted and logged in as the file says."""
        channel = self._channel
        context = None if channel.security == "none" else ssl.create_default_context(cafile=channel.ca_certs)
        first = context if channel.security == "tls" else None
        with connected(channel.host, channel.port, self._timeout_s, first) as connection:
            connection.settimeout(self._silence_s)
            session = smtplib.SMTP()
            session.sock = connection
            try:
                _greet(session)
                if context and not first:
                    _start_tls(session, context, channel.host)
                if channel.user and channel.password:
                    session.login(channel.user, channel.password)
                yield session
                # The mail is sent, whatever comes of this.
                with suppress(smtplib.SMTPException, OSError):
                    session.quit()
            finally:
                session.close()


def _greet(session: smtplib.SMTP) -> None:
    code, text = session.getreply()
    if code != 220:
        raise smtplib.SMTPConnectError(code, text)
    session.ehlo_or_helo_if_needed()


def _start_tls(session: smtplib.SMTP, context: ssl.SSLContext, host: str) -> None:
    """Encrypt the link, or raise: a server that can't gets nothing in the clear instead."""
    if not session.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError(
            "the server doesn't offer STARTTLS; write `security: tls` if it is encrypted from the start"
        )
    code, text = session.docmd("STARTTLS")
    if code != 220:
        raise smtplib.SMTPResponseException(code, text)
    assert session.sock is not None
    session.sock = context.wrap_socket(session.sock, server_hostname=host)
    # What was said before, and what may have been slipped in behind it, doesn't count: RFC 3207, section 4.2.
    session.file = None
    session.helo_resp = session.ehlo_resp = None
    session.esmtp_features = {}
    session.does_esmtp = False
    session.ehlo_or_helo_if_needed()


def _of_recipients(refused: dict[str, tuple[int, bytes]], notices: Sequence[Notice]) -> ChannelError:
    """Return the error where nobody gets the mail: tried again as long as one of them may take it later."""
    if any(_is_later(code) for code, _ in refused.values()):
        return ChannelError(_told(refused), rest=notices)
    return ChannelError(_told(refused), refused=notices)


def _of_answer(error: smtplib.SMTPResponseException, notices: Sequence[Notice]) -> ChannelError:
    text = f"the server says {error.smtp_code}{_said(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        text = f"{text}; it doesn't take `user` and `password`"
    if _is_later(error.smtp_code):
        return ChannelError(text, rest=notices)
    return ChannelError(text, refused=notices)


def _is_later(code: int) -> bool:
    """Return whether an answer may be another one later, https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1."""
    return not 500 <= code < 600


def _told(refused: dict[str, tuple[int, bytes]]) -> str:
    told = [f"{line(one, 100)} isn't taken: {code}{_said(text)}" for one, (code, text) in refused.items()]
    return "; ".join(told)


def _said(text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    said = line(said, _LONGEST_TEXT)
    return f" {said}" if said else ""
