"""Items for spools of the Elasticsearch sink, numbered, and what comes out again."""

from ebats.pipelines.sink import Batch
from ebats.runner.sinks.elastic.bulk import id_of, item
from ebats.runner.sinks.elastic.spool import Spool

ALL = Batch(records=1_000_000, size=100_000_000, wait_s=0)


def some(count: int, start: int = 0, size: int = 0) -> list[bytes]:
    return [
        item("logs-ebats-x", b"%d" % n, b'{"n":%d,"pad":"%b"}' % (n, b"x" * size))
        for n in range(start, start + count)
    ]


def drain(spool: Spool, rules: Batch = ALL) -> list[int]:
    """Take and settle all there is; return its numbers."""
    found = []
    while hand := spool.take(rules):
        found += [int(id_of(each)) for each in hand.items]
        spool.settle()
    return found
