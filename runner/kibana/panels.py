"""The panels of the dashboard: what operators look at first, from the top down."""

from ebats.runner.kibana.columns import cases, count, each, maximum, over_time, percentile, share, top
from ebats.runner.kibana.fields import (
    ATTEMPT,
    DEAD,
    ENDED,
    EXECUTION,
    FAILED,
    POSTPONED,
    REASON,
    RETRIED,
    RUN_TIME,
    STATUS,
    SUCCEEDED,
    TASK,
    WAIT,
)
from ebats.runner.kibana.panel import Grid, Panel, lines_or_bars, number, table

_RAN = f"{RUN_TIME}: *"

_NUMBERS = (
    Panel(
        name="executions",
        title="Executions",
        description="Attempts that ended, whatever became of them.",
        query=ENDED,
        chart="lnsMetric",
        columns={"count": count("Executions")},
        visualization=number("count"),
        grid=Grid(x=0, y=0, w=12, h=6),
    ),
    Panel(
        name="failure-rate",
        title="Failure rate",
        description="Which part of the attempts ended in a retry or a dead letter.",
        query=ENDED,
        chart="lnsMetric",
        columns=share("rate", "Failure rate", FAILED),
        visualization=number("rate"),
        grid=Grid(x=12, y=0, w=12, h=6),
    ),
    Panel(
        name="retries",
        title="Retries",
        description="Attempts that failed, and have another one.",
        query=RETRIED,
        chart="lnsMetric",
        columns={"count": count("Retries")},
        visualization=number("count"),
        grid=Grid(x=24, y=0, w=12, h=6),
    ),
    Panel(
        name="dead",
        title="Dead letters",
        description="Messages that have no attempt left, or get none.",
        query=DEAD,
        chart="lnsMetric",
        columns={"count": count("Dead letters")},
        visualization=number("count"),
        grid=Grid(x=36, y=0, w=12, h=6),
    ),
)
_OUTCOMES = (
    Panel(
        name="outcomes",
        title="Executions by outcome",
        description="Attempts over time, by what became of them.",
        query=EXECUTION,
        chart="lnsXY",
        columns={
            "outcome": cases(
                "Outcome",
                {"success": SUCCEEDED, "retry": RETRIED, "postponed": POSTPONED, "dead": DEAD},
            ),
            "time": over_time(),
            "count": count("Executions"),
        },
        visualization=lines_or_bars("bar_stacked", "time", ["count"], "outcome"),
        grid=Grid(x=0, y=6, w=24, h=12),
    ),
    Panel(
        name="failure-rate-over-time",
        title="Failure rate over time",
        description="Which part of the attempts ended in a retry or a dead letter, over time.",
        query=ENDED,
        chart="lnsXY",
        columns={"time": over_time(), **share("rate", "Failure rate", FAILED)},
        visualization=lines_or_bars("line", "time", ["rate"]),
        grid=Grid(x=24, y=6, w=24, h=12),
    ),
)
_RUN_TIMES = (
    Panel(
        name="run-time",
        title="Run time by task",
        description="How long half, 95 and 99 of 100 attempts take at most, by task.",
        query=_RAN,
        chart="lnsXY",
        columns={
            "task": top(TASK, "Task", by="p95"),
            "p50": percentile(RUN_TIME, "p50", 50),
            "p95": percentile(RUN_TIME, "p95", 95),
            "p99": percentile(RUN_TIME, "p99", 99),
        },
        visualization=lines_or_bars("bar_horizontal", "task", ["p50", "p95", "p99"]),
        grid=Grid(x=0, y=18, w=24, h=12),
    ),
    Panel(
        name="run-time-over-time",
        title="Run time over time (p95)",
        description="Which task got slow, and when: the 95th percentile of the run time of the slowest ten.",
        query=_RAN,
        chart="lnsXY",
        columns={
            "task": top(TASK, "Task", by="p95"),
            "time": over_time(),
            "p95": percentile(RUN_TIME, "p95", 95),
        },
        visualization=lines_or_bars("line", "time", ["p95"], "task"),
        grid=Grid(x=24, y=18, w=24, h=12),
    ),
    Panel(
        name="slowest-tasks",
        title="Slowest tasks",
        description="Tasks by the longest run of each.",
        query=_RAN,
        chart="lnsDatatable",
        columns={
            "task": top(TASK, "Task", by="longest", size=20),
            "count": count("Executions"),
            "p95": percentile(RUN_TIME, "p95", 95),
            "longest": maximum(RUN_TIME, "Longest"),
        },
        visualization=table(["task", "count", "p95", "longest"]),
        grid=Grid(x=0, y=30, w=24, h=12),
    ),
    Panel(
        name="wait",
        title="Wait time",
        description="From when a message was due to its start: what grows where consumers don't keep up.",
        query=f"{WAIT}: *",
        chart="lnsXY",
        columns={
            "time": over_time(),
            "p50": percentile(WAIT, "p50", 50),
            "p95": percentile(WAIT, "p95", 95),
            "longest": maximum(WAIT, "Longest"),
        },
        visualization=lines_or_bars("line", "time", ["p50", "p95", "longest"]),
        grid=Grid(x=24, y=30, w=24, h=12),
    ),
)
_TROUBLE = (
    Panel(
        name="rungs",
        title="Retries by rung",
        description="Which attempts failed and have another one: how far up the ladders messages get.",
        query=RETRIED,
        chart="lnsXY",
        columns={
            "rung": each(ATTEMPT, "Rung"),
            "task": top(TASK, "Task", by="count"),
            "count": count("Retries"),
        },
        visualization=lines_or_bars("bar_stacked", "rung", ["count"], "task"),
        grid=Grid(x=0, y=42, w=16, h=12),
    ),
    Panel(
        name="reasons",
        title="Dead letters by reason",
        description="Why messages are dead, and of which tasks.",
        query=DEAD,
        chart="lnsXY",
        columns={
            "reason": top(REASON, "Reason", by="count", size=20),
            "task": top(TASK, "Task", by="count"),
            "count": count("Dead letters"),
        },
        visualization=lines_or_bars("bar_horizontal_stacked", "reason", ["count"], "task"),
        grid=Grid(x=16, y=42, w=16, h=12),
    ),
    Panel(
        name="statuses",
        title="HTTP status of callbacks",
        description="What those who are called back answer, over time.",
        query=f"{STATUS}: *",
        chart="lnsXY",
        columns={
            "status": each(STATUS, "Status"),
            "time": over_time(),
            "count": count("Callbacks"),
        },
        visualization=lines_or_bars("bar_stacked", "time", ["count"], "status"),
        grid=Grid(x=32, y=42, w=16, h=12),
    ),
)

PANELS = (*_NUMBERS, *_OUTCOMES, *_RUN_TIMES, *_TROUBLE)
