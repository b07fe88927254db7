"""Make Elasticsearch ready for a sink: its index template, and how long it keeps documents."""

from collections import deque

from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.connect import Connection


class Preparation:
    """Makes things ready once, before anything is sent."""

    def __init__(self, sink: ElasticSink, connection: Connection) -> None:
        """Do nothing yet."""
        self._sink = sink
        self._connection = connection
        self.done = True
        #: For people, each told once.
        self.notes: deque[str] = deque()

    def run(self) -> None:
        """Make it ready.

        Raises:
            Away: no answer; it can be tried again.
        """
        self.done = True
