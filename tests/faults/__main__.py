"""Runs all that breaks something, in full, and shows what was lost: `python -m tests.faults`."""

import argparse
import datetime
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from tests.brokers import MissingBrokerError, Release
from tests.elastic import Distribution, MissingElasticError
from tests.faults import page
from tests.faults.rows.finding import FILE, ROWS, kept
from tests.faults.rows.table import BY_NUMBER
from tests.kernel import kernel

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run the tests and print the table; returns the exit code of pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", type=_rows, help="these rows of the page alone: `1,7`, or `all`")
    parser.add_argument(
        "--write", action="store_true", help=f"write docs/{page.PAGE.name}, or these rows of it"
    )
    parser.add_argument("-n", "--workers", default="1", help="tests at once (1: nothing else disturbs them)")
    options, more = parser.parse_known_args(arguments)
    versions = _versions()
    is_part = options.write and options.rows
    if is_part and page.FINDINGS.exists() and page.read().versions != versions:
        parser.error("the page was written with other versions: write it with all rows")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "findings.jsonl"
        began = time.monotonic()
        code = _pytest(file, options.rows, options.workers, more)
        run = page.Run(
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            versions=versions,
            minutes=(time.monotonic() - began) / 60,
            findings=sorted(kept(file), key=lambda found: (found.row, found.broker, found.test)),
        )
    sys.stdout.write(page.printed(run))
    if options.write:
        # Read now: rows may have been run beside these.
        is_merged = is_part and page.FINDINGS.exists()
        page.write(page.merged(page.read(), run, options.rows) if is_merged else run)
        sys.stdout.write(f"written: {page.PAGE}\n")
    return code


def _pytest(file: Path, rows: tuple[int, ...] | None, workers: str, more: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-m", "", str(HERE if rows is None else HERE / "rows"), *more]
    if workers != "1":
        command += ["-n", workers, "--dist", "worksteal"]
    # Of two forms of a test, the full one.
    chosen = ",".join(map(str, rows or BY_NUMBER))
    return subprocess.run(command, env={**os.environ, FILE: str(file), ROWS: chosen}, check=False).returncode


def _rows(text: str) -> tuple[int, ...]:
    if text == "all":
        return ()
    rows = tuple(int(number) for number in text.split(","))
    if unknown := [row for row in rows if row not in BY_NUMBER]:
        raise argparse.ArgumentTypeError(f"there is no row {unknown[0]}; there are 1 to {len(BY_NUMBER)}")
    return rows


def _versions() -> dict[str, str]:
    versions = {
        "ebats": metadata.version("ebats"),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    releases = []
    for kind in ("rabbitmq310", "rabbitmq40"):
        with suppress(MissingBrokerError):
            releases.append(Release.find(kind).version)
    if releases:
        versions["RabbitMQ"] = " and ".join(releases)
    with suppress(MissingElasticError):
        versions["Elasticsearch"] = Distribution.find().version
    name, version = kernel()
    return versions | {name: version}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
