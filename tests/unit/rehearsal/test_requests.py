"""HTTP tasks in a rehearsal: requests are built, guarded and judged as for real, and never sent."""

from typing import Any

from ebats.pipelines.cases import Answer
from tests.unit.rehearsal.played import deaths, message, pipeline, play, runs

TELL = {"url": "http://merchant.cn/{{ order.id }}", "success": {"status": [200], "body": "success"}}
PAID = {"paid": {"tasks": ["tell"]}}
ORDER = {"order": {"id": 7}}


def shop(http: Any = None, **task: Any) -> Any:
    """Return a pipeline whose task `tell` asks a merchant."""
    task.setdefault("retry", ["1s", "3s"])
    tells = {"tell": {"http": {**TELL, **(http or {})}, **task}, "note": {}}
    return pipeline(tasks=tells, events={**PAID, "told": {"tasks": ["note"]}})


def test_what_is_no_success_takes_the_ladder() -> None:
    answers = [
        Answer(status=502, body="away"),
        Answer(status=200, body="fail"),
        Answer(status=200, body="success"),
    ]
    found = play(shop(), message(ORDER, event="paid"), tell=answers)
    assert runs(found) == ["tell 1 at 0: retry", "tell 2 at 1000: retry", "tell 3 at 4000: success"]
    assert [run.error for run in found.runs] == [
        "BadAnswer: POST http://merchant.cn/7: 502 Bad Gateway: away",
        "BadAnswer: POST http://merchant.cn/7: 200 OK, but the body isn't 'success': fail",
        "",
    ]


def test_a_final_answer_is_dead_and_a_template_without_its_field_too() -> None:
    assert deaths(play(shop(), message(ORDER, event="paid"), tell=Answer(status=410))) == [
        "tell 1 at 0: final"
    ]
    found = play(shop(), message({"order": {}}, event="paid"))
    assert deaths(found) == ["tell 1 at 0: refused"]
    assert "{{ order.id }}" in found.dead[0].error


def test_without_an_answer_it_is_what_the_task_takes_for_a_success() -> None:
    for body in ("success", {"contains": "ok"}, {"pointer": "/data/code", "equals": 0}):
        file = shop({"success": {"status": [201], "body": body}}, then="told")
        found = play(file, message(ORDER, event="paid"))
        assert runs(found)[0] == "tell 1 at 0: success", body
        assert found.published[0].payload["result"]["status"] == 201


def test_what_it_returns_is_the_answers_body() -> None:
    file = shop({"success": {"status": [200]}}, then="told")
    found = play(file, message(ORDER, event="paid"), tell=Answer(returns={"code": 0}))
    assert found.published[0].payload["result"] == {"status": 200, "body": {"code": 0}}


def test_no_answer_an_answer_too_late_and_one_after_the_time_out_are_failed_attempts() -> None:
    file = shop({"timeout": {"read": "5s"}}, timeout="10s")
    answers = [Answer(raises="ConnectionRefusedError", text="nobody listens"), Answer(takes_ms=6_000)]
    found = play(file, message(ORDER, event="paid"), tell=[*answers, Answer(status=200, body="success")])
    assert runs(found) == ["tell 1 at 0: retry", "tell 2 at 1000: retry", "tell 3 at 9000: success"]
    assert found.runs[0].error.endswith("ConnectionRefusedError: nobody listens")
    assert found.runs[1].error.endswith("the other side said nothing for 5 s")
    late = play(shop(timeout="10s"), message(ORDER, event="paid"), tell=Answer(takes_ms=11_000))
    assert runs(late)[:2] == ["tell 1 at 0: retry", "tell 2 at 11000: retry"]
    assert late.runs[0].error.startswith("TimeoutError")


def test_retry_after_makes_the_wait_longer() -> None:
    answers = [Answer(status=503, headers={"Retry-After": "30"}), Answer(status=200, body="success")]
    found = play(shop(), message(ORDER, event="paid"), tell=answers)
    assert runs(found) == ["tell 1 at 0: retry", "tell 2 at 30000: success"]


def test_a_host_that_fails_on_and_on_makes_its_messages_wait() -> None:
    file = shop({"breaker": {"after": 2, "max_age": "1m"}}, retry=["1s"])
    messages = [message(ORDER, event="paid", id=f"m{n}", at_ms=n * 100) for n in range(3)]
    found = play(file, *messages, tell=Answer(status=500))
    assert "tell 1 at 200: postponed" in runs(found)
    assert {death.reason for death in found.dead} <= {"exhausted", "expired"}
    assert len(found.dead) == 3


def test_a_url_of_a_payload_is_looked_at_by_the_guard() -> None:
    file = shop({"url": "{{ url }}", "allow_hosts": ["merchant.cn"]})
    fine = play(file, message({"url": "https://merchant.cn/a"}, event="paid"))
    assert runs(fine) == ["tell 1 at 0: success"]
    refused = play(file, message({"url": "http://127.0.0.1/admin"}, event="paid"))
    assert deaths(refused) == ["tell 1 at 0: refused"]


def test_requests_that_a_message_carries_are_answered_too() -> None:
    tells = {"tell": {"http": {"from": "payload"}, "retry": ["1s", "3s"]}}
    file = pipeline(tasks=tells, events=PAID)
    requests = [{"method": "POST", "url": f"https://merchant.cn/{n}"} for n in range(2)]
    carried = {"requests": requests, "control": {"retryTimes": 1, "successCode": [200]}}
    found = play(file, message(carried, event="paid"), tell=[Answer(status=500), Answer(status=200)])
    assert runs(found) == ["tell 1 at 0: retry", "tell 2 at 1000: success"]
    assert deaths(play(file, message(carried, event="paid"), tell=Answer(status=500))) == [
        "tell 2 at 1000: exhausted"
    ]
