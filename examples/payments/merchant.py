"""Stand in for the merchants: a server such as each of them has, in a language of its own.

    pip install standardwebhooks && python merchant.py [--port 9600] [--think 0.2]

`/good` answers "success". `/fails/2` says "fail" to the first two requests of a notification, as systems do
whose own books aren't ready. `/never` takes requests and doesn't answer. One line for each request.
"""

import argparse
import asyncio
import os
from collections import Counter
from datetime import UTC, datetime

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = os.environ.get("PAYMENTS_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


class Merchant:
    """Counts the requests of each notification, and those that are here at once."""

    def __init__(self, think_s: float) -> None:
        self._think_s = think_s
        self._signatures = Webhook(SECRET)
        self._asked: Counter[str] = Counter()
        self._here = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Take a notification, if it is signed by who has the secret."""
        body = await request.read()
        try:
            # The same in every language: https://www.standardwebhooks.com has libraries for ten of them.
            order = self._signatures.verify(body, dict(request.headers))["order"]
        except WebhookVerificationError as error:
            say("?", request.path, f"refused: {error}")
            return web.Response(status=401, text=str(error))
        # The id is the same in all attempts: what a merchant knows a repeat by.
        notification = request.headers["webhook-id"]
        self._asked[notification] += 1
        self._here += 1
        try:
            text = await self._decide(request, order, self._asked[notification])
        finally:
            self._here -= 1
        return web.Response(text=text)

    async def _decide(self, request: web.Request, order: str, times: int) -> str:
        fails = int(request.match_info.get("fails", 0))
        text = "fail" if times <= fails else "success"
        is_silent = request.path == "/never"
        say(order, request.path, f"request {times}, {self._here} at once: {'...' if is_silent else text}")
        await asyncio.sleep(3600 if is_silent else self._think_s)
        return text


def say(order: str, path: str, text: str) -> None:
    """Print a line, with the time in UTC as in the output of ebats."""
    now = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
    print(f"{now}Z  {order:<6}  {path:<8}  {text}", flush=True)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="the merchants")
    parser.add_argument("--port", type=int, default=9600)
    parser.add_argument("--think", type=float, default=0.2, help="seconds until it answers")
    options = parser.parse_args()
    merchant = Merchant(options.think)
    app = web.Application()
    paths = ("/good", r"/fails/{fails:\d+}", "/never")
    app.add_routes([web.post(path, merchant.answer) for path in paths])
    print(
        f"merchants on http://127.0.0.1:{options.port}: {' '.join(('/good', '/fails/2', '/never'))}",
        flush=True,
    )
    web.run_app(
        app,
        host="127.0.0.1",
        port=options.port,
        access_log=None,
        print=None,
        handler_cancellation=True,  # who is told nothing leaves; so does his request
        shutdown_timeout=1,
    )


if __name__ == "__main__":
    main()
