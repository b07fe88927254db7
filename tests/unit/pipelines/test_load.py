"""Good files, and what they become."""

from pathlib import Path

import pytest

from ebats.pipelines.load import examine, from_bytes, load
from ebats.pipelines.model import Ladder, Pipeline
from ebats.pipelines.problems import BadFile, UnreadableFile
from ebats.pipelines.sink import FileSink, PythonSink, StdSink
from ebats.pipelines.tls import Tls
from ebats.pipelines.topology import derive
from ebats.pipelines.wiring import wire

HEAD = "version: 1\nname: shop\n"
TASK = 'tasks:\n  ship: {python: "shop.tasks:ship"}\n'
SPECS = Path(__file__).parents[2] / "specs" / "valid"


def pipeline_of(text: str, **environ: str) -> Pipeline:
    return from_bytes("/srv/shop/pipeline.yaml", (HEAD + text).encode(), environ).pipeline


def urls_of(broker: str, **environ: str) -> tuple[str, ...]:
    return pipeline_of(f"broker: {broker}\n", **environ).broker.urls


def test_a_file_with_a_name_alone_has_every_default() -> None:
    pipeline = pipeline_of("")
    assert (pipeline.file, pipeline.folder) == ("/srv/shop/pipeline.yaml", "/srv/shop")
    assert (pipeline.timezone, pipeline.grace_s, pipeline.unrouted) == ("UTC", 30.0, "dead")
    assert pipeline.environment is None
    broker = pipeline.broker
    assert broker.urls == ("sqlite:////srv/shop/shop.db",)
    assert (broker.connect_timeout_s, broker.read_timeout_s, broker.write_timeout_s) == (20, 120, 120)
    assert (broker.heartbeat_s, broker.keepalive, broker.tls) == (30, True, None)
    assert pipeline.sinks == (StdSink(name="std", level="info"),)
    assert pipeline.consumers == {}


def test_a_task_without_a_queue_has_its_own_and_one_consumer_takes_everything() -> None:
    pipeline = pipeline_of("queues:\n  demo:\n" + TASK)
    task = pipeline.tasks["ship"]
    assert (task.queue.name, task.queue.broker_name, task.queue.type) == ("ship", "shop.ship", "quorum")
    assert (task.ladder, task.timeout_s) == (None, 300)
    consumer = pipeline.consumers["all"]
    assert [queue.name for queue in consumer.queues] == ["demo", "ship"]
    assert (consumer.processes, consumer.concurrency) == (1, 8)
    assert (consumer.prefetch, consumer.growth) == (64, 4)


def test_a_declared_queue_of_a_tasks_name_is_its_queue() -> None:
    pipeline = pipeline_of("queues:\n  ship: {crashes: 2}\n" + TASK)
    assert pipeline.tasks["ship"].queue is pipeline.queues["ship"]
    assert pipeline.queues["ship"].crashes == 2


def test_a_ladder_may_be_named_or_in_place() -> None:
    pipeline = pipeline_of(
        "ladders:\n  notify: [1s, 1m]\n"
        'tasks:\n  ship: {python: "a:b", retry: notify}\n  tell: {python: "a:b", retry: [500ms]}\n'
    )
    assert pipeline.tasks["ship"].ladder == Ladder(rungs_ms=(1000, 60_000))
    assert pipeline.tasks["tell"].ladder == Ladder(rungs_ms=(500,))


def test_an_event_is_a_key_on_the_pipelines_own_exchange_or_a_pattern_on_another() -> None:
    pipeline = pipeline_of(
        "exchanges:\n  orders:\n  news: {type: fanout}\n"
        + TASK
        + "events:\n"
        + "  paid: {tasks: [{task: ship, delay: 10s}]}\n"
        + '  wanted: {exchange: orders, key: "*.WANTED", tasks: [ship]}\n'
        + "  gossip: {exchange: news, tasks: [ship]}\n"
    )
    paid, wanted, gossip = pipeline.events.values()
    assert (paid.exchange, paid.keys, paid.tasks[0].delay_ms) == (None, ("paid",), 10_000)
    assert (wanted.exchange, wanted.keys) == (pipeline.exchanges["orders"], ("*.WANTED",))
    assert (gossip.exchange, gossip.keys) == (pipeline.exchanges["news"], ("",))
    assert pipeline.exchanges["orders"].type == "topic"
    assert wanted.tasks[0].task is pipeline.tasks["ship"]


