"""`ebats test` as a user calls it: exit codes, what is printed, what CI reads."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.commands import RunningCommand, run_ebats
from tests.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"

PIPELINE = """\
version: 1
name: shop
broker: {url: "sqlite:///${SHOP_DB}.db"}
tasks:
  ship: {python: "tasks:ship", retry: [1s, 8h]}
events:
  paid: {tasks: [ship]}
"""
CASES = """\
environment: {SHOP_DB: test}
tests:
  - name: a paid order is shipped
    publish: {event: paid, payload: {order_id: 7}}
    answers: {ship: real}
    expect: {runs: [{task: ship, outcome: success}], dead: []}
"""
FAILING = """\
  - name: 玛丽 waits <until> "tomorrow" & longer
    publish: {event: paid, payload: {order_id: 8}}
    answers: {ship: [{raises: Retry, text: "busy \\e[31m"}, real]}
    expect: {runs: [ship, {task: ship, at: 2s}]}
"""
TASKS = """\
def ship(order_id: int) -> str:
    print("shipping", order_id)
    return "on its way"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(PIPELINE)
    (tmp_path / "shop_test.yaml").write_text(CASES)
    (tmp_path / "tasks.py").write_text(TASKS)
    return tmp_path


@pytest.mark.parametrize("name", ["shop.yaml", "shop_test.yaml", "."])
def test_good_cases_end_with_0_and_leave_nothing_behind(name: str, folder: Path) -> None:
    done = run_ebats("test", name, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    file, case, _, summary = done.stdout.splitlines()
    assert file == "shop.yaml"
    assert case.startswith("  ok ")
    assert case.endswith(" ms  a paid order is shipped")
    assert summary.startswith("1 case: all passed in ")
    assert not list(folder.glob("*.db*"))


def test_a_case_that_fails_ends_with_1_and_shows_both_sides(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES + FAILING)
    done = run_ebats("test", "shop.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    _, report = done.stdout.split("\n\n", 1)
    assert (
        report.rpartition(" in ")[0]
        == """\
shop_test.yaml:7:5: 玛丽 waits <until> "tomorrow" & longer
  runs, as shop_test.yaml:10:14 expects them:
     expected                        came
     time  task  attempt  outcome    time  task  attempt  outcome
     *     ship  *        *          0s    ship  1        retry
   ! 2s    ship  *        *          1s    ship  2        success
                                     ^^
  shop_test.yaml:10:27: `ship`: `at` is 1s, not 2s
  printed:
    shipping 8

2 cases: 1 failed, 1 passed"""
    )


def test_junit_is_read_by_an_xml_parser_whatever_stands_in_it(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES + FAILING)
    done = run_ebats("test", "shop.yaml", "--junit-xml", "out.xml", cwd=folder)
    assert done.returncode == 1
    root = ElementTree.parse(folder / "out.xml").getroot()
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (
        *("testsuites", "2", "1", "0"),
    )
    (suite,) = root
    assert (suite.tag, suite.attrib["name"], suite.attrib["tests"]) == ("testsuite", "shop.yaml", "2")
    good, bad = suite
    assert (good.attrib["name"], good.attrib["classname"]) == ("a paid order is shipped", "shop")
    assert float(good.attrib["time"]) >= 0
    assert bad.attrib["name"] == '玛丽 waits <until> "tomorrow" & longer'
    assert (bad.attrib["file"], bad.attrib["line"]) == ("shop_test.yaml", "7")
    failure, printed = bad
    assert failure.attrib["message"] == "shop_test.yaml:10:27: `ship`: `at` is 1s, not 2s"
    assert "time  task  attempt  outcome" in (failure.text or "")
    assert (printed.tag, printed.text) == ("system-out", "shipping 8\n")


def test_json_is_for_programs(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES + FAILING)
    done = run_ebats("test", "shop.yaml", "--format", "json", cwd=folder)
    found = json.loads(done.stdout)
    assert (done.returncode, found["passed"], found["failed"]) == (1, 1, 1)
    good, bad = found["cases"]
    assert (good["passed"], good["findings"], good["printed"]) == (True, [], "shipping 7\n")
    assert good["runs"][0] | {"traceback": ""} == {
        "id": "m1",
        "task": "ship",
        "event": "paid",
        "queue": "ship",
        "at_ms": 0,
        "attempt": 1,
        "outcome": "success",
        "payload": {"order_id": 7},
        "error": "",
        "reason": "",
        "traceback": "",
    }
    assert (bad["file"], bad["line"], bad["column"]) == ("shop_test.yaml", 7, 5)
    assert bad["findings"] == [
        {"kind": "runs", "file": "shop_test.yaml", "line": 10, "column": 27}
        | {"text": "`ship`: `at` is 1s, not 2s"}
    ]


def test_only_cases_of_a_name_are_tried(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES + FAILING)
    done = run_ebats("test", "shop.yaml", "-k", "PAID order", cwd=folder)
    assert (done.returncode, done.stdout.count("  ok ")) == (0, 1)
    done = run_ebats("test", "shop.yaml", "-k", "nothing", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ebats: none of 2 cases has 'nothing' in its name\n"


def test_no_case_at_all_is_no_success(folder: Path) -> None:
    (folder / "shop_test.yaml").unlink()
    done = run_ebats("test", "shop.yaml", "-e", "SHOP_DB=a", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    hint = "write some below `tests:`, or into NAME_test.yaml beside it"
    assert done.stderr == f"ebats: no case to try in shop.yaml: {hint}\n"


def test_a_bad_file_is_told_with_all_its_problems_and_nothing_is_tried(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES.replace("event: paid", "event: piad"))
    (folder / "other.yaml").write_text("version: 1\nname: other\ntasks: {ship: {pyhton: a}}\n")
    done = run_ebats("test", "shop.yaml", "other.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (78, "")
    assert "shop_test.yaml:4:22: error[EB201]: there is no event `piad`; did you mean `paid`?" in done.stderr
    assert "other.yaml:3:16: error[EB103]: there is no key `pyhton` here" in done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.yaml", "can't read none.yaml: No such file or directory"),
        (
            "lonely_test.yaml",
            "lonely_test.yaml has no pipeline file beside it: there is no lonely.yaml or lonely.yml",
        ),
    ],
)
def test_a_file_that_is_not_there_is_told(name: str, told: str, folder: Path) -> None:
    done = run_ebats("test", name, cwd=folder)
    assert (done.returncode, done.stderr) == (2, f"ebats: {told}\n")


def test_variables_of_the_test_file_beat_the_environment_and_those_given_beat_them(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES.replace("test}", "a/b}").replace("SHOP_DB", "DELAY"))
    (folder / "shop.yaml").write_text(PIPELINE.replace("1s", '"${DELAY}"').replace("${SHOP_DB}", "x"))
    assert run_ebats("test", "shop.yaml", cwd=folder, env={"DELAY": "1s"}).returncode == 78
    assert run_ebats("test", "shop.yaml", "-e", "DELAY=1s", cwd=folder).returncode == 0


def test_a_function_that_cannot_be_imported_is_told_at_its_case(folder: Path) -> None:
    (folder / "tasks.py").write_text("import nothing_of_the_kind\n")
    done = run_ebats("test", "shop.yaml", cwd=folder)
    assert done.returncode == 1
    assert "shop_test.yaml:3:5: a paid order is shipped\n" in done.stdout
    assert "nothing_of_the_kind" in done.stdout
    assert "Traceback" not in done.stderr


def test_results_that_cannot_be_written_fail_and_are_told_all_the_same(folder: Path) -> None:
    (folder / "shop_test.yaml").write_text(CASES + FAILING)
    done = run_ebats("test", "shop.yaml", "--junit-xml", "none/out.xml", cwd=folder)
    assert done.returncode == 1
    assert "`ship`: `at` is 1s, not 2s" in done.stdout
    assert done.stderr == "ebats: can't write none/out.xml: No such file or directory\n"


def test_a_function_that_never_returns_is_ended_by_ctrl_c_which_names_its_case(folder: Path) -> None:
    there = folder / "there"
    wait = f"open({str(there)!r}, 'w').close()\n    threading.Event().wait()"
    (folder / "tasks.py").write_text(f"import threading\ndef ship(order_id):\n    {wait}\n")
    running = RunningCommand(("test", "shop.yaml"), folder / "output", cwd=folder)
    try:
        wait_until(there.exists, 30)
        running.interrupt()
        assert running.wait() == 130
    finally:
        running.kill_all()
    assert running.output.endswith("ebats: interrupted in shop_test.yaml:3:5: a paid order is shipped\n")


def test_files_with_modules_of_one_name_each_get_their_own(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    shutil.copy(folder / "shop.yaml", other)
    shutil.copy(folder / "shop_test.yaml", other)
    (other / "tasks.py").write_text(TASKS.replace("on its way", "x").replace('"shipping"', '"the other"'))
    done = run_ebats("test", ".", "--format", "json", cwd=folder)
    assert [each["printed"] for each in json.loads(done.stdout)["cases"]] == ["the other 7\n", "shipping 7\n"]


def test_the_cases_of_all_examples_are_good(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    done = run_ebats("test", "examples", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    tried = {line.split("/")[1] for line in done.stdout.splitlines() if line.startswith("examples/")}
    assert tried == {path.parent.name for path in EXAMPLES.glob("*/pipeline.yaml")}
    assert "no cases" not in done.stdout


def test_validate_holds_a_file_of_cases_against_its_pipeline(folder: Path) -> None:
    done = run_ebats("validate", "shop_test.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "shop_test.yaml: ok (1 case)\n")
    (folder / "shop_test.yaml").write_text(CASES.replace("event: paid", "event: piad"))
    done = run_ebats("validate", "shop_test.yaml", cwd=folder)
    assert done.returncode == 1
    problem, *_, end = done.stdout.splitlines()
    assert problem == "shop_test.yaml:4:22: error[EB201]: there is no event `piad`; did you mean `paid`?"
    assert end == "shop_test.yaml: 1 error"
