"""`ebats export kibana FILE`: what Kibana shows of a pipeline, as a file or straight into a Kibana."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError, UnreadableFile, UsageError
from ebats.pipelines.sink import ElasticSink
from ebats.pipelines.suggestion import suggest
from ebats.runner.commands.kibana import Kibana, by_api_key, by_password
from ebats.runner.commands.say import say
from ebats.runner.kibana.objects import dashboard_id, saved_objects
from ebats.runner.kibana.shapes import ndjson

STDOUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How the command line says who asks a Kibana; what it leaves out is looked up in the variables."""

    api_key_file: str | None = None
    user: str | None = None
    password_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the objects go: to a file, into a Kibana, or both."""

    #: A file, or `-` for standard output.
    output: str | None = None
    #: The URL of a Kibana.
    url: str | None = None
    space: str | None = None
    ca_certs: str | None = None
    login: Login = Login()


class NotWritten(EbatsError):
    """Raised when the file for the objects can't be written."""


def kibana(file: str, environ: Mapping[str, str], sink: str | None, where: Destination) -> int:
    """Write the saved objects for the pipeline of a file, or import them; return 0.

    Raises:
        UsageError: the file has no such sink, or several and none is named.
        NotWritten: the output can't be written.
        ImportFailed: Kibana doesn't take all of them.
        EbatsError: the file is bad.
    """
    pipeline = load(file, environ)
    data_stream = _sink(pipeline, sink).data_stream
    target = None if where.url is None else _kibana(where.url, where, environ)
    objects = ndjson(saved_objects(pipeline.name, data_stream))
    if where.output is not None or target is None:
        _write(objects, where.output or STDOUT)
    if target is not None:
        count = target.import_(objects)
        view = f"{target.root}/app/dashboards#/view/{dashboard_id(pipeline.name, data_stream)}"
        say("info", f"{count} objects imported; the dashboard: {view}")
    return 0


def _sink(pipeline: Pipeline, name: str | None) -> ElasticSink:
    """Return the sink whose data stream is meant: the named one, or the only one."""
    known = {sink.name: sink for sink in pipeline.sinks if isinstance(sink, ElasticSink)}
    if not known:
        text = f"{pipeline.file} has no elasticsearch sink, so there is nothing that Kibana could show"
        raise UsageError(f"{text}; add one under `logs`: `search: {{elasticsearch: {{hosts: [URL]}}}}`")
    if name is not None:
        if name not in known:
            text = f"{pipeline.file} has no elasticsearch sink {name!r}"
            raise UsageError(f"{text}; {suggest(name, known)}")
        return known[name]
    if len({sink.data_stream for sink in known.values()}) > 1:
        names = ", ".join(f"`{each}`" for each in known)
        raise UsageError(f"{pipeline.file} has several elasticsearch sinks; --sink names one: {names}")
    return next(iter(known.values()))


def _kibana(url: str, where: Destination, environ: Mapping[str, str]) -> Kibana:
    header = _authorization(where.login, environ)
    return Kibana(url=url, space=where.space, authorization=header, ca_certs=where.ca_certs)


def _authorization(login: Login, environ: Mapping[str, str]) -> str | None:
    """Return the header that says who asks: options beat variables, and an API key beats a user there."""
    if login.api_key_file is not None:
        return by_api_key(_secret(login.api_key_file))
    key = environ.get("EBATS_KIBANA_API_KEY")
    if login.user is None and key:
        return by_api_key(key)
    user = login.user or environ.get("EBATS_KIBANA_USER")
    if not user:
        return None
    if login.password_file is not None:
        return by_password(user, _secret(login.password_file))
    password = environ.get("EBATS_KIBANA_PASSWORD")
    if password is None:
        raise UsageError(f"no password for {user}: set EBATS_KIBANA_PASSWORD, or name a --password-file")
    return by_password(user, password)


def _secret(path: str) -> str:
    try:
        text = Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise UnreadableFile(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"can't read {path}: it is no UTF-8 text") from error
    if not text.isascii() or not text.isprintable() or not text:
        raise UsageError(f"{path} has to hold one line of plain characters, and nothing else")
    return text


def _write(objects: str, output: str) -> None:
    if output == STDOUT:
        sys.stdout.write(objects)
        return
    try:
        Path(output).write_text(objects, "utf-8")
    except OSError as error:
        raise NotWritten(f"can't write {output}: {error.strerror}") from error
    say("info", f"{objects.count(chr(10))} objects in {output}; import them in Kibana, or with --import URL")
