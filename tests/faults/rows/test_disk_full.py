"""Row 12, the disk of the embedded broker full, then freed: publishers alone are refused meanwhile."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ebats import NotConfirmed, Publisher
from tests.acceptance.test_python_producers import write
from tests.commands import run_ebats
from tests.disks import leave, small_disk, stuff
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.rows.load import PREFETCH, PROCESSES, Posts, posting, start_with_gateway
from tests.faults.site import Site
from tests.faults.test_producers import WINDOW, flooded, launch, names, stands_still
from tests.gateway import Gateway
from tests.waiting import wait_until

pytestmark = pytest.mark.row(12)

#: Of a disk of 64 MiB: less than publishers leave free (a fifth), more than retries do (a tenth).
NEARLY_FULL = 9 * 1024 * 1024
#: The processes have all of these in hand, and nothing beside them.
HELD = PROCESSES * PREFETCH
FAILING, POISONED = 20, 5


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB of its own."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def disk_site(make_site: Callable[[str], Site], disk: Path) -> Site:
    """A pipeline's folder, whose broker has that disk."""
    return make_site(f"sqlite:///{disk}/broker.db")


def entries(disk: Path) -> int:
    """Return how many messages nobody has settled, in hand or not, of the queue of the task."""
    query = "SELECT count(*) FROM entry JOIN queue ON queue.id = queue WHERE name = 'site.work'"
    with closing(sqlite3.connect(f"file:{disk}/broker.db?mode=ro", uri=True)) as looked_at:
        (count,) = looked_at.execute(query).fetchone()
        return int(count)


def check_refused(site: Site) -> None:
    """Check that who publishes without the gateway is told why nothing is taken."""
    why = r"the broker takes no messages for now: no room on the disk of .*broker\.db: \d+ MiB are free"
    site.oracle.attempting(["refused"])
    with Publisher(site.file, timeout="1s") as publisher, pytest.raises(NotConfirmed, match=why):
        publisher.publish("happened", {"n": "refused"})
    told = run_ebats(
        *("publish", site.file, "happened", "--data", '{"n": "refused"}', "--wait", "2s"), env=site.environ()
    )
    assert told.returncode == 1
    check_told(told.stderr, begins=why)
    assert "nothing was confirmed" in told.stderr


def work_off_nearly_full(site: Site, disk: Path, posts: Posts, cycle: int) -> set[str]:
    """Let the disk be nearly full while a backlog is worked off; return the dead letters of it."""
    failing = {f"failing-{cycle}-{number}" for number in range(FAILING)}
    poisoned = {f"poisoned-{cycle}-{number}" for number in range(POISONED)}
    site.send(sorted(failing), do="fail_once")
    site.send(sorted(poisoned), do="raise")
    junk = leave(disk, NEARLY_FULL)
    posts.wait_for_more("503 unavailable")
    # Retries and dead letters find room: it is kept for them.
    wait_until(lambda: site.ready("dead") == POISONED * (cycle + 1), 60, "dead letters")
    wait_until(lambda: failing <= site.oracle.done_names(), 60, site.oracle.missing)
    if cycle == 0:
        check_refused(site)
    junk.unlink()
    posts.wait_for_more("202")
    return poisoned


def work_off_full(site: Site, disk: Path, posts: Posts, cycle: int) -> None:
    """Fill the disk to its last byte under what is in hand, and free it when that has been worked off."""
    go = site.folder / "go"
    go.unlink(missing_ok=True)
    held = {f"held-{cycle}-{number}" for number in range(HELD)}
    late = {f"late-{cycle}-{number}" for number in range(FAILING)}
    site.send(sorted(held), do="wait_for_go")
    wait_until(lambda: sum(run["n"] in held for run in site.oracle.started()) >= 2 * PROCESSES, 30)
    site.send(sorted(late), do="fail_once")
    junk = stuff(disk)
    posts.wait_for_more("503 unavailable")
    go.touch()
    # All is acknowledged, but for what has to be published first.
    wait_until(lambda: held <= site.oracle.done_names(), 60, site.oracle.missing)
    wait_until(lambda: late <= {run["n"] for run in site.oracle.started()}, 60, "the late ones are tried")
    wait_until(lambda: entries(disk) == len(late), 60, lambda: f"{entries(disk)} aren't settled")
    assert not late & site.oracle.done_names()
    junk.unlink()
    posts.wait_for_more("202")
    wait_until(lambda: late <= site.oracle.done_names(), 60, site.oracle.missing)


@forms(quick=1, full=6)
def test_a_full_disk_refuses_publishers_alone_and_all_goes_on_when_it_is_freed(
    disk_site: Site, disk: Path, finding: Finding, form: int
) -> None:
    # Given a pipeline with a gateway under load
    site = disk_site
    gateway = Gateway(site=site)
    command = start_with_gateway(gateway)
    dead: set[str] = set()
    with posting(gateway, failing=False) as posts:
        posts.wait_for_more("202")

        # When its disk is full, and freed
        for cycle in range(form):
            dead |= work_off_nearly_full(site, disk, posts, cycle)
            work_off_full(site, disk, posts, cycle)
            finding.caused(2)

    # Then nothing is missing, and the file is sound
    site.wait_done_but(*dead)
    site.end(command)
    assert {letter.n for letter in site.take()} <= dead
    with closing(sqlite3.connect(disk / "broker.db")) as looked_at:
        assert looked_at.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    posts.check_refusals()
    assert posts.answers.keys() <= {"202", "503 unavailable", "503 unconfirmed"}
    finding.note(f"answers {dict(posts.answers)}, the slowest after {posts.slowest_s:.1f} s")
    begins, over = r"the broker takes no messages for now: no room on the disk", "takes messages again"
    check_told(command, begins=f" gateway#1 .*{begins}", over=f" gateway#1 .*{over}", at_most=2 * form)
    most = PROCESSES * form
    check_told(command, begins=f" all#. .*{begins}", over=f" all#. .*{over}", at_most=most)
    assert "connection to the broker was lost" not in command.output
    finding.add(site.oracle.judge(dead=dead), duplicates=0)


@pytest.mark.slow
def test_while_the_disk_is_full_a_producer_is_asked_for_no_more(
    disk_site: Site, disk: Path, finding: Finding
) -> None:
    site = disk_site
    write(site, "flood")
    command = launch(site)
    wait_until(lambda: flooded(site.folder) > WINDOW, 60)
    junk = stuff(disk)
    finding.caused()
    before = flooded(site.folder)
    stands_still(site.folder)
    assert flooded(site.folder) <= before + 3 * WINDOW
    junk.unlink()
    stood = flooded(site.folder)
    wait_until(lambda: flooded(site.folder) > stood + WINDOW, 60)
    site.end(command, 60)
    published = [f"m-{number}" for number in range(flooded(site.folder))]
    site.oracle.attempting([*published, f"m-{len(published)}"])
    site.oracle.confirmed(published)
    finding.add(site.oracle.judge(waiting=names(site)), duplicates=0)
