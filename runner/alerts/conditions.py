"""What holds at this moment: from counts to findings, each about one subject, in words. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ebats.pipelines.alerts import Rule
from ebats.pipelines.counting import counted
from ebats.pipelines.ladder import format_duration
from ebats.runner.alerts.facts import Counts
from ebats.runner.alerts.histogram import quantile
from ebats.runner.alerts.windows import Key
from ebats.runner.alerts.wording import Sample

#: A task is slow when more than this share of its attempts is.
_SLOW_SHARE = 0.05
#: What the subject of dead letters is called that no task could be found for.
NO_TASK = "no task"
#: How many names a sentence has.
_NAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One subject that a rule's condition holds for."""

    subject: str
    #: How often it is found in what is looked at.
    total: int
    #: How often since the last look.
    fresh: int
    #: What is wrong, on one line: `12 dead letters of ship within 5m`.
    what: str
    #: How bad it is, to be compared with what the same rule finds of the subject at other times.
    degree: float
    #: The event that most of it comes from, for its owner.
    event: str = ""
    #: By the name in the file.
    owner: str | None = None
    samples: tuple[Sample, ...] = ()


Counted = list[tuple[str, Counts]]


def by_task(rule: Rule, totals: Mapping[Key, Counts], recent: Mapping[Key, Counts]) -> Iterator[Finding]:
    """Yield the tasks that a rule's condition holds for, given the counts of its window.

    `recent` are those since the last look.
    """
    measure = _MEASURES[rule.condition]
    for task, counts in _grouped(rule, totals).items():
        found = measure(rule, task or NO_TASK, counts)
        if found:
            total, what, samples, degree = found
            news = [(event, new) for event, _ in counts if (new := recent.get((task, event)))]
            yield Finding(
                subject=task or NO_TASK,
                total=total,
                fresh=_fresh(rule, news),
                what=what,
                degree=degree,
                event=max(counts, key=lambda pair: _number(rule, pair[1]))[0],
                samples=samples,
            )


def _grouped(rule: Rule, totals: Mapping[Key, Counts]) -> dict[str, Counted]:
    grouped: dict[str, Counted] = {}
    for (task, event), counts in totals.items():
        if (not rule.tasks or task in rule.tasks) and (not rule.events or event in rule.events):
            grouped.setdefault(task, []).append((event, counts))
    return grouped


def _fresh(rule: Rule, counts: Counted) -> int:
    return sum(_number(rule, new) for _, new in counts)


def _number(rule: Rule, counts: Counts) -> int:
    """Return how many attempts are what the rule is about."""
    if rule.condition == "dead_letters":
        return counts.dead
    if rule.condition == "failure_rate":
        return counts.retries + counts.dead
    if rule.condition == "slow":
        return counts.slower.get(str(rule.threshold), 0)
    return sum(count for attempt, count in counts.attempts.items() if attempt >= rule.threshold)


#: How often, what, samples, the degree; None: it doesn't hold.
_Measured = tuple[int, str, tuple[Sample, ...], float] | None


def _dead_letters(rule: Rule, task: str, counts: Counted) -> _Measured:
    dead = _fresh(rule, counts)
    if dead < rule.threshold:
        return None
    samples = tuple(sample for _, each in counts for sample in each.dead_samples)
    return dead, f"{counted(dead, 'dead letter')} of {task} within {_window(rule)}", samples, dead


def _failure_rate(rule: Rule, task: str, counts: Counted) -> _Measured:
    executions = sum(each.executions for _, each in counts)
    failed = _fresh(rule, counts)
    # A product would miss 7 of 100 for 7%: it is a little above 7.
    if executions < rule.at_least or failed / executions < rule.threshold:
        return None
    share = f"{100 * failed / executions:.0f}%"
    what = f"{failed:,} of {counted(executions, 'attempt')} of {task} failed ({share}) within {_window(rule)}"
    samples = tuple(sample for _, each in counts for sample in (*each.dead_samples, *each.retry_samples))
    return failed, what, samples, failed


def _slow(rule: Rule, task: str, counts: Counted) -> _Measured:
    slower = _fresh(rule, counts)
    if not slower:
        return None
    times: dict[int, int] = {}
    for _, each in counts:
        for number, count in each.times.items():
            times[number] = times.get(number, 0) + count
    timed = sum(times.values())
    if timed < rule.at_least or slower <= _SLOW_SHARE * timed:
        return None
    p95 = max(rule.threshold, quantile(times, 1 - _SLOW_SHARE) or 0.0)
    what = f"{task} is slow: p95 {_seconds(p95)} of {counted(timed, 'attempt')} within {_window(rule)}"
    longest = max((each for _, each in counts), key=lambda each: each.longest_s)
    samples = (longest.longest_sample,) if longest.longest_sample else ()
    return slower, f"{what}, above {_seconds(rule.threshold)}", samples, p95


