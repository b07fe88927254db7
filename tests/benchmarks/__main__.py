"""Measures ebats, side by side with what people use today: `python -m tests.benchmarks [NAME...]`."""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import elastic, kept, rungs, validate
from tests.benchmarks.contenders.everybody import EVERYBODY
from tests.benchmarks.figures import Figures
from tests.benchmarks.harness import end_cleanly, table
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.measures import MEASURES, SQLITE, Measure
from tests.benchmarks.page import PAGE
from tests.benchmarks.report import rows
from tests.benchmarks.turns import ROUNDS, say
from tests.benchmarks.words import BROKERS
from tests.brokers import MissingBrokerError, RabbitNode, Release

#: Not in docs/performance.md: they print what they find, and are measured only when they are named.
PRINTED: dict[str, Callable[[Path, RabbitNode], None]] = {
    "validate": validate.measure,
    "elastic": elastic.measure,
    "accuracy": rungs.accuracy,
}
QUICK = 0.1
#: Whose versions count for callbacks and gateways.
HTTP = {"aiohttp", "requests"}


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, or all kinds of work; print tables, and write the page if it is asked for."""
    options = _options(arguments)
    end_cleanly()
    chosen = [one for one in MEASURES if not options.names or {*one.kinds} & {*options.names}]
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        nodes = _nodes(stack)
        packages = {package for one in EVERYBODY for package in one.packages} | HTTP
        kinds = [kind for one in chosen for kind in one.kinds]
        run = kept.run_of(machine(), versions(nodes, packages), kinds, arguments)
        if options.write:
            kept.check(run)
        folder = Path(made)
        found, failed = _measured(chosen, nodes, folder, options.rounds, options.scale)
        for name in (name for name in PRINTED if name in options.names):
            PRINTED[name](folder / name, nodes["rabbitmq310"])
        _show(found, nodes)
    if options.write:
        kept.keep(run, found)
        say(f"written: {PAGE}")
    for each in failed:
        say(f"failed: {each}")
    return 1 if failed else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    names = [*dict.fromkeys(kind for one in MEASURES for kind in one.kinds), *PRINTED]
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, help=f"how often each is measured ({ROUNDS})")
    parser.add_argument("--scale", type=float, help="what numbers of messages are multiplied with (1)")
    parser.add_argument("--quick", action="store_true", help="a tenth, once: to see that everything works")
    parser.add_argument("--write", action="store_true", help="write docs/performance.*")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in names]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names)}")
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    options.scale = options.scale or (QUICK if options.quick else 1.0)
    return options


def _nodes(stack: ExitStack) -> dict[str, RabbitNode]:
    """Start RabbitMQ 3.10, which has to be there, and 4.0 if it is."""
    nodes = {"rabbitmq310": stack.enter_context(RabbitNode(Release.find("rabbitmq310")))}
    try:
        nodes["rabbitmq40"] = stack.enter_context(RabbitNode(Release.find("rabbitmq40")))
    except MissingBrokerError as error:
        say(f"{error}: left out")
    return nodes


def _measured(
    measures: Sequence[Measure], nodes: Mapping[str, RabbitNode], folder: Path, rounds: int, scale: float
) -> tuple[Figures, list[str]]:
    """Return all figures, and which measures failed: the others go on."""
    begun, found, failed = time.monotonic(), Figures(), []
    todo = [(one, broker) for one in measures for broker in one.brokers if broker in (*nodes, SQLITE)]
    for done, (measure, broker) in enumerate(todo):
        name = f"{measure.kind} on {broker}"
        say(f"{done} of {len(todo)} done after {_minutes(time.monotonic() - begun)}; next: {name}")
        place = folder / f"{measure.kind}-{broker}"
        try:
            found.all += measure.measuring(place, nodes.get(broker), rounds, scale).all
        except Exception:
            traceback.print_exc()
            failed.append(name)
    say(f"{len(todo) - len(failed)} of {len(todo)} done after {_minutes(time.monotonic() - begun)}")
    return found, failed


def _show(figures: Figures, nodes: Mapping[str, RabbitNode]) -> None:
    for name in dict.fromkeys(figure.kind for figure in figures.all):
        kind = BY_NAME[name]
        for broker in figures.of(name).brokers():
            where = f"RabbitMQ {nodes[broker].version}" if broker in nodes else BROKERS[broker]
            title = f"{kind.title}, {where}"
            table(title, rows(kind, figures.of(name).on(broker)))


def _minutes(seconds: float) -> str:
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
