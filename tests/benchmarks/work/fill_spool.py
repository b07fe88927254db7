"""Puts records into the spool of a sink that nobody answers: `python fill_spool.py NUMBER FOLDER STREAM`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.work.usage import measured

from ebats.pipelines.sink import ElasticSink
from ebats.runner.execution.record import Execution, Line, encode
from ebats.runner.sinks.elastic.elastic import Elastic
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting

NOBODY = "http://127.0.0.1:9"


def lines(number: int) -> list[Line]:
    """Return the records of so many attempts, one in ten of them a retry."""
    return [encode(_execution(n)) for n in range(number)]


def _execution(number: int) -> Execution:
    now = datetime.now(UTC)
    failed = number % 10 == 0
    return Execution(
        time=now,
        level="warning" if failed else "info",
        pipeline="shop",
        task="notify_merchant",
        queue="notify_merchant",
        id=f"7bd8e2b0-6a8a-4dc1-9d0c-{number:012d}",
        attempt=1 + number % 3,
        attempts=6,
        outcome="retry" if failed else "success",
        process="rest#1",
        wait_s=0.004,
        run_s=0.0213,
        event="order_paid",
        exchange="shop.events",
        key="order_paid",
        published=now,
        size=120,
        environment="production",
        error="TimeoutError" if failed else None,
        text="the merchant does not answer" if failed else None,
        next=now if failed else None,
        labels={"order": f"FB{number:06d}"},
        host="worker-3.example.com",
        pid=4321,
    )


if __name__ == "__main__":
    count, folder, stream = int(sys.argv[1]), Path(sys.argv[2]).absolute(), sys.argv[3]
    sink = ElasticSink(name="search", hosts=(NOBODY,), data_stream=stream, spool=str(folder))
    elastic = Elastic(sink, Exposures(sink.exposure), Setting(pipeline="shop", folder=str(folder)))
    found = lines(count)
    with measured():
        for start in range(0, count, elastic.batch):
            elastic.write(found[start : start + elastic.batch])
    elastic.close()
