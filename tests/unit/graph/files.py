"""Pipelines for the tests of graphs: those of the repository, and made ones of any size."""

from pathlib import Path

from ebats.pipelines.load import from_bytes, load
from ebats.pipelines.model import Pipeline
from ebats.runner.graph.build import build
from ebats.runner.graph.graph import Graph

ROOT = Path(__file__).parents[3]
SHOP = ROOT / "examples" / "shop" / "pipeline.yaml"
#: Whatever files need that has no default.
ENVIRON = {"RABBITMQ_PASSWORD": "hunter2", "ELASTIC_PASSWORD": "hunter2"}
FILES = [
    *sorted((ROOT / "tests" / "specs" / "valid").glob("*.yaml")),
    *sorted((ROOT / "examples").glob("*/pipeline.yaml")),
]


def loaded(path: Path) -> Pipeline:
    """Return the pipeline of a file."""
    return load(str(path), ENVIRON)


def pipeline(text: str) -> Pipeline:
    """Return the pipeline of a text, without its first two lines."""
    return from_bytes("shop.yaml", f"version: 1\nname: shop\n{text}".encode(), {}).pipeline


def graph(text: str) -> Graph:
    """Return the graph of what `pipeline` reads."""
    return build(pipeline(text))


def many(count: int) -> Pipeline:
    """Return a pipeline of so many tasks, of shared queues, ladders, delays, and more."""
    lines = [
        "exchanges: {erp: {type: topic, external: true}, prices: {type: fanout}}",
        "queues: {orders: {}, mail: {}, old: {external: true}}",
        "ladders: {notify: [1s, 3s, 5s, 15s, 30s], long: [10s, 1m, 5m, 30m, 1h, 2h, 8h, 1d, 2d, 7d]}",
        "tasks:",
        *(f"  {_task(number, count)}" for number in range(count)),
        "events:",
        *(f"  event_{number}: {{tasks: [{_items(number, count)}]}}" for number in range(count // 2 + 1)),
        "  trouble: {tasks: [task_0]}",
        '  wanted: {exchange: erp, key: ["*.*.WAIT_SELLER_SEND_GOODS", "cn.#"], tasks: [task_0]}',
        "  price: {exchange: prices, tasks: [task_0]}",
        "  old: {queue: old, tasks: [task_0]}",
        "producers:",
        '  nightly: {cron: "0 3 * * *", event: event_0}',
        "  beat: {every: 10s, task: task_0}",
        "  gateway: {http: {listen: 127.0.0.1:9501, insecure: true}}",
        "consumers: {orders: {queues: [orders], processes: 4}, rest: {}}",
    ]
    return pipeline("\n".join(lines))


def _task(number: int, count: int) -> str:
    keys = [f'python: "shop.tasks:task_{number}"']
    if number % 5 == 1 or number < 2:
        keys.append("queue: orders")
    elif number % 7 == 1 or number < 4:
        keys.append("queue: mail")
    keys += [["retry: notify"], ["retry: long"], ["retry: [1s, 2s]"], []][number % 4]
    if number % 9 == 3:
        keys.append(f"then: event_{(number * 7) % (count // 2 + 1)}")
    if number % 8 == 2:
        keys.append("on_dead: trouble")
    return f"task_{number}: {{{', '.join(keys)}}}"


def _items(number: int, count: int) -> str:
    tasks = dict.fromkeys([number * 2 % count, (number * 2 + 1) % count, number * 13 % count])
    return ", ".join(
        f"{{task: task_{task}, delay: {number % 3 + 1}m}}" if task % 6 == 5 else f"task_{task}"
        for task in tasks
    )
