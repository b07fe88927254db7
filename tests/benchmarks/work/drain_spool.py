"""Sends what waits in a spool: `python drain_spool.py FOLDER URL STREAM NUMBER`."""

import sys
from pathlib import Path

from tests.benchmarks.work.usage import measured

from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.elastic import Elastic
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting

folder, url, stream, number = Path(sys.argv[1]).absolute(), *sys.argv[2:]
sink = ElasticSink(name="search", hosts=(url,), data_stream=stream, spool=str(folder), manage_template=False)
with measured():
    elastic = Elastic(sink, Exposures(sink.exposure), Setting(pipeline="shop", folder=str(folder)))
    elastic.close()  # sends all, without waiting for the last batch to fill
assert elastic.report().sent == int(number), elastic.report()
