"""What aiohttp's server can do: `python bare_app.py PORT` reads bodies, answers 202, and does nothing."""

import sys

from aiohttp import web

try:
    # As ebats does, where it is installed.
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop


async def accept(request: web.Request) -> web.Response:
    """Read the body and forget it."""
    await request.read()
    return web.json_response({"ids": []}, status=202)


if __name__ == "__main__":
    app = web.Application()
    app.add_routes([web.post("/v1/messages", accept), web.post("/v1/events/happens", accept)])
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=new_event_loop())
