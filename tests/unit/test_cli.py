"""The command line: what is refused, what help teaches, what it costs to ask for it."""

import subprocess
import sys
from typing import Any

import pytest

from ebats import __version__
from ebats.pipelines import rules
from ebats.pipelines.problems import BadFile, EbatsError, Place, Problem, UnreadableFile, UsageError
from ebats.runner import cli
from ebats.runner.commands import (
    alerts,
    channels,
    completion,
    config,
    dead,
    environ,
    explain,
    export,
    find_logs,
    graph,
    init,
    list_file,
    logs,
    plan,
    prune,
    publish,
    purge,
    revive,
    run,
    schema_file,
    status,
    table,
    tap,
    test,
    validate,
)
from ebats.runner.commands.validate import Asked

Calls = list[tuple[Any, ...]]
COMMANDS_OF_COMMANDS = (
    *(f"dead {name}" for name in ("list", "show", "retry", "drop", "export")),
    *(f"alerts {name}" for name in ("test", "list", "ack")),
)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the commands would have been called with."""
    found: Calls = []

    def record(*args: object, **options: object) -> int:
        found.append((*args, options) if options else args)
        return 0

    mains = (completion, run, init, graph, validate, publish, status, purge, tap, prune, test, list_file)
    for command in (*mains, config, schema_file):
        monkeypatch.setattr(command, "main", record)
    some = {
        explain: "list_ explain",
        dead: "list_ show export",
        config: "variables",
        revive: "retry drop",
        plan: "plan apply",
    }
    more = {alerts: "list_ ack", export: "kibana", channels: "try_out", logs: "set_up", find_logs: "find"}
    for command, names in (some | more).items():
        for name in names.split():
            monkeypatch.setattr(command, name, record)
    monkeypatch.setattr(environ, "merge", lambda _environ, file, given: (file, *given))
    return found


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what argparse says to arguments that don't go together."""
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(["--version"])
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"ebats {__version__}\n"


def test_without_a_command_it_helps_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "examples:" in capsys.readouterr().err


@pytest.mark.parametrize("command", table.COMMANDS)
def test_help_shows_examples_of_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main([command, "--help"])
    assert raised.value.code == 0
    assert f"examples:\n  ebats {command} " in capsys.readouterr().out


@pytest.mark.parametrize("command", table.COMMANDS)
def test_examples_of_the_help_are_accepted(command: str, calls: Calls) -> None:
    lines = [line.strip() for line in table.COMMANDS[command].epilog.splitlines()]
    examples = [line.partition("ebats ")[2] for line in lines if line.startswith(("ebats ", "zcat "))]
    assert examples
    for example in examples:
        words = example.partition("     ")[0].partition("   ")[0].partition(" |")[0].replace("'", "").split()
        joined = " ".join(words).replace('{"order_id": 1}', "{}").split()
        assert cli.main(joined) == 0, example
    assert len(calls) == len(examples)


