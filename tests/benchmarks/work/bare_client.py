"""What aiohttp's client can do: `python bare_client.py URL NUMBER CONCURRENCY` posts, and nothing else."""

import asyncio
import sys
from collections.abc import Iterator

import aiohttp

try:
    # As ebats does, where it is installed.
    from uvloop import run
except ImportError:
    from asyncio import run


async def post(url: str, number: int, concurrency: int) -> None:
    """Post so many small JSON bodies, so many at once, and look at each answer."""
    orders = iter(range(number))
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(_work(session, url, orders) for _ in range(concurrency)))


async def _work(session: aiohttp.ClientSession, url: str, orders: Iterator[int]) -> None:
    for order in orders:
        async with session.post(url, json={"order": order}) as response:
            body = await response.read()
            if response.status != 200 or body != b"success":
                raise RuntimeError(f"answered {response.status}, {body!r}")


if __name__ == "__main__":
    run(post(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
