"""The kinds of work that are measured: what is asked, and of which quantity the plot is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of work: a section of docs/performance.md."""

    name: str
    title: str
    #: What every contender does, in a sentence or two.
    what: str
    #: The quantity that is compared and drawn: a key of `Figure.values`.
    quantity: str = "per_s"
    #: What it is called along the axis.
    unit: str = "messages a second"
    more_is_better: bool = True
    #: What grows, in words, where `Figure.size` does.
    grows: str = ""
    #: How many messages a round takes, for a contender that does some thousands a second.
    number: int = 20_000
    #: Whether it is the work that says how many a second there are, and not the contender.
    is_bound: bool = False


#: Every tenth message of `retried` fails at its first attempt.
EVERY = 10
CPU_MS, SLEEP_MS, PAYLOAD_BYTES, TASKS_OF_THREE, SLEEP_CONCURRENCY = 1, 10, 10_000, 3, 50
#: How many messages a second those who are measured for latency get: about a tenth of what Celery does with
#: two processes on two cores, the slowest of them. So many warm it up.
LATENCY_PER_S, WARMING_UP = 250, 200
#: Messages of a request to the gateway, and how many requests are under way at once.
BATCH, BATCH_CONNECTIONS, SINGLE_CONNECTIONS = 100, 8, 50

KINDS = (
    Kind(
        name="noop",
        title="Tasks that do nothing",
        what="The messages lie in the queue; two processes work them off. "
        "This is what the engine itself costs.",
        unit="tasks a second",
    ),
    Kind(
        name="cpu",
        title=f"Tasks of {CPU_MS} ms of processor time",
        what="Two processes; the task burns a millisecond. What is between two tasks matters less.",
        unit="tasks a second",
        number=5_000,
        is_bound=True,
    ),
    Kind(
        name="sleep",
        title=f"Tasks that wait {SLEEP_MS} ms, {SLEEP_CONCURRENCY} at once",
        what=f"One process that may run {SLEEP_CONCURRENCY} at once: threads, or coroutines where "
        f"a contender has no threads. The bound is {SLEEP_CONCURRENCY * 1000 // SLEEP_MS:,} a second.",
        unit="tasks a second",
        number=12_000,
        is_bound=True,
    ),
    Kind(
        name="payload",
        title=f"Payloads of {PAYLOAD_BYTES // 1000} kB",
        what="No-op tasks with a payload of 10 kB of text, two processes.",
        unit="tasks a second",
        number=10_000,
    ),
    Kind(
        name="three",
        title="An event with three tasks",
        what="One thing happened, three tasks are to be done, two processes. "
        "Where a contender has no events, its publisher sends three messages.",
        unit="tasks a second",
        number=7_000,
    ),
    Kind(
        name="retried",
        title="Every tenth message fails once",
        what="A message in ten fails at its first attempt and is tried again after a second, two processes; "
        "measured until all are done.",
        unit="messages a second",
    ),
    Kind(
        name="publish",
        title="Publishing",
        what="One process publishes as much as it can. ebats does so by publish_many, which has many under "
        "way at once and returns when the broker has confirmed each of them. How the others do it, and "
        "whether they wait for confirms, stands below.",
    ),
    Kind(
        name="request",
        title="Connect, publish, close for each message",
        what="What PHP-FPM does, where no process outlives its request, against one POST to the gateway "
        "for each message, which answers when the broker has confirmed it.",
        number=1_000,
    ),
    Kind(
        name="callbacks",
        title="HTTP callbacks",
        what="One process posts to one host, which answers at once.",
        unit="callbacks a second",
    ),
    Kind(
        name="gateway",
        title="The gateway, in batches",
        what=f"Requests of {BATCH} messages over {BATCH_CONNECTIONS} connections, each answered when "
        "the broker has confirmed all of them, beside an aiohttp handler that only reads them.",
        number=50_000,
    ),
    Kind(
        name="singly",
        title="The gateway, one message a request",
        what=f"The same with a message in each request, over {SINGLE_CONNECTIONS} connections that are kept; "
        "the times of a request are those at half of what it can do.",
        number=10_000,
    ),
    Kind(
        name="latency",
        title="From publish to start, at a tenth of the load",
        what=f"{LATENCY_PER_S} messages a second, evenly, for everybody: about a tenth of what the slowest "
        "can do; from just before the publish to the first line of the task. Two processes.",
        quantity="p99_ms",
        unit="ms, 99 of 100",
        more_is_better=False,
        number=2_000,
    ),
    Kind(
        name="start",
        title="From the command to the first task",
        what="The no-op messages wait; the worker is started: from its command line to the first line of the "
        "first task, with everything that it imports, checks and connects.",
        quantity="seconds",
        unit="seconds",
        more_is_better=False,
    ),
    Kind(
        name="memory",
        title="Memory of a process",
        what="The proportional set size of a process that runs tasks, when it has done "
        "the tasks that do nothing; and of all processes, with those that hand out, watch and write.",
        quantity="pss_mb",
        unit="MB a process",
        more_is_better=False,
    ),
    Kind(
        name="backlog",
        title="Many messages that wait",
        what="A million no-op messages in a queue; then a million on a rung of a ladder, where RabbitMQ is "
        "stopped until all are due at once. Two processes work them off.",
        unit="tasks a second",
        number=1_000_000,
    ),
    Kind(
        name="growth",
        title="Files that grow",
        what="10, 100 and 1,000 tasks in one file, each with a queue of its own: no-op messages spread over "
        "all of them, worked off by two processes.",
        number=10_000,
        unit="tasks a second",
        grows="tasks and queues in the file",
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
