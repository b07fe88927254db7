"""How long checking a large file takes, from the shell, beside check-jsonschema on the same file.

`python -m tests.benchmarks.validate` runs it alone: it needs no broker.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ebats import schemas
from tests.brokers import RabbitNode

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop" / "pipeline.yaml"
TASKS, EVENTS, QUEUES = 1000, 1000, 200
#: Of each: a machine that does something else now and then shouldn't tell.
TIMES = 15


def measure(folder: Path, _node: RabbitNode | None = None) -> None:
    """Print the medians of both, taken alternately, and how many times longer check-jsonschema takes."""
    folder.mkdir(parents=True, exist_ok=True)
    large, schema = folder / "large.yaml", folder / "pipeline.v1.json"
    large.write_text(large_file(), encoding="utf-8")
    schema.write_text(schemas.text("pipeline.v1"), encoding="utf-8")
    ebats, other = _script("ebats"), _script("check-jsonschema")
    commands = {
        "ebats validate, large": [ebats, "validate", "--no-import", str(large)],
        "check-jsonschema, large": [other, "--schemafile", str(schema), str(large)],
        "ebats validate, shop": [ebats, "validate", str(SHOP)],
        "ebats validate --no-import, shop": [ebats, "validate", "--no-import", str(SHOP)],
        "check-jsonschema, shop": [other, "--schemafile", str(schema), str(SHOP)],
    }
    print(f"\nvalidate: {TASKS} tasks, {EVENTS} events, {QUEUES} queues; {TIMES} times each, alternately")  # noqa: T201
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(TIMES):
        for name, command in commands.items():
            taken[name].append(_timed(command))
    for name, both in taken.items():
        wall_s, cpu_s = (statistics.median(each) for each in zip(*both, strict=True))
        print(f"  {name:<34} {wall_s:6.3f} s wall  {cpu_s:6.3f} s CPU")  # noqa: T201
    for what in ("large", "shop"):
        pair = (taken[f"check-jsonschema, {what}"], taken[f"ebats validate, {what}"])
        other_s, own_s = (statistics.median(wall_s for wall_s, _ in each) for each in pair)
        print(f"  {what}: check-jsonschema takes {other_s / own_s:.1f} times as long")  # noqa: T201


def large_file() -> str:
    """Return a file such as a large shop has: Python tasks, HTTP tasks, delays, ladders, labels."""
    return "\n".join(["version: 1", "name: large", *_lines(), ""])


def _lines() -> Iterator[str]:
    yield "ladders:"
    yield "  notify: [1s, 3s, 5s, 15s, 30s]"
    yield "queues:"
    yield from (f"  queue_{number}: {{crashes: 3}}" for number in range(QUEUES))
    yield "tasks:"
    for number in range(TASKS):
        queue = f"queue_{number % QUEUES}"
        if number % 4 == 3:
            url = f"https://api.example.com/tasks/{number}/{{{{ order_id }}}}"
            yield f"  task_{number}:"
            yield f"    http: {{method: POST, url: \"{url}\", json: {{order: '{{{{ order_id }}}}'}}}}"
            yield f"    queue: {queue}"
            yield "    retry: notify"
        else:
            retry = "notify" if number % 2 else "[10s, 1m, 10m]"
            yield f'  task_{number}: {{python: "shop:task_{number}", queue: {queue}, retry: {retry}}}'
    yield "events:"
    for number in range(EVENTS):
        one, other = number % TASKS, (number + 1) % TASKS
        yield f"  event_{number}:"
        yield f"    tasks: [task_{one}, {{task: task_{other}, delay: {number % 5 + 1}s}}]"
        yield '    labels: {order: "{{ order_id }}"}'


def _timed(command: list[str]) -> tuple[float, float]:
    """Return how long a command takes, by the clock and of processors."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall_s, after = time.perf_counter() - begun, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return wall_s, cpu_s


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts"), name))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        measure(Path(made))
    sys.exit(0)
