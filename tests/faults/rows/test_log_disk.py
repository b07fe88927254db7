"""Row 13, the log's disk full, its file unwritable, its folder removed: tasks go on, and it is told."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.disks import small_disk, stuff
from tests.faults.alerting import Alerting
from tests.faults.elastic_site import status
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.rows.load import stubborn_load
from tests.faults.site import Site
from tests.waiting import wait_until

pytestmark = pytest.mark.row(13)

#: More of these records than wait in memory (32 MiB).
LARGE, LARGE_BYTES = 500, 90_000


@pytest.fixture
def logs(local_site: Site) -> Iterator[Path]:
    """The folder of the log: a disk of 64 MB of its own."""
    with small_disk(local_site.folder / "logs") as disk:
        yield disk


@contextmanager
def full(logs: Path) -> Iterator[None]:
    """Fill the disk, and free it."""
    junk = stuff(logs)
    yield
    junk.unlink()


@contextmanager
def unwritable(logs: Path) -> Iterator[None]:
    """Lay a disk over the folder that can't be written, by root neither, and take it away."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(logs)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(logs)], check=True)


FULL = (pytest.mark.soak, pytest.mark.timeout(900))
#: The faults, and what the system says.
FAULTS = {"full": (full, "No space left on device"), "unwritable": (unwritable, "Read-only file system")}


def write(site: Site, **history: object) -> Alerting:
    """Write a pipeline that tells of a log that can't be written."""
    alerting = Alerting(site)
    sinks = {"console": {"std": {}}, "history": {"file": {"path": "logs/shop.jsonl", **history}}}
    alerting.write({"sink_away": "1s"}, task={"retry": ["200ms"]}, logs=sinks)
    return alerting


def attempts(logs: Path) -> Counter[tuple[str, int]]:
    """Return how often each attempt stands in the log; fails where a line of it isn't whole."""
    lines = [json.loads(line) for line in (logs / "shop.jsonl").read_text().splitlines()]
    return Counter((line["id"], line["attempt"]) for line in lines if line["kind"] == "execution")


def history(site: Site) -> dict[str, Any]:
    """Return what `ebats status` says about the log."""
    return {"error": None, "lost": 0, "waiting": 0, **status(site, "history")}


def check_alerts(alerting: Alerting) -> None:
    """Check that it was told once that nothing is taken, and once that this is over."""
    alerting.wait_told("over", deadline_s=60)
    told = [notice["state"] for notice in alerting.told()]
    assert told == ["open", "over"], alerting.told()
    assert "sink history has taken nothing for" in alerting.told()[0]["title"]


def check_log(site: Site, logs: Path, lost: int = 0) -> None:
    """Check that each attempt stands in the log once, but for those that were counted as lost."""
    found, outcomes = attempts(logs), len(site.oracle.started())
    assert set(found.values()) == {1}
    assert len(found) == outcomes - lost


@pytest.mark.parametrize(
    ("fault", "form"),
    [
        pytest.param("full", 1, id="full-quick", marks=pytest.mark.slow),
        *(pytest.param(fault, 6, id=f"{fault}-full", marks=FULL) for fault in FAULTS),
    ],
)
def test_tasks_go_on_while_the_log_cannot_be_written_and_what_waited_is_there_once(
    local_site: Site, logs: Path, finding: Finding, fault: str, form: int
) -> None:
    # Given a pipeline under load, which tells of its log
    site = local_site
    alerting = write(site)
    command = site.start()
    cause, why = FAULTS[fault]
    with stubborn_load(site) as load:
        load.wait_for_more(2)

        # When its log can't be written
        for cycle in range(form):
            with cause(logs):
                finding.caused()
                # Then its tasks go on, and it is told
                before = set(site.oracle.confirmed_names())
                wait_until(lambda: history(site)["error"], 30, "the log fails")
                load.wait_for_more(2)
                wait_until(lambda before=before: before <= site.oracle.done_names(), 60)  # type: ignore[misc]  # mypy infers no type for a default
                command.wait_for_output("sink history fails", 40)
                alerting.wait_told("open")
            wait_until(lambda: not history(site)["error"], 60, "the log works again")
            load.wait_for_more(2)
            assert history(site)["lost"] == 0, cycle
    site.wait_done()
    command.wait_for_output("sink history works again", 40)
    check_alerts(alerting)
    site.end(command)

    # And what waited meanwhile is there, once and whole
    check_log(site, logs)
    begins = f"WARN .* sink history fails, .* records? waits?: .*{why}"
    check_told(command, begins=begins, over="INFO .* sink history works again", at_most=form)
    assert site.ready("dead") == 0
    finding.add(site.oracle.judge(), duplicates=0)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_what_finds_no_room_meanwhile_is_counted_and_told(
    local_site: Site, logs: Path, finding: Finding
) -> None:
    # Given large records, and a disk that is full
    site = local_site
    alerting = write(site, payload="full", payload_limit="100KB")
    command = site.start()
    with full(logs):
        finding.caused()
        # When more come than wait in memory
        site.send([f"m-{number}" for number in range(LARGE)], more="x" * LARGE_BYTES)
        # Then all is done all the same, and it is told how many are lost
        site.wait_done()
        wait_until(lambda: history(site)["lost"], 30, "records get lost")
        command.wait_for_output("sink history lost", 40)
    wait_until(lambda: history(site)["waiting"] == 0, 60, "the log works again")
    command.wait_for_output("sink history works again", 40)
    check_alerts(alerting)
    lost = history(site)["lost"]
    site.end(command)
    check_log(site, logs, lost)
    finding.note(f"{lost} records of {LARGE} were lost, and counted")
    told = r"WARN .* sink history lost \d+ records?: .*No space left on device"
    check_told(command, begins=told, over="INFO .* sink history works again", at_most=2)
    assert f"sink history lost {lost} records in all" in command.output
    finding.add(site.oracle.judge(), duplicates=0)


@forms(quick=2, full=20)
def test_a_folder_that_is_removed_is_made_again(
    local_site: Site, finding: Finding, form: int, tmp_path: Path
) -> None:
    # Given a pipeline under load
    site = local_site
    logs = site.folder / "logs"
    alerting = write(site)
    command = site.start()
    kept: Counter[tuple[str, int]] = Counter()
    with stubborn_load(site) as load:
        for cycle in range(form):
            load.wait_for_more(2)
            wait_until((logs / "shop.jsonl").exists, 30, "there is no log")
            # When somebody removes the folder; what was written until then is looked at
            gone = tmp_path / f"gone-{cycle}"
            logs.rename(gone)
            finding.caused()
            # Then all goes on in a new one
            wait_until((logs / "shop.jsonl").exists, 30, "there is no new log")
            kept += attempts(gone)
            shutil.rmtree(gone)
    site.wait_done()
    site.end(command)
    kept += attempts(logs)
    assert set(kept.values()) == {1}
    assert len(kept) == len(site.oracle.started())
    assert not alerting.told()
    assert "sink history" not in command.output
    finding.add(site.oracle.judge(), duplicates=0)
