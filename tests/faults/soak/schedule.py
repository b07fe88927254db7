"""Which fault a soak causes, and when: all of it follows from the seed; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from random import Random

#: How many processes of consumers there are, and how many messages each has in hand.
PROCESSES, PREFETCH = 2, 20
#: An event with two tasks on a queue has two runs of each message, and as many may be on their way to a rung.
_IN_HAND = 2 * 2 * PREFETCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A fault that the soak knows to cause."""

    #: How many runs it may cut short that come to their end again.
    duplicates: int
    #: How long it lasts, in seconds.
    lasts_s: tuple[float, float] = (0.0, 0.0)
    #: What it takes beside that, roughly: to start a broker, for instance.
    takes_s: float = 1.0


#: With any broker. What publishers send again because nobody confirmed it is counted where they do so.
ANYWHERE = {
    "a consumer killed": Kind(duplicates=_IN_HAND),
    "a consumer held": Kind(duplicates=_IN_HAND, lasts_s=(1, 6)),
    "the gateway killed": Kind(duplicates=0),
    "the writer killed": Kind(duplicates=0),
    "the clock killed": Kind(duplicates=0),
    "a poison": Kind(duplicates=2 * _IN_HAND, takes_s=4),
    "the log's disk full": Kind(duplicates=0, lasts_s=(2, 6)),
}
#: With a broker that is a server.
OF_A_SERVER = {
    "links cut": Kind(duplicates=PROCESSES * _IN_HAND),
    "links silent": Kind(duplicates=PROCESSES * _IN_HAND, lasts_s=(2, 12)),
    "the broker stopped": Kind(duplicates=PROCESSES * _IN_HAND, lasts_s=(1, 5), takes_s=12),
    "the broker killed": Kind(duplicates=PROCESSES * _IN_HAND, lasts_s=(0, 3), takes_s=8),
    "the broker's disk alarm": Kind(duplicates=0, lasts_s=(3, 10)),
}
#: Each ends a run, and the next one is started.
ENDS = {
    "the parent killed": Kind(duplicates=PROCESSES * _IN_HAND, takes_s=5),
    "everything killed": Kind(duplicates=PROCESSES * _IN_HAND, takes_s=4),
    "SIGTERM and a new run": Kind(duplicates=0, takes_s=6),
}
#: No fault: the load pauses, all that was sent has to be done, and the processes are measured.
CALM = "calm"
KINDS = {**ANYWHERE, **OF_A_SERVER, **ENDS, CALM: Kind(duplicates=0, takes_s=4)}
#: So many faults lie between two calms.
_BETWEEN_CALMS = 4
#: How long a run is left alive: the shortest, the longest, and how many there are between those.
_LIFE_S, _LIVES = (90.0, 900.0), 3
#: The first ones are short: five minutes have each kind of end, and then a life in which something can grow.
_FIRST_S = 40.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, so long after the one before it is over."""

    after_s: float
    what: str
    lasts_s: float
    #: How long before it a burst is sent, so that it finds much on its way.
    lead_s: float
    #: Who is hit, from 0 to 1: the first, the last, or who is between them.
    whom: float


def schedule(seed: int, seconds: float, *, of_a_server: bool) -> tuple[Step, ...]:
    """Return what a soak of about so many seconds does: the same for the same seed."""
    chance = Random(f"soak {seed}")
    lives_s = chain([_FIRST_S] * len(ENDS), repeat(min(max(seconds / _LIVES, _LIFE_S[0]), _LIFE_S[1])))
    steps: list[Step] = []
    faults = _in_turn(chance, sorted({**ANYWHERE, **(OF_A_SERVER if of_a_server else {})}))
    ends = _in_turn(chance, sorted(ENDS))
    left_s = seconds
    while left_s > 0:
        life = list(_life(chance, min(next(lives_s), left_s), faults))
        left_s -= sum(_takes_s(step) for step in life)
        steps += life
        if left_s > 0:
            end = _step(chance, next(ends))
            left_s -= _takes_s(end)
            steps.append(end)
    return tuple(steps)


def _in_turn(chance: Random, kinds: list[str]) -> Iterator[str]:
    """Yield kinds of faults for ever: each once, in a new order each time round."""
    while True:
        yield from chance.sample(kinds, len(kinds))


def _life(chance: Random, seconds: float, faults: Iterator[str]) -> Iterator[Step]:
    """Yield what happens between the start of a run and its end, with a calm first and last."""
    left_s, count = seconds, 0
    while left_s > 0:
        is_calm = count % (_BETWEEN_CALMS + 1) == 0
        step = _step(chance, CALM if is_calm else next(faults))
        yield step
        count += 1
        left_s -= _takes_s(step)
    yield _step(chance, CALM)


def _step(chance: Random, what: str) -> Step:
    shortest, longest = KINDS[what].lasts_s
    pause_s, lasts_s = chance.uniform(2, 6), chance.uniform(shortest, longest)
    lead_s, whom = chance.uniform(0.02, 0.4), chance.random()
    return Step(round(pause_s, 2), what, round(lasts_s, 2), round(lead_s, 3), round(whom, 3))


def _takes_s(step: Step) -> float:
    return step.after_s + step.lasts_s + KINDS[step.what].takes_s
