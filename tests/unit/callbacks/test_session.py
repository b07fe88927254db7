"""Sending a request: what goes along, what is kept to itself, and what is read."""

import asyncio

import pytest
from aiohttp import web
from yarl import URL

from ebats.runner.callbacks.request import Request, as_url
from ebats.runner.callbacks.session import MOST_BYTES, NoAnswer, Session, Timeouts
from ebats.runner.callbacks.success import Answer
from tests.brokers import free_port
from tests.merchant import Call, Merchant, Reply, status


def ask(url: str, timeouts: Timeouts | None = None, times: int = 1, **more: object) -> Answer:
    """Send a request so many times over one session; return the last answer."""

    async def main() -> Answer:
        session = Session(None, None)
        request = Request(method="POST", url=url, id="m", **more)  # type: ignore[arg-type]
        limits = (timeouts or Timeouts(5.0, 5.0)).of(request.timeout_s)
        try:
            answers = [await session.send(request, as_url(url), limits) for _ in range(times)]
        finally:
            await session.close()
        return answers[-1]

    return asyncio.run(main())


def long(size: int) -> Reply:
    async def reply(_call: Call) -> web.StreamResponse:
        return web.Response(body=b"x" * size)

    return reply


def test_little_is_sent_beside_what_was_asked_for() -> None:
    with Merchant() as merchant:
        answer = ask(merchant.url("/x?a=%2F"), body=b"{}", headers={"user-agent": "mine", "X-A": "Zoë"})
        (call,) = merchant.calls
    assert (answer.status, answer.body, answer.is_cut) == (200, b"success", False)
    assert call.path == "/x?a=%2F"
    sent = {name.lower(): value for name, value in call.headers.items()}
    assert sent.keys() == {"host", "accept", "accept-encoding", "user-agent", "x-a", "content-length"}
    assert (sent["accept-encoding"], sent["user-agent"]) == ("identity", "mine")


@pytest.mark.parametrize(("size", "is_cut"), [(MOST_BYTES, False), (MOST_BYTES + 1, True), (5_000_000, True)])
def test_the_beginning_of_an_answer_is_read(size: int, is_cut: bool) -> None:
    with Merchant(long(size)) as merchant:
        answer = ask(merchant.url())
    assert (len(answer.body), answer.is_cut) == (MOST_BYTES, is_cut)


def test_a_cookie_of_one_answer_does_not_go_with_the_next_request() -> None:
    async def baker(_call: Call) -> web.StreamResponse:
        return web.Response(headers={"Set-Cookie": "a=b"})

    with Merchant(baker) as merchant:
        ask(merchant.url(), times=2)
        assert not any("Cookie" in call.headers for call in merchant.calls)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with Merchant(status(204)) as merchant:
        assert ask(merchant.url()).status == 204


def test_user_and_password_of_a_url_go_as_a_header_and_into_no_text() -> None:
    port = free_port()
    with Merchant() as merchant:
        ask(merchant.url().replace("//", "//user:hunter2@"))
        assert merchant.calls[0].headers["Authorization"].startswith("Basic ")
    with pytest.raises(NoAnswer) as caught:
        ask(f"http://user:hunter2@127.0.0.1:{port}/?key=hunter2")
    assert "no connection" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_each_time_out_says_which_it_is() -> None:
    with Merchant() as merchant:
        merchant.reply = merchant.hold
        with pytest.raises(NoAnswer, match=r"said nothing for 0\.2 s"):
            ask(merchant.url(), Timeouts(5.0, 0.2))
        with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"):
            ask(merchant.url(), timeout_s=0.2)


def test_a_path_stays_as_it_was_written() -> None:
    with Merchant() as merchant:
        ask(merchant.url("/a/%2e%2e/b%20c/d+e?x=%E4%BD%A0&y=a+b"))
        assert merchant.calls[0].path == "/a/%2e%2e/b%20c/d+e?x=%E4%BD%A0&y=a+b"
    assert isinstance(as_url("http://a.example/"), URL)
