"""Row 14, one trouble with Elasticsearch after the other: tasks go on, a record arrives once or is kept."""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field

import pytest

from tests.commands import RunningCommand
from tests.elastic_client import ElasticClient
from tests.fake_elastic import FakeElastic, Reply, late, refuse
from tests.faults.elastic_site import arrived, status, wait_arrived, write
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.send import Sender
from tests.faults.site import Site
from tests.proxy import Proxy
from tests.waiting import wait_until

#: The label `kind` is a number on the server.
TYPES = {"labels": {"properties": {"kind": {"type": "long"}, "n": {"type": "keyword"}}}}


@dataclass(frozen=True, slots=True)
class Form:
    """For how many seconds messages are sent: in calm times, without Elasticsearch, in other troubles."""

    calm: float
    away: float
    trouble: float
    #: Between ten messages and the next ten. No more in all than one search counts: 10,000.
    pause: float = 0.4


@dataclass(slots=True)
class Load:
    """Messages of one time after the other, and how long each took to be done."""

    site: Site
    pause_s: float
    sent: dict[str, float] = field(default_factory=dict)
    #: Whose record no server takes that knows `kind` as a number.
    bad: list[str] = field(default_factory=list)

    def run(self, time_of: str, seconds: float, kinds: Sequence[str] = ("1",)) -> None:
        """Send a few messages at a time, for so long, and wait until they are done."""
        end = time.monotonic() + seconds
        with closing(Sender(self.site.url, self.site.oracle)) as sender:
            while time.monotonic() < end:
                first = len(self.sent)
                names = [f"{time_of}-{number}" for number in range(first, first + 10)]
                now = time.time()
                given = {name: kinds[number % len(kinds)] for number, name in enumerate(names)}
                sender.send(self.site.message(name, kind=kind) for name, kind in given.items())
                self.sent |= dict.fromkeys(names, now)
                self.bad += [name for name, kind in given.items() if not kind.isdigit()]
                time.sleep(self.pause_s)
        self.site.wait_done()

    def seconds(self, *times: str) -> list[float]:
        """Return how long the messages of these times took, from being sent to being done."""
        runs = self.site.oracle.done()
        return [run["at"] - self.sent[run["n"]] for run in runs if run["n"].partition("-")[0] in times]


class Trouble:
    """A server behind a proxy and a fake: what may be wrong with it, each for the time of a `with`."""

    def __init__(self, fake: FakeElastic, proxy: Proxy, slow_s: float) -> None:
        self.fake, self.proxy = fake, proxy
        self.slow_s = slow_s

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens."""
        self.proxy.refuse()
        yield
        self.proxy.allow()

    def busy(self) -> AbstractContextManager[None]:
        """Each bulk is answered 429."""
        return self._answering(refuse(429))

    def partly_busy(self) -> AbstractContextManager[None]:
        """Each third document of a bulk is refused with 429, the others are taken."""
        return self._answering(self.fake.refuse_items(lambda n, _document: 429 if n % 3 == 0 else None))

    def slow(self) -> AbstractContextManager[None]:
        """What it is sent is stored, and the answer comes long after the sink has given up."""
        return self._answering(late(self.slow_s, self.fake.pass_on))

    @contextmanager
    def _answering(self, reply: Reply) -> Iterator[None]:
        self.fake.reply, before = reply, self.fake.reply
        yield
        self.fake.reply = before


def go_through(load: Load, trouble: Trouble, form: Form, command: RunningCommand) -> None:
    """Send messages in a calm time and in each trouble, and between them."""
    load.run("calm", form.calm)
    with trouble.away():
        load.run("away", form.away)
        away = wait_until(lambda: found if (found := status(load.site)).get("spooled") else None)
        assert away
        assert away["lost"] == away["overflowed"] == away["rejected"] == 0
        # News of a sink come at most every ten seconds, the last one alone: it is told before it is over.
        command.wait_for_output("sink search fails", 40)
    for name in ("busy", "partly_busy", "slow"):
        with getattr(trouble, name)():
            load.run(name, form.trouble)
    # Half of each bulk breaks the server's own mapping, which is no fault of the fake.
    load.run("refused", form.trouble, kinds=("1", "a text"))
    load.run("after", form.calm)


@forms(quick=Form(1, 2, 1), full=Form(20, 600, 30, pause=0.8), full_deadline_s=1800)
@pytest.mark.row(14)
def test_tasks_go_on_and_each_record_arrives_once_or_is_kept_whatever_elasticsearch_does(
    local_site: Site,
    elastic: ElasticClient,
    proxy_to: Callable[[int], Proxy],
    finding: Finding,
    form: Form,
) -> None:
    site, load = local_site, Load(local_site, form.pause)
    elastic.add_template(TYPES)
    with FakeElastic(elastic.port) as fake:
        # Given a pipeline under load, with its records in Elasticsearch
        proxy = proxy_to(fake.port)
        labels = {"n": "{{ n }}", "kind": "{{ kind }}"}
        write(site, f"http://127.0.0.1:{proxy.port}", elastic.stream, labels, spool={"path": "spool"})
        command = site.start()

        # When that is in one trouble after the other
        go_through(load, Trouble(fake, proxy, slow_s=min(30.0, form.trouble)), form, command)

        # Then each record arrives once, but for those that it refused, which are kept in a file
        wait_until(lambda: status(site)["spooled"] == 0, 60, lambda: f"{status(site)}")
        wait_arrived(elastic, len(load.sent) - len(load.bad))
        at_the_end = status(site)
        command.wait_for_output("sink search works again", 40)
        site.end(command)
    assert not {*load.bad} & arrived(elastic).keys()
    assert (at_the_end["lost"], at_the_end["overflowed"], at_the_end["rejected"]) == (0, 0, len(load.bad))
    (kept,) = (site.folder / "spool").rglob("rejected.ndjson")
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert sorted(line["document"]["labels"]["n"] for line in lines) == sorted(load.bad)

    # And no task has noticed
    finding.caused(5)
    finding.note(f"away for {form.away:g} s")
    calm = quantiles(load.seconds("calm", "after"))
    for name in ("away", "busy", "slow"):
        p50, p99 = (one / other for one, other in zip(quantiles(load.seconds(name)), calm, strict=True))
        finding.note(f"{name}: tasks took {p50:.2f} times as long (median), {p99:.2f} times (p99)")
    finding.add(site.oracle.judge(), duplicates=0)
    assert {record["outcome"] for record in site.records()} == {"success"}
    over = "INFO .* sink search works again"
    check_told(command, begins="WARN .* sink search fails", over=over, at_most=6)
    check_told(command, begins="sink search had .* records? refused, kept in", at_most=6)


def quantiles(seconds: list[float]) -> tuple[float, float]:
    """Return median and p99."""
    return statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1]
