"""`ack: early`: at most one run of what has begun, whatever becomes of its process."""

from tests.faults.site import Site


def test_message_that_kills_its_process_at_once_is_not_run_again(site: Site) -> None:
    site.write(
        queues={"hasty": {"ack": "early"}},
        tasks={"work": {"python": "tasks:work", "queue": "hasty"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 1, "prefetch": 1}},
    )
    site.declare()
    site.send([f"m-{number}" for number in range(3)], do="exit")
    site.run()

    # Each ran once, and cost its process; none of them is a suspect, or dead.
    assert sorted(run["n"] for run in site.oracle.started()) == ["m-0", "m-1", "m-2"]
    assert not site.take()
    assert not site.ready("suspects")