@pytest.mark.parametrize("command", [*COMMANDS_OF_COMMANDS])
def test_commands_of_commands_show_examples_that_are_accepted(
    command: str, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main([*command.split(), "--help"])
    assert raised.value.code == 0
    lines = capsys.readouterr().out.partition("examples:\n")[2].splitlines()
    examples = [
        line.strip().removeprefix("ebats ") for line in lines if line.startswith(f"  ebats {command} ")
    ]
    assert examples
    for example in examples:
        assert cli.main(example.partition("   ")[0].partition(" |")[0].split()) == 0, example
    assert len(calls) == len(examples)


def test_run_takes_its_flags(calls: Calls) -> None:
    cli.main(
        ["run", "a.yaml", "--only", "x", "--only", "y", "--until-idle", "-e", "A=1=2", "--env-file", "vars"]
    )
    assert calls == [("a.yaml", ("vars", "A=1=2"), ["x", "y"], {"until_idle": True, "fail_on_dead": False})]


def test_ebats_run_is_ebats_run(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["a.yaml", "--fail-on-dead"]) == 0
    assert calls == [("a.yaml", (None,), [], {"until_idle": False, "fail_on_dead": True})]
    with pytest.raises(SystemExit):
        cli.run(["--help"])
    assert capsys.readouterr().out.startswith("usage: ebats-run [-h]")


def test_validate_takes_several_files(calls: Calls) -> None:
    cli.main(["validate", "a.yaml", "b.yaml", "--no-import"])
    assert calls == [(["a.yaml", "b.yaml"], (None,), Asked())]


def test_layers_of_validate_can_be_left_out_or_added(calls: Calls) -> None:
    expected = {"": (True, 1), "--no-import": (True, 0), "--no-links": (False, 0), "--connect": (True, 3)}
    for flag in expected:
        cli.main(["validate", "a.yaml", *flag.split()])
    assert [(asked.with_links, len(asked.layers)) for *_, asked in calls] == [*expected.values()]


def test_publish_takes_an_event_a_task_or_an_exchange(calls: Calls) -> None:
    cli.main(["publish", "a.yaml", "paid", "-d", "{}", "--id", "7", "--wait", "1m30s"])
    cli.main(["publish", "a.yaml", "--task", "ship", "--file", "-"])
    cli.main(["publish", "a.yaml", "--exchange", "orders", "--key", "a.b", "-d", "1"])
    assert [request for _, _, request in calls] == [
        publish.Request(event="paid", data="{}", message_id="7", wait_s=90),
        publish.Request(task="ship", lines="-"),
        publish.Request(exchange="orders", key="a.b", data="1"),
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("publish a.yaml -d 1", "name one of EVENT, --task and --exchange"),
        ("publish a.yaml paid --task ship -d 1", "name one of EVENT, --task and --exchange"),
        ("publish a.yaml paid", "one of the arguments -d/--data --file is required"),
        ("publish a.yaml paid -d 1 --file x", "argument --file: not allowed with argument -d/--data"),
        ("publish a.yaml --task ship -d 1 --key x", "--key goes with an event or --exchange"),
        ("publish a.yaml paid --file x --id 7", "--id is for the one message of -d"),
        (f"publish a.yaml paid -d 1 --id {'x' * 256}", "an --id has 1 to 255 bytes"),
        (
            "publish a.yaml paid -d 1 --wait 10",
            "argument --wait: '10' is no duration: write a number with a unit, such as 500ms, 10s, 1m30s, 2h",
        ),
        (
            "export kibana a.yaml --space ops",
            "what says where Kibana is, and who asks it, goes with --import",
        ),
        (
            "export kibana a.yaml --import http://k --api-key-file x --user y",
            "argument --user: not allowed with argument --api-key-file",
        ),
        (
            "export kibana a.yaml --import http://k --api-key-file x --password-file y",
            "--password-file goes with a user, not with an API key",
        ),
        ("export grafana a.yaml", "argument PROGRAM: invalid choice: 'grafana' (choose from 'kibana')"),
        ("run", "the following arguments are required: FILE"),
        ("run a.yaml b.yaml", "unrecognized arguments: b.yaml"),
        ("run a.yaml --until", "unrecognized arguments: --until"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: str, text: str, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(words.split(), capsys).endswith(f"error: {text}")
    assert calls == []


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (EbatsError("it failed"), 1, "ebats: it failed\n"),
        (UsageError("no such thing"), 2, "ebats: no such thing\n"),
        (UnreadableFile("can't read x"), 2, "ebats: can't read x\n"),
        (
            BadFile(
                (
                    Problem(
                        place=Place(file="x", line=1, column=2),
                        rule=rules.WRONG_VALUE,
                        text="is bad",
                        hint="mend it",
                    ),
                )
            ),
            78,
            "x:1:2: error[EB108]: is bad; mend it\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_a_text_and_an_exit_code(
    error: BaseException,
    code: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(run, "main", fail)
    assert cli.main(["run", "a.yaml"]) == code
    assert capsys.readouterr().err == text


def test_windows_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("ebats.runner.cli.WINDOWS", True)
    assert cli.main(["run", "a.yaml"]) == 1
    assert "Windows isn't supported" in capsys.readouterr().err


def test_who_reads_our_output_may_stop() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ebats", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.close()
    _, errors = process.communicate(timeout=20)
    assert errors == ""


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["publish", "--help"]])
def test_asking_for_help_imports_little(arguments: list[str]) -> None:
    code = f"""
import sys
from ebats.runner import cli
try:
    cli.main({arguments})
except SystemExit:
    heavy = ("kombu.connection", "yaml", "jsonschema", "elasticsearch", "loguru")
    sys.exit(",".join(name for name in heavy if name in sys.modules) or None)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_python_m_ebats_is_ebats() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ebats", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"ebats {__version__}\n"
