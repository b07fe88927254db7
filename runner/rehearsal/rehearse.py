"""One case of a file's tests, played through: what is published is worked off by the runner's own engine."""

from collections import Counter
from functools import partial

from ebats.pipelines.cases import Case, Rehearsed
from ebats.pipelines.model import Pipeline
from ebats.pipelines.topology import derive
from ebats.runner.broker.memory import MemoryBroker
from ebats.runner.rehearsal.actors import Actors
from ebats.runner.rehearsal.agenda import Agenda
from ebats.runner.rehearsal.imports import importing
from ebats.runner.rehearsal.notes import Notes
from ebats.runner.rehearsal.outlet import Outlet, Publisher, Sender
from ebats.runner.rehearsal.stage import Stage
from ebats.runner.roles.engine import Engine

#: A case that comes to no end, such as events that lead to each other, is stopped after so many steps.
MOST_STEPS = 20_000


def rehearse(pipeline: Pipeline, case: Case) -> Rehearsed:
    """Publish what a case publishes, and return what came of it, when nothing is left to do.

    Nothing waits, nobody is asked, and nothing is left behind, but for what the file's own functions do where
    the case has them called.

    Raises:
        UnfitCase: it publishes to what the pipeline doesn't have.
    """
    agenda = Agenda()
    topology = derive(pipeline)
    broker = MemoryBroker(topology, agenda, agenda.after)
    notes, sender = Notes(pipeline, agenda), Sender(broker)
    actors = Actors(pipeline, case, agenda)
    engine = Engine(pipeline, actors, notes, clock=agenda)
    stage = Stage(engine, actors, agenda)
    engine.connect(broker, sender, stage)
    engine.outlet = Outlet(pipeline, sender, notes, engine.schemas, agenda)
    engine.ending.on_follows = notes.follows
    for queue in topology.queues:
        if queue.kind in ("work", "intake"):
            broker.consume(queue.name, engine.take)
        elif queue.kind == "dead":
            broker.consume(queue.name, partial(notes.bury, settled=broker.settled))
    publisher = Publisher(pipeline, broker, agenda)
    for number, message in enumerate(case.messages, 1):
        agenda.at(message.at_ms / 1000, partial(publisher.publish, message, f"m{number}"))
    with importing(pipeline.folders):
        try:
            is_done = agenda.run(MOST_STEPS)
            waiting = _waiting(pipeline, broker, sender)
        finally:
            stage.close()
    return Rehearsed(
        runs=tuple(sorted(notes.runs, key=lambda run: run.at_ms)),
        published=tuple(notes.published),
        dead=tuple(notes.dead),
        waiting=waiting,
        stopped="" if is_done else f"it came to no end within {MOST_STEPS:,} steps",
    )


def _waiting(pipeline: Pipeline, broker: MemoryBroker, sender: Sender) -> dict[str, int]:
    found = {pipeline.queue_name(name): number for name, number in broker.lying().items()}
    stuck = Counter(f"what no queue takes from {where!r}" for where in sender.stuck)
    return dict(sorted((found | stuck).items()))