def test_a_consumer_without_queues_takes_what_no_other_names() -> None:
    pipeline = pipeline_of(
        'tasks:\n  ship: {python: "a:b"}\n  tell: {python: "a:b"}\n  ask: {python: "a:b"}\n'
        "consumers:\n  rest: {concurrency: 2}\n  one: {queues: [tell], max_memory: 1GiB, max_tasks: 5}\n"
    )
    rest, one = pipeline.consumers.values()
    assert [queue.name for queue in rest.queues] == ["ship", "ask"]
    assert (rest.concurrency, rest.prefetch) == (2, 16)
    assert [queue.name for queue in one.queues] == ["tell"]
    assert (one.max_memory, one.max_tasks) == (2**30, 5)


def test_the_default_prefetch_is_at_least_one_for_each_queue() -> None:
    tasks = "".join(f'  t{number}: {{python: "a:b"}}\n' for number in range(20))
    pipeline = pipeline_of(f"tasks:\n{tasks}consumers:\n  all: {{concurrency: 1}}\n")
    assert pipeline.consumers["all"].prefetch == 20


@pytest.mark.parametrize(
    ("section", "url"),
    [
        ("{url: 'sqlite:///a.db'}", "sqlite:////srv/shop/a.db"),
        ("{url: 'sqlite:///data/a%20b.db'}", "sqlite:////srv/shop/data/a%20b.db"),
        ("{url: 'sqlite:////var/a.db'}", "sqlite:////var/a.db"),
        ("{url: 'amqp://u:p@h/v'}", "amqp://u:p@h/v"),
        ("{host: h}", "amqp://guest:guest@h/%2F"),
        ("{host: '::1', port: 5673}", "amqp://guest:guest@[::1]:5673/%2F"),
        ("{host: h, user: a@b, password: 'x/y:z', vhost: /v, tls: {}}", "amqps://a%40b:x%2Fy%3Az@h/%2Fv"),
        ("{host: h, tls: }", "amqps://guest:guest@h/%2F"),
    ],
)
def test_the_broker_is_one_url(section: str, url: str) -> None:
    assert urls_of(section) == (url,)


def test_several_urls_stay_in_their_order() -> None:
    assert urls_of("{url: ['amqp://one', 'amqp://two']}") == ("amqp://one", "amqp://two")


def test_a_password_of_digits_from_a_variable_is_a_text() -> None:
    block = "\n  host: h\n  password: ${PASSWORD}\n  vhost: ${VHOST}"
    assert urls_of(block, PASSWORD="007", VHOST="12") == ("amqp://guest:007@h/12",)


def test_an_encrypted_link_has_files_relative_to_the_pipelines() -> None:
    assert pipeline_of("broker: {url: 'amqps://h'}\n").broker.tls == Tls()
    assert pipeline_of("broker: {host: h, tls: {ca_certs: ca.pem}}\n").broker.tls == Tls(
        ca_certs="/srv/shop/ca.pem"
    )


def test_the_settings_of_rabbitmq_do_not_disturb_an_embedded_broker() -> None:
    broker = pipeline_of("broker: {url: 'sqlite:///a.db', tls: {}, heartbeat: 10s}\n").broker
    assert (broker.tls, broker.heartbeat_s) == (None, 10)


@pytest.mark.parametrize(
    ("written", "limit_s"),
    [
        ("{url: amqp://h}", 1800),
        ("{host: h, consumer_timeout: 1h}", 3600),
        ("{host: h, consumer_timeout: none}", None),
        ("{url: 'sqlite:///a.db'}", None),
        ("{url: 'sqlite:///a.db', consumer_timeout: 1h}", None),
        ("{consumer_timeout: 1h}", None),
    ],
)
def test_the_embedded_broker_takes_nothing_back_whatever_the_file_says(
    written: str, limit_s: float | None
) -> None:
    assert pipeline_of(f"broker: {written}\n").broker.consumer_timeout_s == limit_s


