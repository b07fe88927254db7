"""Python functions are tried by `ebats validate`, whatever their modules do when they are imported."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ebats.pipelines.load import examine
from ebats.pipelines.problems import Problem
from ebats.runner.commands import validate
from ebats.runner.surroundings import imports
from ebats.runner.surroundings.check import looks
from tests.waiting import wait_until

FILE = """\
version: 1
name: shop
tasks:
  ship: {python: "MODULE:ship"}
  bill: {python: "good:bill"}
"""
GOOD = "def bill(order_id, *, amount, note=None): pass\n"
SEGFAULT = "import faulthandler, os, signal; faulthandler.disable(); os.kill"

Try = Callable[..., imports.Imported]


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    """Try a module with this content, before one that is good."""

    def attempt(content: str, *, file: str = FILE, limit_s: float = 20.0) -> imports.Imported:
        (tmp_path / "tried.py").write_text(content)
        (tmp_path / "good.py").write_text(GOOD)
        (tmp_path / "shop.yaml").write_text(file.replace("MODULE", "tried"))
        loaded = examine(str(tmp_path / "shop.yaml"), {})
        return imports.try_all(loaded.pipeline, lambda *_: None, limit_s)

    return attempt


def only(found: imports.Imported) -> Problem:
    """Return the only problem, which is that of `ship`: the other module was tried all the same."""
    [problem] = found.problems
    assert (problem.place.line, problem.place.column) == (4, 18)
    assert found.required["bill"] == {"order_id", "amount"}
    return problem


def test_a_good_function_tells_what_it_needs(attempt: Try) -> None:
    found = attempt(
        "from ebats import Context, Payload\ndef ship(a, b: Context, c: Payload, d=1, **e): pass\n"
    )
    assert found == imports.Imported(
        required={"ship": frozenset("a"), "bill": frozenset({"order_id", "amount"})}
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("def shipp(): pass", "can't import tried:ship: AttributeError"),
        ("raise RuntimeError('no database')", "can't import tried:ship: RuntimeError: no database"),
        ("import sys; sys.exit('no licence')", "can't import tried:ship: SystemExit: no licence"),
        ("def ship(:", "can't import tried:ship: SyntaxError"),
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        ("ship = 1", "tried:ship is no function but int"),
        ("def ship(): yield", "a task can't be a generator"),
        ("import os; os._exit(3)", "importing tried:ship ended the process that tried: exit code 3"),
        (f"{SEGFAULT}(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("import os; os.closerange(0, 100); os._exit(0)", "ended the process that tried: exit code 0"),
    ],
)
def test_what_is_wrong_is_said_and_the_others_are_tried(content: str, why: str, attempt: Try) -> None:
    problem = only(attempt(content))
    assert problem.rule.id == "EB301"
    assert why in problem.text


def test_a_misspelt_function_gets_a_suggestion(attempt: Try) -> None:
    assert only(attempt("def shipp(): pass")).hint == "did you mean `shipp`?"
    # Not as long as the one before: else Python may take it for the module that it has compiled just now.
    assert only(attempt("def unlike_it(): pass")).hint.startswith("tried:ship is looked for from the folder")


def test_a_module_that_never_ends_is_ended_with_what_it_started(attempt: Try, tmp_path: Path) -> None:
    content = f"""\
import os, pathlib, signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(tmp_path)!r}, "pids").write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(600)
"""
    problem = only(attempt(content, limit_s=2.0))
    assert (problem.rule.id, problem.severity) == ("EB303", "warning")
    assert problem.text == "importing tried:ship takes longer than 2 s, and wasn't waited for"
    for pid in (tmp_path / "pids").read_text().split():
        wait_until(lambda pid=pid: not is_running(int(pid)), 5, f"{pid} lives")


def is_running(pid: int) -> bool:
    """Return whether a process is there, and no zombie."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    return bool(found.stdout.strip()) and not found.stdout.startswith("Z")


def test_functions_of_one_module_that_dies_are_all_named(attempt: Try) -> None:
    twice = FILE.replace("good:bill", "MODULE:bill")
    found = attempt("import faulthandler, os; faulthandler.disable(); os.abort()", file=twice)
    assert [(each.place.line, each.text) for each in found.problems] == [
        (line, f"importing tried:{name} ended the process that tried: killed by SIGABRT")
        for line, name in ((4, "ship"), (5, "bill"))
    ]


def test_what_a_module_prints_and_reads_goes_nowhere(attempt: Try, capfd: pytest.CaptureFixture[str]) -> None:
    noisy = "import sys\nprint('x' * 1000000)\nprint('y', file=sys.stderr)\nassert input == input\n"
    assert not attempt(noisy + "assert sys.stdin.read() == ''\ndef ship(): pass\n").problems
    assert capfd.readouterr() == ("", "")


def test_nothing_of_a_module_stays_in_this_process(attempt: Try) -> None:
    before = (sys.path.copy(), Path.cwd(), set(sys.modules))
    attempt("import os; os.chdir('/'); os.environ['EBATS_TRIED'] = '1'\ndef ship(): pass\n")
    assert (sys.path, Path.cwd()) == before[:2]
    assert "EBATS_TRIED" not in os.environ
    assert not {"tried", "good"} & set(sys.modules)


def test_each_kind_of_function_is_tried(attempt: Try) -> None:
    file = """\
version: 1
name: shop
tasks:
  ship: {python: "good:bill"}
  tell: {http: {url: "https://example.com", prepare: "good:one"}}
producers:
  feed: {python: "good:two"}
consumers:
  all: {on_start: "good:three", on_stop: "good:four", on_error: "good:five"}
logs:
  audit: {python: "good:six"}
alerts:
  channels: {pager: {python: "good:seven"}}
  rules: [{dead_letters: 1}]
"""
    found = attempt("", file=file)
    missing = {each.text.split("no attribute ")[1].strip("'") for each in found.problems}
    assert missing == {"one", "two", "three", "four", "five", "six", "seven"}


def test_validate_prints_them_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.py").write_text("print('hello')\n" + GOOD)
    file = tmp_path / "shop.yaml"
    file.write_text(FILE.replace("MODULE", "good"))
    asked = validate.Asked(layers=tuple(looks(lambda *_: None, imports=True)))
    assert validate.main([str(file)], {}, asked) == 1
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.startswith(f"{file}:4:18: error[EB301]: can't import good:ship: AttributeError")
    assert output.out.endswith("shop.yaml: 1 error\n")
    assert validate.main([str(file)], {}) == 0


def test_validate_holds_parameters_against_the_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = (
        "from ebats import Context, Payload\n"
        "async def one(order_id, city, context: Context, body: Payload, note=None): pass\n"
        "def two(order_id, **others): pass\n"
    )
    (tmp_path / "good.py").write_text(functions)
    file = tmp_path / "shop.yaml"
    schema = "{required: [order_id], properties: {order_id: {}, city: {}}}"
    file.write_text(
        'version: 1\nname: shop\ntasks: {one: {python: "good:one"}, two: {python: "good:two"}}\n'
        f"events:\n  paid: {{tasks: [one, two], schema: {schema}}}\n"
    )
    asked = validate.Asked(layers=tuple(looks(lambda *_: None, imports=True)))
    assert validate.main([str(file)], {}, asked) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "[EB" in line]
    assert line.startswith(f"{file}:5:18: warning[EB304]: `one` needs `city`, which the schema of `paid` ")
