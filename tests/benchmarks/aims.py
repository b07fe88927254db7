"""What ebats aims at, and whether a run has met it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.figures import Figures, is_ours
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.report import own

#: Beginnings of names: loops that do nothing else, beside which it is seen what the broker can do. They run
#: no tasks: nothing is looked up, decoded, tried again or written down.
LIMITS = ("PerfTest", "py-amqp", "bare", "aiohttp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """So many times as good as others, at one kind of work on one broker."""

    words: str
    #: With whom it is compared, in words.
    whom: str
    kind: str
    broker: str
    asked: float
    #: How names begin: the best of these is compared with; by default the best of all that run tasks.
    against: tuple[str, ...] = ()
    #: Which of ebats's ways is compared; by default `ebats`, as it comes.
    ours: str = ""


def _of_noop(broker: str, whom: str, asked: float, against: str) -> Aim:
    words = "No-op tasks a second"
    return Aim(words=words, whom=whom, kind="noop", broker=broker, asked=asked, against=(against,))


def _of_best(words: str, kind: str, broker: str, ours: str = "") -> Aim:
    return Aim(words=words, whom="the best other", kind=kind, broker=broker, asked=1, ours=ours)


def _on_310(words: str, whom: str, kind: str, asked: float, against: str) -> Aim:
    return Aim(words=words, whom=whom, kind=kind, broker="rabbitmq310", asked=asked, against=(against,))


_START, _PUBLISH = "From publish to start, 99 of 100", "Publishing, confirmed"
AIMS = (
    *(
        _of_noop(broker, whom, asked, against)
        for broker in ("rabbitmq310", "rabbitmq40")
        for whom, asked, against in (
            ("Dramatiq", 2, "Dramatiq"),
            ("Celery, prefork", 6, "Celery, prefork"),
        )
    ),
    *(
        Aim(
            words="No-op tasks a second, classic queues",
            whom="PerfTest's consumer",
            kind="noop",
            broker=broker,
            asked=0.55,
            against=("PerfTest, classic",),
            ours="ebats, classic queues",
        )
        for broker in ("rabbitmq310", "rabbitmq40")
    ),
    _of_noop("sqlite", "huey", 4, "huey"),
    _of_best(_PUBLISH, "publish", "rabbitmq310"),
    # It runs no tasks either, but "everybody" was asked.
    _on_310(_PUBLISH, "a loop over py-amqp, unconfirmed", "publish", 1, "py-amqp, unconfirmed"),
    _of_best(_PUBLISH, "publish", "sqlite"),
    _on_310("One POST to the gateway", "connect, publish, close", "request", 7, ""),
    _of_best(_START, "latency", "rabbitmq310"),
    # Most others keep their messages in a classic queue, which writes nothing through to the disk.
    _of_best(f"{_START}, classic queues", "latency", "rabbitmq310", ours="ebats, classic queues"),
    _of_best(_START, "latency", "sqlite"),
    _on_310("Memory of a process", "Celery", "memory", 1, "Celery"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an aim."""

    aim: Aim
    #: How many times as good; None where one of both wasn't measured.
    times: float | None = None
    ours: float = 0.0
    theirs: float = 0.0
    #: The contender that it was compared with.
    other: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it is as good as was asked."""
        return self.times is not None and self.times >= self.aim.asked


def outcomes(figures: Figures, aims: Sequence[Aim] = AIMS) -> list[Outcome]:
    """Compare medians, those of one run with each other."""
    return [_outcome(figures, aim) for aim in aims]


def _outcome(figures: Figures, aim: Aim) -> Outcome:
    kind = BY_NAME[aim.kind]
    medians = {
        name: found.median(kind.quantity)
        for name in figures.of(aim.kind, aim.broker).contenders()
        if (found := figures.of(aim.kind, aim.broker, name)).values(kind.quantity)
    }
    ours = (aim.ours if aim.ours in medians else None) if aim.ours else own(medians, kind)
    theirs = {name: value for name, value in medians.items() if not is_ours(name) and _compared(aim, name)}
    if ours is None or not theirs:
        return Outcome(aim=aim)
    other = (max if kind.more_is_better else min)(theirs, key=theirs.__getitem__)
    times = medians[ours] / theirs[other] if kind.more_is_better else theirs[other] / medians[ours]
    return Outcome(aim=aim, times=times, ours=medians[ours], theirs=theirs[other], other=other)


def is_limit(name: str) -> bool:
    """Whether a contender runs no tasks, and stands there as the limit."""
    return name.startswith(LIMITS)


def _compared(aim: Aim, name: str) -> bool:
    return name.startswith(aim.against) if aim.against else not is_limit(name)
