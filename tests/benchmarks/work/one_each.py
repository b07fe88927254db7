"""Publishes messages with nothing kept from one to the next, as PHP-FPM does: `one_each.py WAY NUMBER`.

Several clients at once in one process, each a thread that does what a request of a web page does: connect,
publish, close. Prints what a figure has of it as JSON.
"""

import http.client
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator

import amqp
from kombu.utils.url import parse_url

CLIENTS = 8
QUEUE = "bare"
BODY = json.dumps({"order_id": "FB2001", "city": "Beijing", "n": 7}).encode()
HEADERS = {"Authorization": "Bearer bench", "Content-Type": "application/json"}


def amqp_connection() -> amqp.Connection:
    """Connect as the bench's URL says."""
    url = parse_url(os.environ["EBATS_BENCH_URL"])
    connection = amqp.Connection(
        f"{url['hostname']}:{url['port']}",
        userid=url["userid"],
        password=url["password"],
        virtual_host=url["virtual_host"],
    )
    connection.connect()
    return connection


def declare() -> None:
    """Declare the queue, once; a page would find it declared."""
    with amqp_connection() as connection:
        connection.channel().queue_declare(QUEUE, durable=True, auto_delete=False)


def publish_and_close(is_confirmed: bool) -> None:
    """Connect, open a channel, publish, close."""
    connection = amqp_connection()
    channel = connection.channel()
    if is_confirmed:
        channel.confirm_select()
    publish = channel.basic_publish_confirm if is_confirmed else channel.basic_publish
    message = amqp.Message(BODY, content_type="application/json", delivery_mode=2)
    publish(message, exchange="", routing_key=QUEUE)
    connection.close()


def post(connection: http.client.HTTPConnection) -> None:
    """Post one message; the answer is its confirm."""
    connection.request("POST", "/v1/events/happens", BODY, HEADERS)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 202:
        raise RuntimeError(f"answered {answer.status}: {said.decode()}")


def gateway() -> http.client.HTTPConnection:
    """Return a connection to the gateway; it is opened by the first request."""
    return http.client.HTTPConnection("127.0.0.1", int(os.environ["EBATS_BENCH_PORT"]), timeout=30)


def post_and_close() -> None:
    """Connect, post, close."""
    connection = gateway()
    post(connection)
    connection.close()


def post_kept() -> Callable[[], None]:
    """Return what posts over a connection of its own: each client's."""
    connection = gateway()
    return lambda: post(connection)


#: By way: makes what one client does for each message.
WAYS: dict[str, Callable[[], Callable[[], None]]] = {
    "amqp": lambda: lambda: publish_and_close(is_confirmed=False),
    "amqp-confirm": lambda: lambda: publish_and_close(is_confirmed=True),
    "post": lambda: post_and_close,
    "post-kept": post_kept,
}


def run(make: Callable[[], Callable[[], None]], number: int) -> list[float]:
    """Let the clients do it so many times together; return how long each took."""
    took: list[float] = []
    failed: list[BaseException] = []
    left = iter(range(number))  # next() on it is one step for all threads

    def work(one: Callable[[], None], left: Iterator[int]) -> None:
        try:
            for _ in left:
                began = time.perf_counter()
                one()
                took.append(time.perf_counter() - began)
        except BaseException as error:
            failed.append(error)

    clients = [threading.Thread(target=work, args=(make(), left)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if failed:
        raise failed[0]
    return took


def cpu_s() -> float:
    """Return the processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(way: str, number: int) -> None:
    """Warm up, measure, print."""
    if way.startswith("amqp"):
        declare()
    run(WAYS[way], number // 10)
    began, before = time.perf_counter(), cpu_s()
    took = sorted(run(WAYS[way], number))
    seconds, used = time.perf_counter() - began, cpu_s() - before
    found = {
        "per_s": number / seconds,
        "client_us": 1e6 * used / number,
        "p50_ms": 1000 * took[number // 2],
        "p99_ms": 1000 * took[int(number * 0.99)],
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
