"""Files that belong to one pipeline."""

import json
import re
from pathlib import Path

import pytest

from ebats.pipelines import rules
from ebats.pipelines.dotenv import Complete
from ebats.pipelines.load import Loaded, examine
from ebats.pipelines.problems import BadFile, Problem
from ebats.pipelines.sink import FileSink

HEAD = "version: 1\nname: shop\n"


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the first file, in the folder where the tests run; nothing is there yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "main.yaml"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text if name == "main.yaml" else text)


def load(main: Path, files: dict[str, str], environ: dict[str, str] | None = None) -> Loaded:
    write(main.parent, files)
    return examine("main.yaml", {} if environ is None else environ)


def problems(main: Path, files: dict[str, str]) -> list[Problem]:
    with pytest.raises(BadFile) as caught:
        load(main, files)
    return list(caught.value.problems)


TASKS = 'tasks: {ship: {python: "tasks:ship"}}\n'


def test_sections_are_put_together_in_the_order_of_the_files(main: Path) -> None:
    pipeline = load(
        main,
        {
            "main.yaml": "include: [a.yaml, b.yaml]\n" + TASKS,
            "a.yaml": "include: c.yaml\ntasks: {bill: {python: 'a:b', retry: slow}}\n",
            "b.yaml": "events: {paid: {tasks: [ship, bill]}}\nconsumers:\n",
            "c.yaml": "ladders: {slow: [1m]}\ntasks: {tell: {python: 'a:c'}}\ngrace: 1m\n",
        },
    ).pipeline
    assert list(pipeline.tasks) == ["ship", "bill", "tell"]
    assert [each.task.name for each in pipeline.events["paid"].tasks] == ["ship", "bill"]
    assert pipeline.tasks["bill"].ladder is not None
    assert pipeline.grace_s == 60
    assert pipeline.file == "main.yaml"


def test_relative_paths_start_where_each_file_is(main: Path) -> None:
    pipeline = load(
        main,
        {
            "main.yaml": "include: parts/a.yaml\n" + TASKS,
            "parts/a.yaml": "include: deep/b.yaml\n"
            "events: {paid: {schema: paid.json, tasks: [ship]}}\n"
            "logs: {file: {file: {path: logs/a.jsonl}}}\n",
            "parts/paid.json": json.dumps({"required": ["a"]}),
            "parts/deep/b.yaml": "broker: {url: 'sqlite:///b.db'}\nenvironment: ${file:secret}\n",
            "parts/deep/secret": "hidden\n",
        },
    ).pipeline
    parts = main.parent / "parts"
    assert pipeline.events["paid"].schema is not None
    assert pipeline.sinks == (FileSink(name="file", path=f"{parts}/logs/a.jsonl"),)
    assert pipeline.broker.urls == (f"sqlite:///{parts}/deep/b.db",)
    assert pipeline.environment == "hidden"
    assert pipeline.folders == (str(main.parent), str(parts), str(parts / "deep"))


def test_without_a_url_the_broker_is_beside_the_first_file(main: Path) -> None:
    pipeline = load(
        main, {"main.yaml": "include: a/a.yaml\n", "a/a.yaml": "broker: {heartbeat: 10s}\n"}
    ).pipeline
    assert pipeline.broker.urls == (f"sqlite:///{main.parent}/shop.db",)
    assert pipeline.broker.heartbeat_s == 10


def test_a_file_that_includes_none_has_one_folder(main: Path) -> None:
    assert load(main, {"main.yaml": TASKS}).pipeline.folders == (str(main.parent),)


def test_the_name_of_an_included_file_may_be_a_variable(main: Path) -> None:
    files = {"main.yaml": "include: ${WHICH:-a}.yaml\n", "a.yaml": "grace: 1s\n", "b.yaml": "grace: 2s\n"}
    assert load(main, files).pipeline.grace_s == 1
    assert load(main, files, {"WHICH": "b"}).pipeline.grace_s == 2


