"""The cases of a file's tests: what of the file becomes what of a case; files of cases beside it."""

from pathlib import Path
from typing import Any, get_args

import pytest

from ebats.pipelines import cases_file
from ebats.pipelines.cases import ANY, Answer, Case, Containing, ExpectedDeath, ExpectedMessage, ExpectedRun
from ebats.pipelines.load import from_bytes
from ebats.pipelines.problems import BadFile, Place, UnreadableFile
from ebats.pipelines.resolve_cases import REASONS
from ebats.runner.execution.outcome import Reason

PIPELINE = """\
version: 1
name: shop
exchanges: {trade: {}}
tasks:
  ship: {python: "tasks:ship", retry: [1s, 8h]}
  tell: {http: {url: "https://merchant.example/"}}
events:
  paid: {tasks: [ship, tell]}
  line: {format: text, tasks: [ship]}
"""


def case(written: str) -> Case:
    """Return the one case of a file with these lines of `tests`."""
    (found,) = from_bytes("shop.yaml", (PIPELINE + "tests:\n" + written).encode(), {"WHO": "玛丽"}).cases
    return found


def publishing(message: str) -> Any:
    (found,) = case(f"  - {{name: a, publish: {message}, expect: {{dead: []}}}}\n").messages
    return found


def answering(answers: str) -> dict[str, tuple[Answer, ...]]:
    return dict(
        case(f"  - {{name: a, publish: {{event: paid}}, answers: {answers}, expect: {{dead: []}}}}\n").answers
    )


def expecting(expect: str) -> Any:
    return case(f"  - {{name: a, publish: {{event: paid}}, expect: {expect}}}\n").expect


def test_a_file_without_tests_has_no_cases() -> None:
    assert from_bytes("shop.yaml", PIPELINE.encode(), {}).cases == ()
    assert from_bytes("shop.yaml", (PIPELINE + "tests:\n").encode(), {}).cases == ()


def test_a_case_knows_its_place() -> None:
    assert case("  - name: a\n    publish: {event: paid}\n    expect: {dead: []}\n").place == Place(
        file="shop.yaml", line=11, column=5
    )


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("{event: paid}", b"{}"),
        (
            "{event: paid, payload: {who: '${WHO}', n: 1.5, no: null, yes: true}}",
            '{"who": "玛丽", "n": 1.5, "no": null, "yes": true}'.encode(),
        ),
        ("{event: paid, payload: null}", b"null"),
        ("{event: paid, payload: 007}", b'"007"'),
        ("{task: ship, body: no JSON}", b"no JSON"),
        ("{event: line, payload: 玛丽}", "玛丽".encode()),
        ("{event: line}", b""),
        ("{exchange: trade, payload: a text}", b'"a text"'),
    ],
)
def test_a_payload_is_json_unless_its_event_is_of_texts(written: str, body: bytes) -> None:
    assert publishing(written).body == body


def test_a_message_goes_to_an_event_a_task_a_queue_or_an_exchange() -> None:
    assert publishing("{event: paid}").event == "paid"
    assert publishing("{task: tell}").task == "tell"
    assert publishing("{queue: ship}").queue == "ship"
    raw = publishing("{exchange: trade, key: a.b}")
    assert (raw.exchange, raw.key, raw.event, raw.task, raw.queue) == ("trade", "a.b", None, None, None)
    assert publishing("{exchange: events}").key is None


def test_a_message_has_an_id_headers_and_its_time() -> None:
    found = publishing(
        "{event: paid, id: p7, headers: {a: 1}, reply_to: q, expiration: 1m, delay: 10s, at: 8h1s}"
    )
    assert (found.id, found.headers, found.properties) == (
        "p7",
        {"a": 1},
        {"reply_to": "q", "expiration": "60000"},
    )
    assert (found.delay_ms, found.at_ms) == (10_000, 28_801_000)
    assert found.place == Place(file="shop.yaml", line=11, column=24)


def test_an_answer_is_one_or_a_list_of_them() -> None:
    assert answering("{ship: real}") == {"ship": (Answer(real=True),)}
    assert answering("{ship: {returns: {ok: true}}}") == {"ship": (Answer(returns={"ok": True}),)}
    assert answering("{ship: [{raises: Retry, text: busy, after: 0s}, real, {takes: 3s}]}") == {
        "ship": (Answer(raises="Retry", text="busy", after_ms=0), Answer(real=True), Answer(takes_ms=3000))
    }
    assert answering("{tell: [{status: 502}, {status: 200, body: {code: 0}, headers: {A: b}}]}") == {
        "tell": (Answer(status=502), Answer(status=200, body='{"code": 0}', headers={"A": "b"}))
    }
    assert answering("") == {}


