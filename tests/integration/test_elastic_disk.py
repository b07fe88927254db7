"""A full disk under the spool of a whole writer: other sinks go on, and each document is there once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ebats.pipelines.sink import FileSink
from ebats.runner.execution.outbox import Outbox
from tests.disks import small_disk, stuff
from tests.elastic_client import ElasticClient
from tests.elastic_sinks import model
from tests.proxy import Proxy
from tests.records import numbered
from tests.waiting import wait_until
from tests.writers import SOURCE, Channel, channel, ids, serving

__all__ = ["channel"]


def test_records_wait_for_a_full_disk_and_arrive_once(
    elastic: ElasticClient, proxy_to: Callable[[int], Proxy], channel: Channel, tmp_path: Path
) -> None:
    send, receive = channel
    proxy = proxy_to(elastic.port)
    proxy.refuse()
    history = FileSink(name="history", path=str(tmp_path / "logs" / "shop.jsonl"))
    with small_disk(tmp_path / "disk") as disk:
        search = model(f"http://127.0.0.1:{proxy.port}", elastic.stream, disk / "spool")
        with serving((search, history), tmp_path, receive) as (writer, finish):

            def status() -> dict[str, Any]:
                return dict(writer.status()["sinks"]["search"])

            outbox = Outbox(send.fileno(), SOURCE)
            for line in numbered(500):
                outbox.put(line)
            wait_until(lambda: status()["spooled"] == 500, message=lambda: str(status()))
            junk = stuff(disk)
            for line in numbered(2000, start=500):
                outbox.put(line)
            assert outbox.close(10) == 0
            wait_until(lambda: ids(tmp_path / "logs") == [*range(2500)])
            wait_until(lambda: status()["waiting"], message=lambda: str(status()))
            wait_until(lambda: f"No space left on device ({disk}/spool)" in str(status()["error"]))
            proxy.allow()  # what is in the spool can go, and makes no room for the rest yet
            wait_until(lambda: status()["sent"], 40, lambda: str(status()))
            junk.unlink()
            wait_until(lambda: len(elastic.hits("event.type: end")) >= 2500, 40, lambda: str(status()))
            final: dict[str, Any] = dict(finish()["sinks"]["search"])
    assert final["lost"] == final["overflowed"] == final["rejected"] == 0
    found = elastic.documents(query="event.type: end")
    assert sorted(int(one["messaging"]["message"]["id"]) for one in found) == [*range(2500)]
