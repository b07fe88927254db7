"""`ebats export kibana`: a file, or an import, and in words what a Kibana says to it."""

import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ebats.runner import cli
from ebats.runner.commands import kibana as kibana_command
from tests.brokers import free_port
from tests.commands import run_ebats
from tests.fake_kibana import Answer, FakeKibana

FILE = """\
version: 1
name: shop
tasks: {ship: {python: "json:loads"}}
events: {order_paid: {tasks: [ship]}}
logs:
  search: {elasticsearch: {hosts: ["http://localhost:9200"], data_stream: logs-ebats-shop}}
"""
SECOND = '  far: {elasticsearch: {hosts: ["http://far:9200"], data_stream: logs-ebats-far}}\n'
LOGIN = "set EBATS_KIBANA_API_KEY, or EBATS_KIBANA_USER and EBATS_KIBANA_PASSWORD"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A pipeline with one elasticsearch sink."""
    path = tmp_path / "shop.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def kibana() -> Iterator[FakeKibana]:
    """A Kibana that takes everything."""
    with FakeKibana() as fake:
        yield fake


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "USER", "PASSWORD"):
        monkeypatch.delenv(f"EBATS_KIBANA_{name}", raising=False)


def export(*arguments: object) -> int:
    return cli.main(["export", "kibana", *map(str, arguments)])


def test_it_writes_a_file(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(file, "--output", tmp_path / "shop.ndjson") == 0
    lines = (tmp_path / "shop.ndjson").read_text().splitlines()
    assert json.loads(lines[-1])["type"] == "dashboard"
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"ebats: {len(lines)} objects in {tmp_path}/shop.ndjson; import them")
    assert export(file) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert export(file, "--output", "-") == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_it_says_what_is_wrong_with_a_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(file, "--output", tmp_path / "no" / "shop.ndjson") == 1
    assert (
        capsys.readouterr().err
        == f"ebats: can't write {tmp_path}/no/shop.ndjson: No such file or directory\n"
    )
    assert export(file, "--sink", "serach") == 2
    no_such = f"ebats: {file} has no elasticsearch sink 'serach'; did you mean `search`?\n"
    assert capsys.readouterr().err == no_such
    file.write_text(FILE + SECOND)
    assert export(file) == 2
    several = f"ebats: {file} has several elasticsearch sinks; --sink names one: `search`, `far`\n"
    assert capsys.readouterr().err == several
    assert export(file, "--sink", "far") == 0
    assert '"title":"logs-ebats-far"' in capsys.readouterr().out
    file.write_text(FILE.partition("logs:")[0])
    assert export(file) == 2
    assert "has no elasticsearch sink, so there is nothing that Kibana could show; add one" in (
        capsys.readouterr().err
    )


def test_two_sinks_for_one_data_stream_are_one_for_kibana(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE + SECOND.replace("logs-ebats-far", "logs-ebats-shop"))
    assert export(file) == 0
    assert '"title":"logs-ebats-shop"' in capsys.readouterr().out


def test_it_imports(file: Path, kibana: FakeKibana) -> None:
    env = {"EBATS_KIBANA_API_KEY": "a2V5"}
    done = run_ebats("export", "kibana", file, "--import", kibana.url, env=env)
    assert (done.returncode, done.stdout) == (0, "")
    (request,) = kibana.imports
    assert (request.path, request.query) == ("/api/saved_objects/_import", {"overwrite": "true"})
    assert request.headers["kbn-xsrf"] == "true"
    assert request.headers["Authorization"] == "ApiKey a2V5"
    assert {each["type"] for each in request.objects} == {"index-pattern", "search", "lens", "dashboard"}
    dashboard = request.objects[-1]["id"]
    view = f"{kibana.url}/app/dashboards#/view/{dashboard}"
    assert done.stderr == f"ebats: {len(request.objects)} objects imported; the dashboard: {view}\n"


def test_it_imports_into_a_space_below_a_base_path_and_writes_the_same_to_a_file(
    file: Path, tmp_path: Path, kibana: FakeKibana, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "shop.ndjson"
    assert export(file, "--import", f"{kibana.url}/base/", "--space", "ops", "--output", output) == 0
    (request,) = kibana.imports
    assert request.path == "/base/s/ops/api/saved_objects/_import"
    assert "Authorization" not in request.headers
    assert [json.loads(line) for line in output.read_text().splitlines()] == request.objects
    assert f"{kibana.url}/base/s/ops/app/dashboards#/view/ebats-shop-" in capsys.readouterr().err


def test_options_say_who_asks_and_beat_the_variables(
    file: Path, tmp_path: Path, kibana: FakeKibana, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*options: object) -> str:
        assert export(file, "--import", kibana.url, *options) == 0
        return kibana.imports[-1].headers["Authorization"]

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    monkeypatch.setenv("EBATS_KIBANA_USER", "li")
    monkeypatch.setenv("EBATS_KIBANA_PASSWORD", "geheim: ü")
    assert asked() == f"Basic {encoded('li:geheim: ü')}"
    assert asked("--user", "wang") == f"Basic {encoded('wang:geheim: ü')}"
    (tmp_path / "password").write_text("other\n")
    assert (
        asked("--user", "wang", "--password-file", tmp_path / "password") == f"Basic {encoded('wang:other')}"
    )
    monkeypatch.setenv("EBATS_KIBANA_API_KEY", "id:key")
    assert asked() == f"ApiKey {encoded('id:key')}"
    assert asked("--user", "wang") == f"Basic {encoded('wang:geheim: ü')}"
    (tmp_path / "key").write_text("a2V5\n")
    assert asked("--api-key-file", tmp_path / "key") == "ApiKey a2V5"
    (tmp_path / "vars").write_text("EBATS_KIBANA_API_KEY=from-a-file\n")
    monkeypatch.delenv("EBATS_KIBANA_API_KEY")
    assert asked("--env-file", tmp_path / "vars") == "ApiKey from-a-file"


def test_a_login_that_is_none_is_refused_before_anything_is_sent(
    file: Path, tmp_path: Path, kibana: FakeKibana, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*options: object) -> str:
        assert export(file, "--import", kibana.url, *options) == 2
        return capsys.readouterr().err

    assert "no password for li: set EBATS_KIBANA_PASSWORD" in refused("--user", "li")
    assert "can't read /nowhere: No such file" in refused("--api-key-file", "/nowhere")
    (tmp_path / "key").write_text("a\nb")
    assert "has to hold one line" in refused("--api-key-file", tmp_path / "key")
    assert "can't read certificates from /nowhere" in refused(
        "--import", "https://k", "--ca-certs", "/nowhere"
    )
    secret = refused("--import", "http://li:geheim@localhost")
    assert secret == f"ebats: --import takes a URL without a login, which others could read; {LOGIN}\n"
    for url in ("localhost:5601", "ftp://localhost", "http://", "http://k:x", "http://k/?a=b", "http://[k"):
        assert "--import takes the URL of a Kibana, such as http://localhost:5601" in refused("--import", url)
    assert kibana.imports == []


NO_LOGIN = f"it takes no import without a login, or not with this one; {LOGIN}"
NO_RIGHT = "this login may not write saved objects there; it needs the privileges of Saved Objects Management"
NOTHING = "there is no such thing; look at the URL, its base path and --space"


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (401, {"message": "[security_exception]"}, f"answers 401: {NO_LOGIN} ([security_exception])"),
        (403, {"message": "Unable to bulk_create"}, f"answers 403: {NO_RIGHT} (Unable to bulk_create)"),
        (404, {"message": "Not Found"}, f"answers 404: {NOTHING} (Not Found)"),
        (503, "not ready yet", "answers 503: it isn't ready yet; try again later (not ready yet)"),
        (400, {"message": "Unexpected token"}, "answers 400: Unexpected token"),
        (500, "<html>\n<p>oops</p>", "answers 500: <html> <p>oops</p>"),
        (418, "\n", "answers 418: without a word"),
        (500, "\x1b[2J", "answers 500: \\x1b[2J"),
        (200, "<h1>It works</h1>", "answers 200: that is no Kibana: <h1>It works</h1>"),
        (302, "\n", "sends elsewhere, to /login; give the URL of Kibana itself"),
    ],
)
def test_an_answer_that_is_no_import_is_said_in_words(
    status: int,
    body: object,
    text: str,
    file: Path,
    kibana: FakeKibana,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kibana.answer = Answer(status=status, body=body, headers={"Location": "/login"} if status == 302 else {})
    assert export(file, "--import", kibana.url) == 1
    assert capsys.readouterr().err == f"ebats: {kibana.url} {text}\n"


def failed(name: str, kind: str, **details: object) -> dict[str, object]:
    meta = {"title": name.upper(), "icon": "lensApp"}
    return {"type": "lens", "id": name, "meta": meta, "error": {"type": kind, **details}}


def test_each_object_that_was_not_imported_is_named_with_the_reason(
    file: Path, kibana: FakeKibana, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = [{"type": "index-pattern", "id": "gone"}, {"type": "lens", "id": "too"}]
    newer = (
        "Document belongs to a more recent version of Kibana [8.9.0] when the last known version is [8.8.0]."
    )
    errors = [
        failed("a", "missing_references", references=missing),
        failed("b", "conflict"),
        failed("c", "ambiguous_conflict", destinations=[{"id": "x"}, {"id": "y"}]),
        failed("d", "unsupported_type"),
        failed("e", "unknown", message=newer, statusCode=422),
        {"type": "lens", "id": "f", "error": {}},
    ]
    kibana.answer = Answer(body={"success": False, "successCount": 3, "errors": errors})
    assert export(file, "--import", kibana.url) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"ebats: {kibana.url} imported 3 objects, and not these:",
        "  lens a (A): it needs what isn't there: index-pattern gone, lens too",
        "  lens b (B): another space has an object with this id",
        "  lens c (C): several objects could be the one to overwrite: x, y",
        "  lens d (D): this Kibana has no objects of this type",
        f"  lens e (E): {newer}; it takes Kibana 8.9 or later",
        "  lens f: no reason given",
    ]


def test_a_kibana_that_is_not_there_is_said_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert export(file, "--import", url) == 1
    assert capsys.readouterr().err == f"ebats: can't reach {url}: Connection refused\n"
    assert export(file, "--import", "http://nowhere.invalid") == 1
    assert capsys.readouterr().err.startswith("ebats: can't reach http://nowhere.invalid: ")


def test_what_speaks_no_tls_or_no_http_is_said_in_words(
    file: Path, kibana: FakeKibana, capsys: pytest.CaptureFixture[str]
) -> None:
    secure = kibana.url.replace("http", "https")
    assert export(file, "--import", secure) == 1
    assert capsys.readouterr().err.startswith(f"ebats: can't speak TLS with {secure}: ")
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server, b"SSH-2.0-OpenSSH\r\n"))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert export(file, "--import", url) == 1
        thread.join()
    assert capsys.readouterr().err.startswith(f"ebats: what {url} answers is no HTTP")


def test_a_certificate_is_trusted_where_it_is_named(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FakeKibana(context) as kibana:
        assert export(file, "--import", kibana.url) == 1
        told = capsys.readouterr().err
        assert told.startswith(f"ebats: can't trust {kibana.url}: ")
        assert told.endswith("; --ca-certs FILE names a certificate to trust\n")
        assert export(file, "--import", kibana.url, "--ca-certs", tmp_path / "ca.pem") == 0
        assert len(kibana.imports) == 1


def test_one_that_says_nothing_is_given_up(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kibana_command, "_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert export(file, "--import", url) == 1
    assert capsys.readouterr().err == f"ebats: {url} doesn't answer within 0.2 s\n"


def _answer(server: socket.socket, data: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1_000_000)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