def test_what_an_expectation_does_not_name_is_any() -> None:
    found = expecting("{runs: [ship, {task: tell, event: null, at: 8h, payload: null}]}")
    assert found.published is None
    assert found.dead is None
    ship, tell = found.runs
    assert ship == ExpectedRun(task="ship", place=Place(file="shop.yaml", line=11, column=55))
    assert (tell.event, tell.at_ms, tell.payload) == (None, 28_800_000, None)
    assert (tell.attempt, tell.outcome, tell.queue) == (ANY, ANY, ANY)
    assert found.places["runs"] == Place(file="shop.yaml", line=11, column=48)


def test_an_empty_list_expects_nothing_of_its_kind() -> None:
    found = expecting("{runs: [], published: [], dead: []}")
    assert (found.runs, found.published, found.dead) == ((), (), ())


def test_a_payload_is_expected_as_a_whole_or_in_part() -> None:
    (published,) = expecting("{published: [{payload_contains: {a: 1}}]}").published
    assert published == ExpectedMessage(payload=Containing(payload={"a": 1}), place=published.place)
    (dead,) = expecting("{dead: [{task: null, reason: exhausted, attempts: 3, payload: [1]}]}").dead
    assert dead == ExpectedDeath(task=None, reason="exhausted", attempts=3, payload=[1], place=dead.place)


def test_what_is_published_is_an_event_an_answer_or_for_a_task() -> None:
    found = expecting("{published: [paid, {event: paid}, {reply_to: q}, {task: ship}, {at: 1s}]}").published
    assert [(each.kind, each.event) for each in found] == [
        ("event", "paid"),
        ("event", "paid"),
        ("reply", "q"),
        ("task", "ship"),
        (ANY, ANY),
    ]


def test_the_reasons_are_those_of_dead_letters() -> None:
    assert set(REASONS) == {*get_args(Reason), "unrouted", "delivery_limit"}


def test_a_file_of_cases_stands_beside_its_pipeline() -> None:
    assert cases_file.beside(Path("a/shop.yaml")) == (Path("a/shop_test.yaml"), Path("a/shop_test.yml"))
    assert cases_file.beside(Path("shop_test.yml")) == (Path("shop.yml"), Path("shop.yaml"))
    assert cases_file.is_cases_file(Path("shop_test.yaml"))
    assert not cases_file.is_cases_file(Path("shop_test.json"))
    assert not cases_file.is_cases_file(Path("test.yaml"))


CASES = """\
environment: {TOKEN: "${WHO:-nobody}"}
tests:
  - name: a paid order is shipped
    publish: {event: paid}
    expect: {runs: [ship, tell]}
"""


def test_a_file_of_cases_has_variables_and_cases(tmp_path: Path) -> None:
    file = tmp_path / "shop_test.yaml"
    file.write_text(CASES)
    opened = cases_file.open_cases(str(file), {})
    assert opened.environment == {"TOKEN": "nobody"}
    pipeline = from_bytes("shop.yaml", PIPELINE.encode(), {}).pipeline
    (found,) = cases_file.cases_of(opened, pipeline)
    assert found.name == "a paid order is shipped"
    assert found.place == Place(file=str(file), line=3, column=5)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "1:1: error[EB101]: the file is empty; begin with `tests:`"),
        ("tests: [", "1:9: error[EB001]: this isn't YAML"),
        ("version: 1\ntests: []", "1:1: error[EB103]: there is no key `version` here; there are"),
        (
            "environment: {A: 1}\ntests:",
            "1:18: error[EB107]: `A` can't be `1`: it must be a text",
        ),
        ("environment: {A: b}", "1:1: error[EB104]: the file has no `tests`; add it"),
    ],
)
def test_a_file_of_cases_with_another_shape_is_refused(content: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "shop_test.yaml"
    file.write_text(content)
    with pytest.raises(BadFile) as caught:
        cases_file.open_cases(str(file), {})
    assert str(caught.value).startswith(f"{file}:{text}")


def test_cases_that_do_not_fit_the_pipeline_are_refused_at_their_place(tmp_path: Path) -> None:
    file = tmp_path / "shop_test.yaml"
    file.write_text(CASES.replace("paid}", "piad}"))
    opened = cases_file.open_cases(str(file), {})
    with pytest.raises(BadFile) as caught:
        cases_file.cases_of(opened, from_bytes("shop.yaml", PIPELINE.encode(), {}).pipeline)
    assert str(caught.value) == f"{file}:4:22: error[EB201]: there is no event `piad`; did you mean `paid`?"


def test_a_file_of_cases_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"can't read .*none_test.yaml: No such file"):
        cases_file.open_cases(str(tmp_path / "none_test.yaml"), {})
