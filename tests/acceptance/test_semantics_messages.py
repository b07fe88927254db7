"""What a message may be, where it may come from, and what of it reaches the task."""

from tests.faults.send import Message
from tests.faults.site import Site


def plain(site: Site, name: str, exchange: str, key: str) -> Message:
    """Return a message with nothing but a body."""
    return Message(name, exchange, key, f'{{"n": "{name}"}}'.encode())


def test_message_with_nothing_but_a_body_works_wherever_it_is_sent(site: Site) -> None:
    site.write_work(retry=["100ms"])
    site.declare()
    site.send_messages(
        [
            plain(site, "to-events", f"{site.name}.events", "happened"),
            plain(site, "to-tasks", f"{site.name}.tasks", "work"),
            plain(site, "to-queue", "", f"{site.name}.work"),
        ]
    )

    site.run("--fail-on-dead")

    runs = {run["n"]: run for run in site.oracle.done()}
    assert runs["to-events"]["event"] == "happened"
    assert runs["to-tasks"]["event"] is runs["to-queue"]["event"] is None
    assert (runs["to-tasks"]["exchange"], runs["to-tasks"]["key"]) == (f"{site.name}.tasks", "work")
    assert all(run["id"] for run in runs.values())
    assert len({run["id"] for run in runs.values()}) == 3


def test_message_without_an_id_gets_one_when_it_is_first_settled(site: Site) -> None:
    site.write_work(retry=["100ms", "100ms"])
    site.declare()
    site.send(["m-0"], do="raise")

    site.run()

    ids = [run["id"] for run in site.oracle.started()]
    (letter,) = site.take()
    assert len(ids) == 3
    assert {*ids} == {letter.properties["message_id"]}


def test_what_the_publisher_set_passes_untouched_over_all_attempts(site: Site) -> None:
    site.write_work(retry=["100ms"])
    site.declare()
    message = site.message("m-0", do="raise")
    body = b'{  "n": "m-0",  "do": "raise", "\\u4e2d": 1e2, "n2": 12345678901234567890 }'
    properties = {
        "message_id": "order-138",
        "correlation_id": "c-1",
        "reply_to": "answers",
        "content_type": "application/json; charset=utf-8",
        "type": "order",
        "app_id": "erp",
        "timestamp": 1_700_000_000,
    }
    headers = {"trace": "00-ab-cd-01", "nested": {"a": [1, "b"]}, "number": 2**40}
    site.send_messages([Message("m-0", message.exchange, message.key, body, headers, properties)])

    site.run()

    (letter,) = site.take()
    assert letter.body == body
    assert {name: letter.properties[name] for name in properties} == properties
    assert {name: letter.headers[name] for name in headers} == headers
    for run in site.oracle.started():
        assert run["id"] == "order-138"
        assert run["headers"]["nested"] == headers["nested"]


def test_two_tasks_of_one_event_on_one_queue_settle_each_alone(site: Site) -> None:
    site.write(
        queues={"both": None},
        tasks={
            "work": {"python": "tasks:work", "queue": "both", "retry": ["200ms", "200ms"]},
            "other": {"python": "tasks:other", "queue": "both"},
        },
        events={"happened": {"tasks": ["work", "other"]}},
    )
    site.declare()
    site.send([f"m-{number}" for number in range(20)], do="raise")

    site.run("--fail-on-dead", code=1)

    assert sorted((run["n"], run["task"]) for run in site.oracle.done()) == sorted(
        (f"m-{number}", "other") for number in range(20)
    )
    letters = site.take()
    assert sorted(letter.n for letter in letters) == sorted(f"m-{number}" for number in range(20))
    assert {letter.headers["ebats-task"] for letter in letters} == {"work"}
    assert {letter.headers["ebats-attempt"] for letter in letters} == {3}
    assert site.ready("both") == 0


def test_two_tasks_of_a_redelivered_message_get_a_copy_each(site: Site) -> None:
    # Given a message of which one task is at work, and the other done, when all is killed
    site.write(
        queues={"both": None},
        tasks={
            "work": {"python": "tasks:work", "queue": "both"},
            "other": {"python": "tasks:other", "queue": "both"},
        },
        events={"happened": {"tasks": ["work", "other"]}},
    )
    command = site.start()
    site.send(["m-0"], do="hang_once")
    site.wait_started(2)
    command.kill_all()

    # When it is delivered again
    site.run("--fail-on-dead")

    # Then both run, each for itself, with the id and the event of the message
    tasks = [run["task"] for run in site.oracle.done()]
    assert tasks.count("work") == 1
    assert 1 <= tasks.count("other") <= 2
    assert {run["event"] for run in site.oracle.done()} == {"happened"}
    assert site.ready("both") == 0
    assert not site.take()


def test_event_of_several_queues_is_done_on_each(site: Site) -> None:
    site.write(
        tasks={"work": {"python": "tasks:work"}, "other": {"python": "tasks:other"}},
        events={"happened": {"tasks": ["work", {"task": "other", "delay": "500ms"}]}},
    )
    site.declare()
    site.send(["m-0"])

    site.run("--fail-on-dead")

    assert sorted(run["task"] for run in site.oracle.done()) == ["other", "work"]


def test_what_no_event_takes_is_a_dead_letter_or_dropped(site: Site) -> None:
    site.write_work()
    site.declare()
    site.send(["nowhere"], key="no_such_event")
    site.send(["no-task"], "tasks", "no_such_task")
    site.wait_ready("dead", 2)

    site.write(
        unrouted="drop", tasks={"work": {"python": "tasks:work"}}, events={"happened": {"tasks": ["work"]}}
    )
    site.declare()
    site.send(["dropped"], key="no_such_event")

    letters = site.take()
    assert sorted(letter.n for letter in letters) == ["no-task", "nowhere"]


def test_early_acknowledged_message_is_not_run_again_after_a_crash(site: Site) -> None:
    site.write(
        queues={"hasty": {"ack": "early"}},
        tasks={"work": {"python": "tasks:work", "queue": "hasty", "retry": ["200ms"]}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 2, "prefetch": 2}},
    )
    command = site.start()
    site.send(["m-0", "m-1"], seconds=3600)
    site.wait_started(2)
    site.wait_ready("hasty", 0)
    command.wait_for_output("takes from")
    command.kill_all()
    # Not before: who is killed while it hands a message back may leave two of it.
    site.send(["m-2"], do="fail_once")

    site.run("--fail-on-dead")

    assert [run["n"] for run in site.oracle.started()].count("m-0") == 1
    assert [run["n"] for run in site.oracle.started()].count("m-1") == 1
    # A failure takes the ladder all the same.
    assert [run["attempt"] for run in site.oracle.started() if run["n"] == "m-2"] == [1, 2]


def test_classic_queue_gives_back_what_a_killed_process_had(site: Site) -> None:
    site.write(
        queues={"old": {"type": "classic"}},
        tasks={"work": {"python": "tasks:work", "queue": "old", "retry": ["100ms"]}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 4, "prefetch": 8}},
    )
    command = site.start()
    site.send([f"hung-{number}" for number in range(4)], do="hang_once")
    site.send([f"m-{number}" for number in range(4)])
    site.wait_started(4)
    command.kill_all()

    # What comes back is a suspect at once, for a classic queue doesn't count.
    output = site.run("--fail-on-dead")

    assert output.count("it runs alone from now on") == 1  # with one line for all of them
    assert [record["process"] for record in site.records()].count("lane") >= 4
    site.oracle.judge().check(duplicates=0)