def test_sinks_are_of_three_kinds() -> None:
    pipeline = pipeline_of(
        "logs:\n  a: {std: }\n  b: {file: {path: logs/a.jsonl, rotation: 20MB, retention: 3}}\n"
        '  c: {python: "a.b:c.d", level: error}\n'
    )
    std, file, python = pipeline.sinks
    assert std == StdSink(name="a", level="info")
    assert file == FileSink(name="b", path="/srv/shop/logs/a.jsonl", rotation=20_000_000, retention=3)
    assert isinstance(python, PythonSink)
    assert (str(python.python), python.python.place.line, python.level) == ("a.b:c.d", 6, "error")


def test_whole_numbers_may_be_written_as_floats_and_stay_whole() -> None:
    consumer = pipeline_of(TASK + "consumers:\n  all: {processes: 2.0, prefetch: 1e2}\n").consumers["all"]
    assert (repr(consumer.processes), repr(consumer.prefetch)) == ("2", "100")
    # Who says how many gets so many.
    assert consumer.growth == 1


def test_paths_are_relative_to_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.yaml").write_text(HEAD)
    monkeypatch.chdir(tmp_path)
    pipeline = load("shop.yaml", {})
    assert pipeline.file == "shop.yaml"
    assert pipeline.broker.urls == (f"sqlite:///{tmp_path}/shop.db",)


def test_warnings_come_with_a_good_file() -> None:
    loaded = examine(str(SPECS / "warning_unused.yaml"), {})
    assert [problem.severity for problem in loaded.warnings] == ["warning", "warning"]


def test_a_bad_file_has_all_problems_in_the_files_order() -> None:
    text = HEAD + "grace: 5\nenvironment: ${NONE}\ntasks:\n  ship: {python: x, queue: none}\nevents: 5\n"
    with pytest.raises(BadFile) as caught:
        from_bytes("f.yaml", text.encode(), {})
    assert [problem.place.line for problem in caught.value.problems] == [3, 4, 6, 6, 7]


@pytest.mark.parametrize("name", ["", "none.yaml"])
def test_a_file_that_cannot_be_read_is_told_apart(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="can't read"):
        load(str(tmp_path / name), {})


def test_no_name_on_the_broker_is_longer_than_amqp_allows() -> None:
    longest = "a" * 64
    text = (
        f"version: 1\nname: {longest}\ntasks:\n  {longest}: {{python: 'a:b', retry: [48d23h59m59s999ms]}}\n"
        f"events:\n  {longest}: {{tasks: [{{task: {longest}, delay: 48d23h59m59s999ms}}]}}\n"
    )
    topology = derive(from_bytes("f.yaml", text.encode(), {}).pipeline)
    names = [declared.name for declared in (*topology.exchanges, *topology.queues)]
    assert max(len(name.encode()) for name in names) < 255


def test_a_consumer_whose_tasks_are_all_http_has_many_slots_and_its_tasks_less_time() -> None:
    http = "{http: {url: https://a.example/}}"
    tasks = f"tasks: {{a: {http}, b: {http}, c: {{python: 'a:b'}}}}\nconsumers: "
    mixed = pipeline_of(tasks + "{all: }")
    apart = pipeline_of(tasks + "{out: {queues: [a, b]}, rest: }")
    assert [(one.concurrency, one.prefetch) for one in mixed.consumers.values()] == [(8, 64)]
    assert [(one.concurrency, one.prefetch) for one in apart.consumers.values()] == [(200, 400), (8, 64)]
    assert [task.timeout_s for task in mixed.tasks.values()] == [30, 30, 300]


def test_what_is_kept_on_the_broker_of_a_url_holds_none_of_its_secrets() -> None:
    pipeline = pipeline_of("tasks: {a: {http: {url: 'https://u:hunter2@a.example/?key=hunter2'}}}")
    kept = wire(pipeline).tasks["a"].does
    assert kept.startswith("http ")
    assert "hunter2" not in kept