def test_an_env_in_the_folder_of_an_included_file_adds_what_the_first_one_lacks(main: Path) -> None:
    files = {
        "main.yaml": "include: [a/a.yaml, b.yaml]\nenvironment: ${ONE}\n",
        "a/a.yaml": "tasks: {ship: {python: '${ONE}:${TWO}'}}\ninclude: ../c/c.yaml\n",
        "b.yaml": "timezone: ${TWO_OF_A:-UTC}\n",
        "c/c.yaml": "tasks: {tell: {python: '${TWO}:${THREE}'}}\n",
        ".env": "ONE=main\n",
        "a/.env": "ONE=a\nTWO=a_$ONE\nTWO_OF_A=1\n",
        "c/.env": "TWO=c\nTHREE=c\n",
    }
    pipeline = load(main, files).pipeline
    assert pipeline.environment == "main"
    assert str(pipeline.tasks["ship"].python) == "main:a_main"
    assert str(pipeline.tasks["tell"].python) == "a_main:c"
    assert pipeline.timezone == "UTC"
    given = load(main, files, Complete(ONE="given", TWO="two")).pipeline
    assert (given.environment, str(given.tasks["tell"].python)) == ("given", "two:c")


def test_lists_of_cases_and_rules_follow_each_other_with_their_places(main: Path) -> None:
    channel = "{python: 'shop:page'}"
    found = problems(
        main,
        {
            "main.yaml": "include: a.yaml\n"
            f"alerts: {{channels: {{ops: {channel}}}, rules: [{{dead_letters: 1}}]}}\n",
            "a.yaml": f"alerts:\n  channels: {{li: {channel}, ops: {channel}}}\n  owners: {{li: }}\n"
            "  rules:\n    - {dead_letters: 5, owner: li}\n    - {dead_letters: none}\n",
        },
    )
    assert [(each.rule, str(each.place)) for each in found] == [
        (rules.DEFINED_TWICE, "a.yaml:2:41"),
        (rules.WRONG_TYPE, "a.yaml:6:22"),
    ]


def test_a_name_that_stands_twice_names_both_places(main: Path) -> None:
    (one, two) = problems(
        main,
        {
            "main.yaml": "include: parts/a.yaml\ngrace: 1s\n" + TASKS,
            "parts/a.yaml": "grace: 1s\ntasks:\n  ship: {python: 'tasks:ship'}\n",
        },
    )
    assert str(one) == (
        "parts/a.yaml:1:1: error[EB018]: `grace` stands in two files; keep one; the first is at main.yaml:4:1"
    )
    assert str(two) == (
        "parts/a.yaml:3:3: error[EB018]: `ship` stands in two files; keep one; the first is at main.yaml:5:9"
    )


def test_problems_are_where_they_were_written(main: Path) -> None:
    found = problems(
        main,
        {
            "main.yaml": "include: parts/a.yaml\n" + TASKS,
            "parts/a.yaml": "tasks:\n  tell: {python: 5}\nevents:\n  paid: {tasks: [ship, nobody]}\n",
        },
    )
    assert [str(each.place) for each in found] == ["parts/a.yaml:2:18", "parts/a.yaml:4:24"]


@pytest.mark.parametrize(
    ("files", "rule", "place"),
    [
        ({"main.yaml": "include: none.yaml\n"}, rules.UNREADABLE_INCLUDE, "main.yaml:3:10"),
        ({"main.yaml": "include: [parts]\n", "parts/a": ""}, rules.UNREADABLE_INCLUDE, "main.yaml:3:11"),
        ({"main.yaml": "include: 'https://a/b.yaml'\n"}, rules.UNREADABLE_INCLUDE, "main.yaml:3:10"),
        ({"main.yaml": "include: main.yaml\n"}, rules.INCLUDE_CIRCLE, "main.yaml:3:10"),
        (
            {"main.yaml": "include: a/a.yaml\n", "a/a.yaml": "include: ../main.yaml\n"},
            rules.INCLUDE_CIRCLE,
            "a/a.yaml:1:10",
        ),
        (
            {"main.yaml": "include: [a.yaml, './a.yaml']\n", "a.yaml": "grace: 1s\n"},
            rules.INCLUDED_TWICE,
            "main.yaml:3:19",
        ),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "name: other\n"}, rules.OTHER_PIPELINE, "a.yaml:1:7"),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "version: 2\n"}, rules.OTHER_VERSION, "a.yaml:1:10"),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "# nothing\n"}, rules.EMPTY_FILE, "a.yaml:1:1"),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "[a]\n"}, rules.WRONG_TYPE, "main.yaml:3:10"),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "{\n"}, rules.NOT_YAML, "a.yaml:1:2"),
        ({"main.yaml": "include: {a: b}\n"}, rules.WRONG_TYPE, "main.yaml:3:10"),
        ({"main.yaml": "include: [5]\n"}, rules.WRONG_TYPE, "main.yaml:3:11"),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "include: [5]\n"}, rules.WRONG_TYPE, "a.yaml:1:11"),
        ({"main.yaml": "include: a.yaml\n", "a.yaml": "include: 5\n"}, rules.WRONG_TYPE, "a.yaml:1:10"),
        (
            {"main.yaml": "include: a.yaml\ntasks: {}\n", "a.yaml": "tasks: [a]\n"},
            rules.WRONG_TYPE,
            "a.yaml:1:8",
        ),
    ],
)
def test_what_cannot_be_included_is_one_problem(
    main: Path, files: dict[str, str], rule: rules.Rule, place: str
) -> None:
    (problem,) = problems(main, files)
    assert (problem.rule, str(problem.place)) == (rule, place)


