"""What comes of a rehearsal, noted as it happens: runs, messages of tasks, dead letters."""

from collections.abc import Callable
from typing import Literal

from ebats.pipelines.cases import Death, PublishedMessage
from ebats.pipelines.cases import Run as NotedRun
from ebats.pipelines.model import Pipeline, Task
from ebats.runner.execution.call import BadBody, decode
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.journal import OUTCOMES, Journal
from ebats.runner.execution.letter import Reader
from ebats.runner.execution.outcome import Dead, Decision, Failed, Result
from ebats.runner.execution.record import Line
from ebats.runner.execution.results import FollowUps
from ebats.runner.execution.slots import Run
from ebats.runner.rehearsal.agenda import Agenda


class _Nobody:
    """Takes lines for nobody."""

    def put(self, line: Line) -> None:
        """Forget it."""

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002 - one of `journal.Takes`
        """Have nothing to send."""
        return True


class Notes(Journal):
    """Notes what happens in place of writing records."""

    def __init__(self, pipeline: Pipeline, agenda: Agenda) -> None:
        """Note the times of an agenda."""
        super().__init__(pipeline, "rehearsal", _Nobody(), with_payload=False)
        self.runs: list[NotedRun] = []
        self.published: list[PublishedMessage] = []
        self.dead: list[Death] = []
        self._agenda = agenda
        self._file = pipeline
        self._reader = Reader(pipeline)

    def execution(self, run: Run, decision: Decision, result: Result, payload: object, ended: float) -> None:
        """Note one attempt; see `Journal`."""
        del payload, ended  # the task may have changed the one, and when it began counts here
        envelope = run.envelope
        failed = result if isinstance(result, Failed) else None
        if failed and isinstance(failed.exception, KeyboardInterrupt):
            # In a consumer process that is an attempt that failed; here somebody wants no more of it.
            raise failed.exception
        began = run.started - self._agenda.monotonic() if run.started else 0.0
        self.runs.append(
            NotedRun(
                id=envelope.id,
                task=run.task.name,
                event=envelope.event,
                queue=self._file.queue_name(envelope.queue),
                at_ms=round((self._agenda.now + began) * 1000),
                attempt=envelope.attempt,
                outcome=OUTCOMES[type(decision)],
                payload=self._payload(envelope.event, envelope.delivery.body),
                error=_error(failed.error, failed.text) if failed else "",
                reason=decision.reason if isinstance(decision, Dead) else "",
                traceback=(failed.traceback or "") if failed else "",
            )
        )

    def not_run(self, envelope: Envelope, task: Task | None, decision: Dead, failed: Failed) -> None:
        """Note nothing: the dead letter tells it all."""

    def follows(self, follows: FollowUps) -> None:
        """Note what is published beside the settling of a run."""
        for message, name in zip(follows.messages, follows.names, strict=True):
            kind: Literal["event", "reply"] = "reply" if message.optional else "event"
            self.publish(kind, name, message.properties["message_id"], message.body)

    def publish(self, kind: Literal["event", "reply", "task"], name: str, id_: str, body: bytes) -> None:
        """Note a message of a task's."""
        payload = self._payload(name if kind == "event" else None, body)
        noted = PublishedMessage(id=id_, kind=kind, event=name, at_ms=self._agenda.now_ms, payload=payload)
        self.published.append(noted)

    def bury(self, delivery: Delivery, settled: Callable[[Delivery], None]) -> None:
        """Note a dead letter, and take it from its queue."""
        letter = self._reader.read(delivery)
        self.dead.append(
            Death(
                id=letter.id or "",
                task=letter.task,
                event=letter.event,
                at_ms=self._agenda.now_ms,
                reason=letter.reason or "",
                attempts=letter.attempt or 0,
                payload=self._payload(letter.event, delivery.body),
                error=_error(letter.error, letter.text or "") if letter.error else "",
            )
        )
        settled(delivery)

    def _payload(self, event: str | None, body: bytes) -> object:
        found = self._file.events.get(event or "")
        if found is None or found.format == "json":
            try:
                return decode(body, "json")
            except BadBody:
                pass
        return body.decode(errors="replace")


def _error(kind: str, text: str) -> str:
    return f"{kind}: {text}" if text else kind
