"""`ebats config`: what it prints means the same, and says no secrets."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ebats.pipelines import load
from ebats.pipelines.problems import BadFile, Place, UnreadableFile, UsageError
from ebats.pipelines.yaml_text import dump
from ebats.runner.commands import config
from ebats.runner.commands.config import Asked

ROOT = Path(__file__).parents[3]
FILES = sorted(
    [
        *(ROOT / "tests/specs/valid").glob("*.yaml"),
        *(ROOT / "tests/specs/valid").glob("*/main.yaml"),
        *(ROOT / "examples").glob("*/pipeline.yaml"),
    ],
    key=str,
)


def environ_of(file: Path) -> dict[str, str]:
    """Return variables with which a file is good: one for each that it needs."""
    used = [each for each in config._used(str(file), {}) if each["kind"] == "variable"]
    needed = [each["name"] for each in used if each["required"] and not each["set"]]
    return dict.fromkeys(needed, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def same(value: Any) -> Any:
    """Return a value without places: they are those of another text."""
    if isinstance(value, Place):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # `where` is how the file names a schema: from its own folder.
        names = [each.name for each in dataclasses.fields(value) if each.name not in ("place", "where")]
        return {name: same(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: same(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [same(inner) for inner in value]
    return value


def printed(capsys: pytest.CaptureFixture[str], file: Path, environ: dict[str, str], **asked: Any) -> str:
    capsys.readouterr()
    assert config.main(str(file), environ, Asked(**asked)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("format_", ["yaml", "json"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_it_prints_is_a_file_that_means_the_same(
    file: Path, format_: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    environ = environ_of(file)
    before = load.examine(file.name, environ)
    text = printed(capsys, Path(file.name), environ, format=format_, show_secrets=True)
    # Not one variable: all is filled in.
    after = load.from_bytes(file.name, text.encode(), {})
    # A resolved file can't say where included ones look for modules; that is told.
    assert same(after.pipeline) == same(replace(before.pipeline, included=()))
    assert same(after.cases) == same(before.cases)
    if not before.source.included:
        assert after.source.data == before.source.data
    assert list(after.source.data) == [key for key in before.source.data if key != "include"]


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "no", "on", "off", "true", "null", "~", "", " ", "0755", "0o17", "0x1f", "1e3", "1.", ".5"),
        *(
            "12:30",
            "12:30:45",
            "2026-01-02",
            "1_000",
            ".inf",
            "-.INF",
            ".nan",
            "<<",
            "=",
            "- a",
            "a: b",
            "#a",
        ),
        *(
            "'",
            '"',
            "a'b\"c",
            "a\nb",
            "a\n",
            "\n a\n",
            "tab\t",
            "订单",
            "\x85",
            "\u2028",
            "{{ a }}",
            "*a",
            "&a",
        ),
        *(
            "a\\nb",
            "%a",
            "@a",
            "`a",
            "!a",
            "? a",
            "|",
            ">",
            "😀",
            "x" * 300,
            "a " * 200,
            "[a]",
            "{a}",
            "---",
            "...",
        ),
    ],
)
def test_texts_that_look_like_something_else_are_read_back_as_texts(text: str) -> None:
    content = dump({"x": {"a": text, "b": [text, {text: text}]}})
    found = load.parse("f.yaml", content.encode(), {})[0].data if "$" not in text else None
    assert found == {"x": {"a": text, "b": [text, {text: text}]}}
    # Other programs read YAML 1.1.
    assert yaml.safe_load(content) == {"x": {"a": text, "b": [text, {text: text}]}}


def test_a_dollar_sign_stays_one_and_schemas_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(
        "version: 1\nname: shop\nenvironment: $$a${X}b\ntasks: {ship: {python: 'a:b'}}\n"
        "events: {paid: {tasks: [ship], schema: {type: object, properties: {a: {$ref: '#/$defs/a'}},"
        " $defs: {a: {pattern: '^a$'}}}}}\n"
    )
    text = printed(capsys, file, {"X": "$y"}, show_secrets=True)
    assert "environment: $$a$$yb\n" in text
    assert "$ref: '#/$defs/a'" in text
    assert load.from_bytes(str(file), text.encode(), {}).pipeline.environment == "$a$yb"


#: A distinctive one for each place that may hold a secret.
SECRETS = """\
version: 1
name: shop
broker: {url: "amqp://shop:Hidden01@rabbit/shop"}
tasks:
  tell:
    http:
      url: "https://me:Hidden02@merchant.example.com/?token=Hidden03"
      headers: {Authorization: "Bearer Hidden04", X-Anything: Hidden05}
      query: {api_key: Hidden06}
      json: {a: [{client_secret: Hidden07}]}
      sign: {secret: [whsec_SGlkZGVuMDhIaWRkZW4wOEhpZGRlbjA4SGlkZGVuMDg=]}
  form: {http: {url: "https://merchant.example.com", form: {password: Hidden09}}}
events:
  paid: {tasks: [tell, form]}
producers:
  one: {http: {listen: "127.0.0.1:9501", auth: {bearer: Hidden10}}}
  two:
    http:
      listen: 127.0.0.1:9502
      auth:
        bearer: [Hidden11, {name: shop, token: Hidden12}]
  three:
    http: {listen: "127.0.0.1:9503", auth: {secret: whsec_SGlkZGVuMTNIaWRkZW4xM0hpZGRlbjEzSGlkZGVuMTM=}}
  clock: {every: 1m, event: paid, payload: {token: Hidden14, passwords: {a: 1}}}
logs:
  one: {elasticsearch: {hosts: ["http://es:9200"], api_key: Hidden15, headers: {X-A: Hidden16}}}
  two: {elasticsearch: {hosts: ["http://es:9200"], basic_auth: {user: me, password: Hidden17}}}
  three: {elasticsearch: {hosts: ["http://es:9200"], bearer_auth: Hidden18}}