def test_a_missing_file_leads_to_no_problem_of_what_it_may_define(main: Path) -> None:
    events = "events: {paid: {tasks: [in_that_file]}}\n"
    (problem,) = problems(main, {"main.yaml": f"include: none.yaml\n{events}"})
    assert problem.rule is rules.UNREADABLE_INCLUDE


def test_the_bounds_hold_over_all_files(main: Path) -> None:
    names = [f"{number}.yaml" for number in range(101)]
    each = {name: f"queues: {{q{number}: }}\n" for number, name in enumerate(names)}
    found = problems(main, {"main.yaml": f"include: [{', '.join(names[:100])}]\ngrace: x\n", **each})
    assert rules.TOO_MANY_FILES not in {problem.rule for problem in found}
    found = problems(
        main, {"main.yaml": f"include: [a.yaml, {', '.join(names[:100])}]\n", "a.yaml": "grace: x\n"}
    )
    assert [problem.place.column for problem in found if problem.rule is rules.TOO_MANY_FILES] == [900]
    (problem,) = problems(
        main,
        {
            "main.yaml": "include: [a.yaml, b.yaml]\n",
            "a.yaml": f"x-a: {'a' * 600_000}\n",
            "b.yaml": f"x-a: {'a' * 600_000}\n",
        },
    )
    assert str(problem).startswith("b.yaml:1:1: error[EB003]: the files are together larger than 1 MiB")


def test_files_include_each_other_ten_deep(main: Path) -> None:
    chain = {f"{number}.yaml": f"include: {number + 1}.yaml\n" for number in range(1, 10)}
    load(main, {"main.yaml": "include: 1.yaml\n", **chain, "10.yaml": "grace: 1s\n"})
    (problem,) = problems(main, {"10.yaml": "include: 11.yaml\n", "11.yaml": "grace: 1s\n"})
    assert (problem.rule, str(problem.place)) == (rules.TOO_MANY_FILES, "10.yaml:1:10")


def test_a_module_that_two_folders_have_is_refused_before_one_hides_the_other(main: Path) -> None:
    files = {
        "main.yaml": "include: a/a.yaml\n" + TASKS,
        "a/a.yaml": "tasks: {bill: {python: 'billing:bill'}, tell: {python: 'pack.mod:tell'}}\n",
        "a/tasks/__init__.py": "",
        "a/billing.py": "",
        "a/pack/mod.py": "",
        "pack/other.py": "",
    }
    load(main, files)
    (main.parent / "tasks.py").touch()
    (problem,) = problems(main, {})
    assert (problem.rule, str(problem.place)) == (rules.AMBIGUOUS_MODULE, "main.yaml:4:24")
    assert "tasks.py and a/tasks/__init__.py" in problem.text


def test_secrets_of_an_included_file_are_known(main: Path) -> None:
    loaded = load(
        main,
        {
            "main.yaml": "include: a/a.yaml\n",
            "a/a.yaml": "broker: {host: h, password: '${file:secret}'}\n",
            "a/secret": "hunter2\n",
        },
    )
    assert loaded.source.secrets == {("broker", "password")}
    assert loaded.pipeline.broker.urls == ("amqp://guest:hunter2@h/%2F",)


def test_the_example_of_the_documentation_is_good(main: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "file.md").read_text()
    found = re.search(r"^## `include`\n.*?^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found
    write(main.parent, {"orders/tasks.yaml": TASKS, "billing/tasks.yaml": "ladders: {a: [1s]}\n"})
    main.write_text(found[1])
    assert list(examine("main.yaml", {}).pipeline.tasks) == ["ship"]
