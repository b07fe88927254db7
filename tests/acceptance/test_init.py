"""`ebats init`: an empty folder becomes a pipeline that works, and nothing is overwritten."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ebats.runner.commands.init import FIRST
from ebats.runner.commands.table_init import TEMPLATES
from tests.commands import run_ebats
from tests.conftest import Broker
from tests.gateway import free_port

ROOT = Path(__file__).parents[2]


def ebats(folder: Path, *args: str, broker: Broker | None = None) -> str:
    """Run a command that has to work in a folder, and return its output."""
    env = {"EBATS_STATE_DIR": str(folder / ".state")}
    done = run_ebats(*args, env=env | ({"EBATS_BROKER_URL": broker.url} if broker else {}), cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def made(tmp_path: Path, template: str, name: str) -> Path:
    ebats(tmp_path, "init", name, "--template", template)
    return tmp_path / name


def records(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "logs" / "history.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["kind"] == "execution"]


def test_each_template_has_its_place_in_the_help_and_a_first_message() -> None:
    folders = {path.name for path in (ROOT / "runner" / "templates").iterdir()}
    assert folders == TEMPLATES.keys() == FIRST.keys()


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_file_that_init_made_is_good_and_editors_find_its_schema(tmp_path: Path, template: str) -> None:
    folder = made(tmp_path, template, "shop")

    assert "pipeline.yaml: ok" in ebats(folder, "validate", "--deny-warnings", "pipeline.yaml")
    modeline, *lines = (folder / "pipeline.yaml").read_text().splitlines()
    assert modeline == "# yaml-language-server: $schema=pipeline.v1.json"
    assert "name: shop" in lines
    # What its README says to write anew after an update.
    assert (folder / "pipeline.v1.json").read_text() == ebats(folder, "schema")
    assert "# shop\n" in (folder / "README.md").read_text()
    assert "*.db" in (folder / ".gitignore").read_text()


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_cases_of_a_file_that_init_made_pass_and_fail_when_it_is_changed(
    tmp_path: Path, template: str
) -> None:
    folder = made(tmp_path, template, "shop")
    assert "cases: all passed" in ebats(folder, "test", "pipeline.yaml")

    file = folder / "pipeline.yaml"
    file.write_text(file.read_text().replace("[1s, ", "[2s, ", 1))
    done = run_ebats("test", "pipeline.yaml", cwd=folder)
    assert done.returncode == 1, done.stdout


@pytest.mark.parametrize("template", TEMPLATES)
def test_git_leaves_out_what_a_run_leaves_behind(tmp_path: Path, template: str) -> None:
    folder = made(tmp_path, template, "shop")
    there = {path.name for path in folder.iterdir()}
    ebats(folder, "publish", "pipeline.yaml", FIRST[template][0], "-d", FIRST[template][1])
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    listed = ("git", "ls-files", "--others", "--exclude-standard")
    found = subprocess.run(listed, cwd=folder, check=True, capture_output=True, text=True).stdout.split()
    assert set(found) == there


def test_the_commands_that_it_prints_work_and_run_the_task(main_broker: Broker, tmp_path: Path) -> None:
    output = ebats(tmp_path, "init", main_broker.prefix)
    folder = tmp_path / main_broker.prefix
    first, *commands = [line.strip() for line in output.splitlines() if line.startswith("  ")]
    assert first == f"cd {main_broker.prefix}"
    assert [command.split()[:2] for command in commands[1:]] == [["ebats", "publish"], ["ebats", "run"]]

    for command in commands:
        program, *args = subprocess.run(
            ["sh", "-c", f"printf '%s\\n' {command}"], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        assert program == "ebats"
        ebats(folder, *args, broker=main_broker)

    (record,) = records(folder)
    assert (record["task"], record["outcome"], record["attempt"]) == ("welcome", "success", 1)


@pytest.mark.slow
def test_payments_are_told_to_a_merchant_until_it_says_success(main_broker: Broker, tmp_path: Path) -> None:
    folder = made(tmp_path, "payments", main_broker.prefix)
    port = free_port()
    event, payload = FIRST["payments"]
    with subprocess.Popen(
        [sys.executable, "merchant.py", str(port)], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as merchant:
        try:
            assert merchant.stdout
            assert merchant.stdout.readline().startswith("a merchant on")
            data = payload.replace("9600", str(port))
            ebats(folder, "publish", "pipeline.yaml", event, "-d", data, broker=main_broker)
            ebats(folder, "run", "pipeline.yaml", "--until-idle", broker=main_broker)
        finally:
            merchant.kill()

    outcomes = [record["outcome"] for record in records(folder)]
    assert outcomes == ["retry", "retry", "success"]


def test_nothing_is_overwritten_and_it_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine too")

    done = run_ebats("init", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        "ebats: nothing is overwritten, and . has .gitignore, tasks.py; choose another folder\n"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"tasks.py", ".gitignore"}


def test_a_folder_that_cant_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file")

    done = run_ebats("init", "shop", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr == "ebats: shop is a file; choose another folder\n"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("my shop", "my-shop"), ("2nd.try", "nd-try"), ("商店", "my-shop"), ("amq", "my-shop"), ("A_b", "A_b")],
)
def test_the_pipeline_is_called_as_its_folder_is_where_that_can_be_a_name(
    tmp_path: Path, folder: str, name: str
) -> None:
    made(tmp_path, "minimal", folder)
    assert f"\nname: {name}\n" in (tmp_path / folder / "pipeline.yaml").read_text()
    ebats(tmp_path / folder, "validate", "pipeline.yaml")


def test_another_template_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    done = run_ebats("init", "--template", "paymnts", cwd=tmp_path)
    assert done.returncode == 2
    assert "choose from" in done.stderr
    assert not list(tmp_path.iterdir())
