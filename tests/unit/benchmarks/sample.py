"""Figures that nobody measured, for tests of the page."""

from tests.benchmarks.figures import Figure, Figures, Run

_MEDIANS = {
    "rabbitmq310": {
        "ebats": 20_000.0,
        "ebats, classic queues": 16_000.0,
        "Celery, prefork": 2_500.0,
        "Dramatiq": 8_000.0,
        "PerfTest, classic queue": 40_000.0,
    },
    "sqlite": {"ebats": 18_000.0, "huey": 5_000.0},
}


def run(*kinds: str, date: str = "2026-11-23") -> Run:
    """Return a run of these kinds."""
    return Run(
        machine={"processor": "Abacus 2", "cores": "2", "memory": "8 GB", "kernel": "Linux 6.1"},
        versions={"Python": "3.11.2", "celery": "5.7.0"},
        dates=dict.fromkeys(kinds, date),
        commands=dict.fromkeys(kinds, "python -m tests.benchmarks"),
    )


def noop() -> Figures:
    """Return three rounds of no-op tasks on two brokers."""
    return Figures(
        [
            Figure(
                kind="noop",
                broker=broker,
                contender=name,
                values={"per_s": per_s * part, "client_us": 1e6 / per_s},
                settings=(f"{name} as it comes", "durable queues"),
            )
            for broker, medians in _MEDIANS.items()
            for part in (0.9, 1.0, 1.1)
            for name, per_s in medians.items()
        ]
    )


def growth() -> Figures:
    """Return what grows, of one round."""
    return Figures(
        [
            Figure(
                kind="growth",
                broker="rabbitmq310",
                contender="ebats",
                values={"per_s": 16_000.0 - size, "load_seconds": size / 500},
                size=size,
            )
            for size in (10, 100, 1000)
        ]
    )
