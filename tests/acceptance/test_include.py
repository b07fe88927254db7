"""A pipeline of several files, through the commands, on both brokers."""

import json
from pathlib import Path

import pytest

import ebats
from tests.commands import run_ebats
from tests.faults.site import Site

MODULE = """\
from pathlib import Path

import beside

def bill(n, **payload):
    Path(__file__).with_name("billed").write_text(f"{n} {beside.WORD}")
"""


def write(site: Site) -> Path:
    """Write a file that includes one in another folder, with its module, schema and variables there."""
    site.write(
        include="billing/pipeline.yaml",
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work", "bill"]}},
    )
    folder = site.folder / "billing"
    folder.mkdir()
    included = {
        "name": site.name,
        "tasks": {"bill": {"python": "${MODULE}:bill", "retry": ["1s"]}},
        "events": {"wanted": {"schema": "wanted.json", "tasks": ["bill"]}},
    }
    (folder / "pipeline.yaml").write_text(json.dumps(included))
    (folder / "wanted.json").write_text(json.dumps({"required": ["n"]}))
    (folder / ".env").write_text("MODULE=bills\n")
    (folder / "bills.py").write_text(MODULE)
    (folder / "beside.py").write_text("WORD = 'paid'\n")
    return folder


def test_an_included_file_runs_with_its_own_modules_schema_and_variables(site: Site) -> None:
    folder = write(site)
    checked = run_ebats("validate", site.file, cwd=site.folder)
    assert checked.returncode == 0, checked.stdout
    assert "2 events, 2 tasks" in checked.stdout

    planned = run_ebats("plan", site.file)
    assert f"{site.name}.bill" in planned.stdout
    assert run_ebats("apply", site.file).returncode == 0
    refused = run_ebats("publish", site.file, "wanted", "-d", "{}")
    assert refused.returncode != 0
    assert "schema" in refused.stderr + refused.stdout
    published = run_ebats("publish", site.file, "wanted", "-d", '{"n": "one"}')
    assert published.returncode == 0, published.stderr
    site.send(["two"])

    site.run("--fail-on-dead")

    assert (folder / "billed").read_text().endswith(" paid")
    assert site.oracle.done_names() == {"two"}
    tasks = sorted(record["task"] for record in site.records() if record["outcome"] == "success")
    assert tasks == ["bill", "bill", "work"]


def test_a_problem_of_an_included_file_stops_every_command_at_its_place(site: Site) -> None:
    folder = write(site)
    (folder / "bills.py").unlink()
    for command in ("validate", "run"):
        done = run_ebats(command, site.file)
        assert done.returncode == (1 if command == "validate" else 78)
        assert f"{folder}/pipeline.yaml:1:" in done.stdout + done.stderr
        assert "error[EB301]" in done.stdout + done.stderr
    (folder / ".env").unlink()
    done = run_ebats("plan", site.file)
    assert done.returncode == 78
    assert f"{folder}/pipeline.yaml:1:" in done.stderr
    assert "error[EB009]" in done.stderr
    assert run_ebats("plan", site.file, "-e", "MODULE=bills").returncode == 0


def test_a_publisher_knows_what_is_included(site: Site) -> None:
    write(site)
    with ebats.Publisher(str(site.file)) as publisher:
        with pytest.raises(ebats.BadPayload):
            publisher.publish("wanted", {})
        publisher.publish("wanted", {"n": "one"})
    assert site.ready("bill") == 1
