"""Runs a soak: `python -m tests.faults.soak [--minutes M] [--seed N] [--broker KIND]`."""

import argparse
import signal
import sys
import time
import traceback
from random import SystemRandom

from tests.conftest import ALL_BROKERS
from tests.faults.rows.finding import Finding, keep
from tests.faults.soak.run import Settings, soak


def main(arguments: list[str]) -> int:
    """Run a soak and tell of it; return 1 if something didn't hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description="Faults at random.")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (5)")
    parser.add_argument("--seed", type=int, help="what the faults follow from (a new one)")
    parser.add_argument("--broker", choices=ALL_BROKERS, default="sqlite", help="on which broker (sqlite)")
    options = parser.parse_args(arguments)
    seed = SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    settings = Settings(minutes=options.minutes, seed=seed, broker=options.broker)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave nothing behind
    finding = Finding(row=25, test="python -m tests.faults.soak", broker=settings.broker)
    began = time.monotonic()
    try:
        soak(settings, _say, finding)
        finding.passed = True
    except AssertionError:
        traceback.print_exc()
    finding.seconds = round(time.monotonic() - began, 1)
    keep(finding)
    _say("all of it holds" if finding.passed else "that must not be")
    return 0 if finding.passed else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
