"""The rows: which faults there are, what has to hold under each, and which brokers it concerns."""

from dataclasses import dataclass

SQLITE = ("sqlite",)
RABBITMQ = ("rabbitmq310", "rabbitmq40")
EACH = SQLITE + RABBITMQ


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault, beside which nothing that was confirmed may be lost."""

    number: int
    fault: str
    #: What else has to hold, beside that nothing is lost.
    holds: str
    brokers: tuple[str, ...] = EACH


ROWS = (
    Row(
        number=1,
        fault="a consumer process killed (`kill -9`) every 200 ms for a minute, at random, if one is there",
        holds="what is done twice was in flight; all is done within 30 s of the last kill",
    ),
    Row(
        number=2,
        fault="every process of the pipeline killed at once",
        holds="the next run goes on by itself; what was in hand is free within seconds",
    ),
    Row(
        number=3,
        fault="the runner's parent alone killed",
        holds="its children leave within 10 s, and no second set of consumers works beside them",
    ),
    Row(
        number=4,
        fault="a gateway killed while it takes requests of 1,000 messages",
        holds="all of a 202 is there; what was sent again is there as often at most, "
        "each time with the same ids",
    ),
    Row(
        number=5,
        fault="SIGTERM while tasks run, shorter and longer than `grace`; a second SIGTERM",
        holds="exit 0 within `grace` and a little; what ran to its end isn't run again; "
        "the rest goes back uncounted",
    ),
    Row(
        number=6,
        fault="a consumer process, a parent, a whole runner held (SIGSTOP) for 60 s, then let go; "
        "or in the middle of a write to the embedded broker",
        holds="others take over what a held consumer had, within 35 s; what is settled late deletes nothing "
        "under its new owner; who is held amidst a write, for which all wait, is told",
    ),
    Row(
        number=7,
        fault="RabbitMQ killed five times while rungs return their messages",
        holds="what is done twice was in flight; the same with classic rungs has to lose messages, "
        "which shows that the test can see it",
        brokers=RABBITMQ,
    ),
    Row(
        number=8,
        fault="RabbitMQ stopped for 60 s, longer than every rung",
        holds="the gateway says 503; all processes are back by themselves; no flood of lines",
        brokers=RABBITMQ,
    ),
    Row(
        number=9,
        fault="all links to the broker cut every 2 s for 60 s",
        holds="what is done twice was in flight; descriptors and threads stay as many",
        brokers=RABBITMQ,
    ),
    Row(
        number=10,
        fault="a link on which the broker's answers don't arrive for longer than a confirm may take",
        holds="nothing is told as published whose own confirm didn't come",
        brokers=RABBITMQ,
    ),
    Row(
        number=11,
        fault="RabbitMQ's disk alarm for 60 s",
        holds="the gateway says 503 with Retry-After; consumers go on; all goes on by itself",
        brokers=RABBITMQ,
    ),
    Row(
        number=12,
        fault="the disk of the embedded broker full, then freed",
        holds="publishers are refused; what is there is worked off; the file is sound",
        brokers=SQLITE,
    ),
    Row(
        number=13,
        fault="the disk of the log full, its file unwritable, its folder removed",
        holds="tasks go on; what is missing is counted, and told once",
        brokers=SQLITE,
    ),
    Row(
        number=14,
        fault="Elasticsearch away for 10 minutes, answering 429, refusing half of a bulk, slow",
        holds="tasks go on as before; each record is there once afterwards, those refused in a file",
        brokers=SQLITE,
    ),
    Row(
        number=15,
        fault="the clock of ebats's processes set one hour ahead and one hour back, with messages waiting; "
        "small steps, and summer time",
        holds="no lease ends early; each tick of a clock comes once; "
        "a wait is longer or shorter by the step at most",
    ),
    Row(
        number=16,
        fault="messages that end the process they run in: exit, a segmentation fault, memory",
        holds="they alone are dead, with the reason; their neighbours are done",
    ),
    Row(
        number=17,
        fault="tasks that hang, ignore signals, or hold the interpreter",
        holds="killed after their time-out, the next attempt by the ladder; the others don't notice",
    ),
    Row(
        number=18,
        fault="a task that takes longer than RabbitMQ's consumer time-out",
        holds="it runs once; without a lease, that message alone comes again",
        brokers=RABBITMQ,
    ),
    Row(
        number=19,
        fault="500 messages whose task always fails, on a ladder of 1, 3, 5, 15, 30 s",
        holds="six attempts each, never early, then one dead letter each",
    ),
    Row(
        number=20,
        fault="queues that exist with other arguments than the file's",
        holds="exit 78 with the queue, the argument and both values; nothing is deleted",
    ),
    Row(
        number=21,
        fault="a queue or an exchange deleted, permissions taken, the virtual host removed, while it runs",
        holds="it works again within 30 s of the repair, or ends and says why; what a rung couldn't hand on "
        "RabbitMQ tries again after three minutes",
    ),
    Row(
        number=22,
        fault="two runners of one file, one of them killed",
        holds="they share the work, and the other one goes on",
    ),
    Row(
        number=23,
        fault="the embedded broker's file: a reader that is stuck, the -shm or the -wal file deleted, "
        "the file cut off, emptied or deleted, a byte of its structure flipped",
        holds="a log that can't be emptied is told, with the process that keeps it, and slows nobody; "
        "beside deleted files all go on; damage ends the run as soon as it is met, with 78, "
        "and a copy of the file goes on where it was taken",
        brokers=SQLITE,
    ),
    Row(
        number=24,
        fault="a backlog of 100,000 messages and 1,000,000 that wait",
        holds="the next message is taken as quickly as from an empty queue: by an index, in milliseconds",
    ),
    Row(
        number=25,
        fault="processes killed and held, links cut and silent, the broker stopped and killed, its disk "
        "alarm, a full log, poisons: at random from a seed, for as long as it is told to",
        holds="memory, descriptors and threads stay as they are: a process has no more than 5 % and 6 MB, "
        "2 descriptors and 2 threads more at its end than after its warm-up",
    ),
)
BY_NUMBER = {row.number: row for row in ROWS}