def _attempts(rule: Rule, task: str, counts: Counted) -> _Measured:
    number = _fresh(rule, counts)
    if not number:
        return None
    top = max(attempt for _, each in counts for attempt in each.attempts)
    least = f"attempt {int(rule.threshold)}"
    what = f"{task} came to {least} or later {counted(number, 'time')} within {_window(rule)}, up to {top}"
    highest = max((each for _, each in counts), key=lambda each: each.highest)
    return number, what, (highest.highest_sample,) if highest.highest_sample else (), number


_MEASURES: Mapping[str, Callable[[Rule, str, Counted], _Measured]] = {
    "dead_letters": _dead_letters,
    "failure_rate": _failure_rate,
    "slow": _slow,
    "attempts": _attempts,
}


def by_depth(rule: Rule, depths: Mapping[str, int]) -> Iterator[Finding]:
    """Yield the queues in which too many messages wait, of those that the rule looks at."""
    for queue, depth in depths.items():
        if depth >= rule.threshold:
            waits = "waits" if depth == 1 else "wait"
            what = f"{counted(depth, 'message')} {waits} in {queue}"
            yield Finding(subject=queue, total=1, fresh=0, what=what, degree=depth)


def by_age(rule: Rule, ages_s: Mapping[str, float]) -> Iterator[Finding]:
    """Yield the queues whose oldest message waits too long, of those that the rule looks at."""
    for queue, age_s in ages_s.items():
        if age_s >= rule.threshold:
            what = f"the oldest message of {queue} waits for {_seconds(age_s)}"
            yield Finding(subject=queue, total=1, fresh=0, what=what, degree=age_s)


def by_number(
    rule: Rule, numbers: Mapping[str, int], recent: Mapping[str, int], said: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield the processes that died too often, or the sinks that lost too much; `said` explains the last."""
    for subject, number in numbers.items():
        if number >= rule.threshold:
            if rule.condition == "process_dies":
                what = f"{subject} died {counted(number, 'time')} within {_window(rule)}"
            else:
                what = f"{counted(number, 'record')} found no room in sink {subject} within {_window(rule)}"
            why = f": {said[subject]}" if said.get(subject) else ""
            fresh = recent.get(subject, 0)
            yield Finding(subject=subject, total=number, fresh=fresh, what=f"{what}{why}", degree=number)


def by_absence(rule: Rule, away_s: Mapping[str, float], said: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what has been away for too long: sinks by name, or the broker, which has none."""
    for subject, seconds in away_s.items():
        if seconds >= rule.threshold:
            what = f"the broker has been out of reach for {_seconds(seconds)}"
            if rule.condition == "sink_away":
                what = f"sink {subject} has taken nothing for {_seconds(seconds)}"
            why = f": {said[subject]}" if said.get(subject) else ""
            yield Finding(subject=subject, total=1, fresh=0, what=f"{what}{why}", degree=seconds)


def together(rule: Rule, subjects: Sequence[str], number: int, whats: Iterable[str]) -> str:
    """Return what is wrong with one subject or several, on one line; `number`: how often, over all.

    `whats` are what was said of each alone.
    """
    if len(subjects) == 1:
        return next(iter(whats))
    size = f"{len(subjects):,}"
    within = f"within {_window(rule)}"
    texts = {
        "dead_letters": f"{counted(number, 'dead letter')} of {size} tasks {within}",
        "failure_rate": f"{counted(number, 'failed attempt')} of {size} tasks {within}",
        "slow": f"{size} tasks are slow: p95 above {_seconds(rule.threshold)} {within}",
        "attempts": f"{size} tasks came to attempt {int(rule.threshold)} or later {within}",
        "queue_depth": f"{int(rule.threshold):,} messages or more wait in {size} queues",
        "queue_age": f"the oldest messages of {size} queues wait for {_seconds(rule.threshold)} or longer",
        "process_dies": f"{size} processes died {counted(number, 'time')} {within}",
        "sink_away": f"{size} sinks have taken nothing for {_seconds(rule.threshold)} or longer",
        "spool_overflow": f"{counted(number, 'record')} found no room in {size} sinks {within}",
    }
    names = ", ".join(subjects[:_NAMES]) + (", ..." if len(subjects) > _NAMES else "")
    return f"{texts[rule.condition]}: {names}"


def _window(rule: Rule) -> str:
    return format_duration(int(rule.window_s * 1000))


def _seconds(seconds: float) -> str:
    """Return a time in words that aren't finer than anybody cares for."""
    if seconds < 10:
        return f"{seconds:.3g}s"
    whole = int(seconds)
    parts = ((whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
