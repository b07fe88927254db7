"""The schema in an editor: what the language server of VS Code and others makes of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebats.runner.commands import init
from ebats.runner.commands.table_init import TEMPLATES
from tests import language_server
from tests.language_server import LanguageServer
from tests.node_scripts import Node
from tests.unit.test_docs import blocks

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/pipeline.yaml"))
SAMPLES = [pytest.param(*block, id=block[0]) for block in blocks()]
HEAD = "version: 1\nname: shop\n"


@pytest.fixture(scope="module")
def server(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """One for all tests of this module: Node takes a second to start."""
    folder = tmp_path_factory.mktemp("editor")
    with language_server.started(node, folder, ROOT / "schemas" / "pipeline.v1.json") as started:
        yield started


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_it_has_nothing_to_say_about_an_example(server: LanguageServer, path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=../../schemas/pipeline.v1.json\n")
    assert server.diagnostics(text, path) == []


@pytest.mark.parametrize(("place", "text"), SAMPLES)
def test_it_has_nothing_to_say_about_a_sample_of_the_documentation(
    server: LanguageServer, place: str, text: str
) -> None:
    modeless = [line for line in text.splitlines() if "yaml-language-server" not in line]
    assert server.diagnostics("\n".join(modeless)) == [], place


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("queus: {}\n", (2, 0), "Property queus is not allowed."),
        ("tasks: {ship: {python: 'a:b', retrys: x}}\n", (2, 30), "Property retrys is not allowed."),
        ("grace: 30 seconds\n", (2, 7), "must be a duration; write a number with a unit, such as 500ms"),
        ("queues: {q: {type: quorom}}\n", (2, 19), 'Valid values: "quorum", "classic".'),
        ("consumers: {c: {processes: 0}}\n", (2, 27), "below the minimum of 1"),
        ("consumers: {c: {processes: many}}\n", (2, 27), 'Expected "integer"'),
        ("broker: {url: 'http://rabbit'}\n", (2, 14), "must be a URL of a broker"),
        ("logs: {screen: {std: {level: loud}}}\n", (2, 29), 'Valid values: "debug", "info"'),
    ],
)
def test_it_shows_what_is_wrong_at_its_place(
    server: LanguageServer, text: str, place: tuple[int, int], expected: str
) -> None:
    (found,) = server.diagnostics(HEAD + text)
    assert expected in found["message"]
    start = found["range"]["start"]
    assert (start["line"], start["character"]) == place


def test_it_takes_a_variable_for_a_value_of_any_kind(server: LanguageServer) -> None:
    text = """\
grace: ${GRACE:-30s}
broker: {host: "${HOST}", port: "${PORT:-5672}", keepalive: $KEEPALIVE}
queues: {demo: {type: "${TYPE:-quorum}"}}
tasks: {ship: {http: {url: "${URL}", final: ["${FINAL:-410}"]}, retry: ["${FIRST:-1s}", 5s]}}
"""
    assert server.diagnostics(HEAD + text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("|", {"version", "name", "broker", "tasks", "events", "logs", "alerts"}),
        (f"{HEAD}tasks:\n  |", {"Python task", "HTTP task"}),
        (f"{HEAD}tasks:\n  ship:\n    |", {"python", "http", "queue", "retry", "timeout", "on_dead"}),
        (f"{HEAD}tasks:\n  ship:\n    http:\n      |", {"url", "method", "json", "success", "allow_hosts"}),
        (f"{HEAD}events:\n  paid:\n    tasks:\n      - task: ship\n        |", {"delay", "queue"}),
        (f"{HEAD}queues:\n  demo:\n    type: |", {"quorum", "classic"}),
        (f"{HEAD}logs:\n  screen:\n    std:\n      |", {"level", "format", "payload", "mask"}),
        (f"{HEAD}logs:\n  screen:\n    std:\n      level: |", {"debug", "info", "warning", "error"}),
        (f"{HEAD}alerts:\n  channels:\n    ops:\n      |", {"wecom", "email", "webhook", "python"}),
        (f"{HEAD}alerts:\n  rules:\n    - |", {"dead_letters", "failure_rate", "queue_depth", "severity"}),
    ],
)
def test_it_completes_what_can_be_written(server: LanguageServer, text: str, expected: set[str]) -> None:
    offered = server.completions(text)
    assert expected <= offered.keys()
    assert all(offered[label]["documentation"] for label in expected)


def test_it_doesnt_offer_what_is_there_already(server: LanguageServer) -> None:
    offered = server.completions(f"{HEAD}tasks:\n  ship:\n    python: tasks:ship\n    |")
    assert "retry" in offered
    assert "python" not in offered


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("|", "broker", "broker:"),
        ("tasks:\n  ship:\n    http:\n      |", "success", "success:"),
        ("tests:\n  - name: it ships\n    |", "expect", "expect:"),
    ],
)
def test_a_key_it_completes_comes_without_the_defaults_of_those_below(
    server: LanguageServer, text: str, key: str, expected: str
) -> None:
    offered = server.completions(HEAD + text)
    assert offered[key]["textEdit"]["newText"].strip() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "gra|ce: 5s\n",
            "#### Grace time\n\nHow long a process may finish what runs, once it is told to stop.",
        ),
        ("tasks: {ship: {pyt|hon: 'a:b'}}\n", "#### Python function\n\nThe function to call, sync or async"),
        ("tasks: {ship: {python: 'a:b', ret|ry: [1s]}}\n", "#### Retry\n\nWhat follows a failed attempt"),
        ("broker: {ur|l: '${URL}'}\n", "#### URL\n\n"),
        ("queues: {demo: {ty|pe: classic}}\n", "`classic`: May lose retries"),
        ("logs: {screen: {std: {lev|el: info}}}\n", "`info`: Also successes."),
    ],
)
def test_it_shows_what_a_key_is_for(server: LanguageServer, text: str, expected: str) -> None:
    assert expected in server.hover(HEAD + text)


def test_a_file_of_cases_is_checked_by_its_own_schema(server: LanguageServer, tmp_path: Path) -> None:
    for name in ("tests.v1.json", "pipeline.v1.json"):
        shutil.copy(ROOT / "schemas" / name, tmp_path)
    modeline = "# yaml-language-server: $schema=tests.v1.json\n"
    case = "tests:\n  - name: it ships\n    publish: {event: paid}\n    expect: {runs: [ship]}\n"

    assert server.diagnostics(modeline + case, tmp_path / "good_test.yaml") == []
    (found,) = server.diagnostics(modeline + case.replace("runs", "run"), tmp_path / "bad_test.yaml")
    assert "must say something of `runs`" in found["message"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_has_nothing_to_say_about_what_init_makes(
    server: LanguageServer, tmp_path: Path, template: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "shop"
    assert init.main(str(folder), template) == 0
    file = folder / "pipeline.yaml"
    assert server.diagnostics(file.read_text(), file) == []