alerts:
  channels:
    ops: {wecom: {url: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=Hidden19"}}
    hook:
      webhook:
        url: "https://chat.example.com/Hidden20"
        secret: whsec_SGlkZGVuMjFIaWRkZW4yMUhpZGRlbjIxSGlkZGVuMjE=
        headers: {X-B: Hidden22}
    slack: {webhook: {url: "https://hooks.slack.com/services/T/B/Hidden23"}}
    mail:
      email: {host: smtp, user: me, password: Hidden24, from: a@example.com, to: [b@example.com]}
environment: "${file:secret.txt}"
timezone: UTC
"""
HIDDEN = ["Hidden", "SGlkZGVu"]


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("Hidden25\n")
    file = tmp_path / "f.yaml"
    file.write_text(SECRETS)
    return file


def outputs(file: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    """Yield what the commands that only read a file print about it."""
    from ebats.runner import cli

    sections = ("exchanges", "queues", "ladders", "tasks", "events", "producers", "consumers", "sinks")
    commands = [
        *(["config"], ["config", "--format", "json"], ["config", "--variables"]),
        *(["config", "--variables", "--format", "json"], ["validate"], ["validate", "--format", "json"]),
        *(["validate", "--format", form] for form in ("github", "sarif")),
        *(["graph", "--format", form] for form in ("mermaid", "dot", "svg", "json")),
        *(["list", section] for section in (*sections, "rules", "channels")),
        *(["list", section, "--format", "json"] for section in (*sections, "rules", "channels")),
    ]
    for command in commands:
        capsys.readouterr()
        assert cli.main([*command, str(file)]) == 0, capsys.readouterr()
        output = capsys.readouterr()
        yield " ".join(command), output.out + output.err


def test_no_output_says_a_secret(secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, output in outputs(secret_file, capsys):
        found = [line for line in output.splitlines() if any(text in line for text in HIDDEN)]
        assert not found, (command, found)


def test_all_that_is_no_secret_is_told_and_with_secrets_all(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masked = yaml.safe_load(printed(capsys, secret_file, {}))
    assert masked["broker"] == {"url": "amqp://shop:********@rabbit/shop"}
    assert masked["tasks"]["tell"]["http"]["headers"] == {"Authorization": "***", "X-Anything": "***"}
    assert masked["producers"]["two"]["http"]["auth"]["bearer"] == ["***", {"name": "shop", "token": "***"}]
    assert masked["alerts"]["channels"]["ops"]["wecom"]["url"] == "https://qyapi.weixin.qq.com/***"
    assert masked["environment"] == "***"
    assert masked["logs"]["two"]["elasticsearch"]["basic_auth"] == {"user": "me", "password": "***"}
    shown = printed(capsys, secret_file, {}, show_secrets=True)
    assert {f"Hidden{number:02}" for number in range(1, 26)} - {"Hidden08", "Hidden13", "Hidden21"} <= {
        shown[at : at + 8] for at in range(len(shown)) if shown.startswith("Hidden", at)
    }


def test_a_default_in_a_secret_place_is_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(
        "version: 1\nname: ${NAME?say it}\n"
        'broker: {url: "amqp://${USER-me}:${PASSWORD:-Hidden}@rabbit/${VHOST:+$VHOST}"}\n'
        "environment: ${A:-${B:-c}}$$X\nx-unused: ${NEVER}\n"
    )
    # NAME isn't set, so the file isn't good: what is missing can be seen all the same.
    assert config.variables(str(file), {"B": ""}, Asked()) == 0
    lines = capsys.readouterr().out.replace(str(file), "f").splitlines()
    assert [line.split() for line in lines] == [
        ["NAME", "REQUIRED", "DEFAULT", "ALTERNATE", "SET", "AT"],
        ["NAME", "yes", "no", "f:2:7"],
        ["USER", "no", "***", "no", "f:3:15"],
        ["PASSWORD", "no", "***", "no", "f:3:15"],
        ["VHOST", "no", "***", "no", "f:3:15"],
        ["VHOST", "yes", "no", "f:3:15"],
        ["A", "no", "${B:-c}", "no", "f:4:14"],
        ["B", "no", "c", "yes", "f:4:14"],
    ]


def test_variables_of_the_file_beside_are_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / "f.yaml").write_text("version: 1\nname: shop\nenvironment: $A${file:none}\n")
    assert config.variables(str(tmp_path / "f.yaml"), {}, Asked(format="json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["kind"], each["set"]) for each in found] == [
        ("A", "variable", True),
        ("none", "file", False),
    ]


def test_quietly_it_only_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.yaml").write_text("version: 1\nname: shop\n")
    assert printed(capsys, tmp_path / "f.yaml", {}, quiet=True) == ""
    (tmp_path / "f.yaml").write_text("version: 1\nname: my shop\n")
    with pytest.raises(BadFile):
        config.main(str(tmp_path / "f.yaml"), {}, Asked(quiet=True))


def test_it_writes_to_a_file_that_others_cannot_read_and_never_over_the_file_itself(tmp_path: Path) -> None:
    file, out = tmp_path / "f.yaml", tmp_path / "out.yaml"
    file.write_text("version: 1\nname: shop  # mine\n")
    assert config.main(str(file), {}, Asked(output=str(out), show_secrets=True)) == 0
    assert out.read_text() == "version: 1\nname: shop\n"
    assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError):
        config.main(str(file), {}, Asked(output=str(tmp_path / "." / "f.yaml")))
    with pytest.raises(UnreadableFile, match="can't write"):
        config.main(str(file), {}, Asked(output=str(tmp_path)))
    assert "# mine" in file.read_text()
