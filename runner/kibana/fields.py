"""The fields of documents that the objects for Kibana are about, and the questions about them."""

TASK = "ebats.task.name"
ATTEMPT = "ebats.attempt"
#: In nanoseconds, as ECS has it.
RUN_TIME = "event.duration"
#: In milliseconds.
WAIT = "ebats.wait_ms"
OUTCOME = "ebats.outcome"
REASON = "ebats.reason"
#: Of a callback: that of the request that decided what became of the attempt.
STATUS = "http.response.status_code"

SUCCEEDED = f"{OUTCOME}: success"
RETRIED = f"{OUTCOME}: retry"
#: It didn't begin: it has to wait for its attempt.
POSTPONED = f"{OUTCOME}: postponed"
DEAD = f"{OUTCOME}: dead"
#: An attempt that has no success.
FAILED = f"{OUTCOME}: (retry or dead)"
#: An attempt that ended: one that was only postponed did not begin.
ENDED = f"{OUTCOME}: (success or retry or dead)"
#: An attempt, whatever became of it.
EXECUTION = f"{OUTCOME}: *"


def of_pipeline(name: str, *queries: str) -> str:
    """Return a query for what fits all these queries among the documents of one pipeline."""
    return " and ".join((f'service.name: "{name}"', *queries))
