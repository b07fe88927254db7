"""Files that belong to one pipeline: names that aren't known, links, and secrets."""

from pathlib import Path

import pytest

from ebats.pipelines import rules
from ebats.pipelines.dotenv import Complete
from ebats.pipelines.load import examine
from ebats.pipelines.problems import BadFile
from tests.unit.pipelines.test_include import TASKS, load, problems, write


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the first file, in the folder where the tests run; nothing is there yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "main.yaml"


def test_a_file_whose_name_is_not_known_is_one_that_is_missing(main: Path) -> None:
    events = "events: {paid: {tasks: [in_that_file]}}\n"
    for written in ("$UNSET", "[a.yaml, '${file:none}/b.yaml']", "${file:secret}"):
        files = {"main.yaml": f"include: {written}\n{events}", "a.yaml": "grace: 1s\n", "secret": "hunter2"}
        (problem,) = problems(main, files)
        assert str(problem.place).startswith("main.yaml:3:")
        assert "hunter2" not in str(problem)


def test_of_a_link_the_folder_is_that_of_the_link(main: Path) -> None:
    files = {
        "main.yaml": "include: [here.yaml, a/there.yaml]\ntimezone: ${ZONE:-UTC}\n",
        "inner.yaml": "tasks: {ship: {python: '${MODULE}:ship'}}\n",
        "b/real.yaml": "environment: ${ZONE:-none}\n",
        ".env": "ZONE=Europe/Berlin\n",
        "a/.env": "MODULE=a\n",
        "b/.env": "ZONE=b\n",
    }
    write(main.parent, files)
    (main.parent / "a/there.yaml").symlink_to("../inner.yaml")
    (main.parent / "here.yaml").symlink_to("b/real.yaml")
    pipeline = load(main, {}).pipeline
    assert (pipeline.environment, str(pipeline.tasks["ship"].python)) == ("Europe/Berlin", "a:ship")
    # What stands for the `.env` stands for it there, too.
    pipeline = load(main, {}, Complete()).pipeline
    assert (pipeline.environment, pipeline.timezone) == ("none", "UTC")


def test_a_secret_that_a_variable_brings_into_an_included_file_is_none_in_plain(main: Path) -> None:
    broker = "broker: {host: rabbit.example.com, password: '%s'}\n"
    assert not load(main, {"main.yaml": "include: a.yaml\n" + TASKS, "a.yaml": broker % "${KEY:-k}"}).warnings
    (warning,) = load(main, {"a.yaml": broker % "k"}).warnings
    assert (warning.rule, str(warning.place)) == (rules.PLAIN_SECRET, "a.yaml:1:46")


def test_a_file_of_one_mebibyte_is_read_and_no_byte_behind_it(tmp_path: Path) -> None:
    file = tmp_path / "main.yaml"
    file.write_bytes(b"version: 1\nname: shop\n".ljust(1_048_576, b"#"))
    examine(str(file), {})
    for endless in (str(file), "/dev/zero"):
        with file.open("ab") as opened:
            opened.write(b"#")
        with pytest.raises(BadFile) as caught:
            examine(endless, {})
        assert [each.rule for each in caught.value.problems] == [rules.TOO_LARGE]
