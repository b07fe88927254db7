"""A mail server on the loopback, which keeps what it gets and misbehaves as a test wants it to."""

import asyncio
import ssl
import warnings
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.brokers import free_port
from tests.served import Served

USER, PASSWORD = "shop", "hunter2-of-the-shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What came."""

    sender: str
    recipients: list[str]
    #: Whether it came over an encrypted link, and who was logged in.
    is_encrypted: bool
    user: str | None
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        found = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


class Mailbox(Served):
    """An SMTP server; with a context over TLS, from the start or from STARTTLS on."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        starttls: bool = False,
        wants_login: bool = False,
    ) -> None:
        """Listen on a port of the loopback, from `with` on."""
        super().__init__()
        self.port = free_port()
        self.mails: list[Mail] = []
        #: Recipient to the answer that they get.
        self.refuses: dict[str, str] = {}
        #: What the server says to DATA instead of taking it; one after the other.
        self.answers: list[str] = []
        #: The command, such as EHLO or DATA, at which it says nothing any more, or closes the connection.
        self.hangs_at = self.closes_at = ""
        self._context = context
        self._starttls = starttls
        self._wants_login = wants_login

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        implicit = None if self._starttls else self._context
        server = await self.loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=implicit)
        self.ready.set()
        await self.stop.wait()
        server.close()
        await server.wait_closed()

    def _protocol(self) -> SMTP:
        with warnings.catch_warnings():
            # Where the link is encrypted from the start it doesn't know that, and warns of the login.
            warnings.simplefilter("ignore")
            return SMTP(
                self,
                hostname="mail.test",
                loop=self.loop,
                tls_context=self._context if self._starttls else None,
                require_starttls=self._starttls,
                auth_required=self._wants_login,
                auth_require_tls=self._starttls,
                authenticator=self._login if self._wants_login else None,
            )

    def _login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False, auth_data=data)

    async def handle_EHLO(  # noqa: N802 - so they are called
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Be asked what the server can."""
        await self._misbehave("EHLO", server)
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Be told of a recipient."""
        await self._misbehave("RCPT", server)
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Get a mail."""
        await self._misbehave("DATA", server)
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        login = session.auth_data
        self.mails.append(
            Mail(
                sender=envelope.mail_from or "",
                recipients=envelope.rcpt_tos,
                is_encrypted=session.ssl is not None or (self._context is not None and not self._starttls),
                user=login.login.decode() if isinstance(login, LoginPassword) else None,
                content=envelope.content,
            )
        )
        return "250 OK"

    async def _misbehave(self, command: str, server: SMTP) -> None:
        if self.hangs_at == command:
            await self.stop.wait()
        if self.closes_at == command:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
