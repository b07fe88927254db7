"""Sinks that fail: no task is touched, and what is lost is counted and shown."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.site import Site


def test_sink_that_cannot_write_touches_no_task(local_site: Site) -> None:
    # Given a log file in a place where no file can be
    site = local_site
    site.write_work(retry=["100ms"])
    (site.folder / "log.jsonl").mkdir()
    site.declare()
    site.send([f"m-{number}" for number in range(200)])
    site.send([f"again-{number}" for number in range(20)], do="fail_once")

    output = site.run("--fail-on-dead")

    site.oracle.judge().check(duplicates=0)
    assert site.oracle.is_done()
    assert "history" in output
    assert "lost" in output


def test_python_sink_that_raises_touches_no_task(local_site: Site) -> None:
    site = local_site
    (site.folder / "sink.py").write_text("def keep(record):\n    raise RuntimeError('no room')\n")
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}},
        logs={"console": {"std": {}}, "kept": {"python": "sink:keep"}},
    )
    site.declare()
    site.send([f"m-{number}" for number in range(50)])

    output = site.run("--fail-on-dead")

    site.oracle.judge().check(duplicates=0)
    assert "kept" in output
    assert "no room" in output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_full_disk_of_the_log_touches_no_task(local_site: Site) -> None:
    site = local_site
    disk = site.folder / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        run_with_log_on(site, disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def run_with_log_on(site: Site, disk: Path) -> None:
    """Run a thousand messages with a log on a disk that holds a few of their records."""
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}},
        logs={"console": {"std": {}}, "history": {"file": {"path": f"{disk.name}/log.jsonl"}}},
    )
    site.declare()
    site.send([f"m-{number}" for number in range(1000)])

    output = site.run("--fail-on-dead")

    site.oracle.judge().check(duplicates=0)
    assert site.oracle.is_done()
    assert "history lost" in output
    # What was written is whole.
    whole = [line for line in (disk / "log.jsonl").read_text().splitlines(keepends=True) if line[-1:] == "\n"]
    assert all(json.loads(line) for line in whole)


def test_nobody_reading_the_output_touches_no_task(local_site: Site, tmp_path: Path) -> None:
    # Given a pipe as standard output that nobody reads
    site = local_site
    site.write_work()
    site.declare()
    site.send([f"m-{number}" for number in range(3000)])
    read, write = os.pipe()
    with (tmp_path / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [*site.command_line("--until-idle")],
            stdout=write,
            stderr=errors,
            cwd=site.folder,
            env=site.environ(),
        )
    try:
        site.wait_done()
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.wait()
        os.close(read)
        os.close(write)
    site.oracle.judge().check(duplicates=0)
