"""Private Elasticsearch nodes for tests: loopback only, own ports and folder, nothing left behind.

`python -m tests.elastic` runs one until Ctrl-C and prints its URL.
"""

import http.client
import json
import os
import pwd
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.brokers import free_port
from tests.elastic_client import ElasticClient
from tests.elastic_security import ADMIN, PASSWORD, Security
from tests.guarded import Guarded, guarded

DEFAULT_FOLDER = Path("/var/cache/ebats/elasticsearch")
#: Elasticsearch doesn't run as root.
USER = "nobody"
START_DEADLINE_S = 180

#: For a machine that runs other tests beside it: 8 s of processor time until it answers, 280 MB.
JVM_OPTIONS = """\
-Xms256m
-Xmx256m
-XX:-AlwaysPreTouch
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:+ExitOnOutOfMemoryError
-XX:-HeapDumpOnOutOfMemoryError
-Djava.io.tmpdir=${ES_TMPDIR}
"""
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class MissingElasticError(Exception):
    """Raised when there is no Elasticsearch, or no Java to run it, on this machine."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An unpacked Elasticsearch as it is published for the integration tests of its plugins.

    It is the server with few modules. Not there: `GET /`, index lifecycle policies, ingest processors, the
    field type `match_only_text`, and all of `/_data_stream`, so that a data stream can't be deleted.
    """

    folder: Path
    java: Path

    @classmethod
    def find(cls) -> "Distribution":
        """Look up the folder that .ci/run makes, and Java.

        Raises:
            MissingElasticError: one of them isn't there.
        """
        folder = Path(os.environ.get("EBATS_TEST_ELASTIC") or DEFAULT_FOLDER)
        if not (folder / "bin/elasticsearch").exists():
            raise MissingElasticError(f"no Elasticsearch in {folder} (see .ci/run and EBATS_TEST_ELASTIC)")
        java = shutil.which("java")
        if java is None:
            raise MissingElasticError("Java is not installed (apt-get install default-jre-headless)")
        return cls(folder, Path(java).resolve().parents[1])

    @property
    def version(self) -> str:
        """The release, by the name of the server's jar."""
        return next((self.folder / "lib").glob("elasticsearch-[0-9]*.jar")).stem.removeprefix(
            "elasticsearch-"
        )

    def make_folder(self) -> Path:
        """Make the folder of one node, owned by the user that the node runs as."""
        folder = Path(tempfile.mkdtemp(prefix="ebats-elastic-"))
        for name in ("config", "data", "tmp"):
            (folder / name).mkdir()
        if os.geteuid() == 0:
            owner = pwd.getpwnam(USER)
            for path in (folder, *folder.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        return folder

    def command(self, *args: str) -> list[str]:
        """Build the command line that runs the server, ended with its starter."""
        server = guarded(str(self.folder / "bin/elasticsearch"), *args)
        if os.geteuid() != 0:
            return server
        group = str(pwd.getpwnam(USER).pw_gid)
        return ["setpriv", f"--reuid={USER}", f"--regid={group}", "--clear-groups", *server]


class ElasticNode(ElasticClient, Guarded):
    """A node that this process owns: it can be stopped, killed, held and started again on the same data."""

    def __init__(self, distribution: Distribution, security: Security | None = None) -> None:
        """Make the folder and choose the ports; start() runs it. Without security anybody may do anything."""
        login = (ADMIN, PASSWORD) if security else None
        super().__init__(free_port(), login=login, context=security.context() if security else None)
        self.folder = distribution.make_folder()
        self.distribution = distribution
        self._transport_port = free_port()
        files = {"jvm.options": JVM_OPTIONS, "log4j2.properties": LOGGING}
        settings = self._settings()
        if security:
            settings |= security.settings()
            files |= security.files()
        self._write({**files, "elasticsearch.yml": json.dumps(settings)})

    def start(self) -> None:
        """Start the node and wait until it has its data again and answers searches."""
        (self.folder / "pid").unlink(missing_ok=True)
        self._run(self.distribution.command("-p", str(self.folder / "pid")), self._environment())
        self._wait_for_start()

    def suspend(self) -> None:
        """Hold the server: connections are taken, as the kernel does that, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a held server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / "config" / name
            path.write_text(text)
            path.chmod(0o644)  # the node's user has to read it, whatever our umask is

    def _settings(self) -> dict[str, object]:
        return {
            "cluster.name": "ebats-tests",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self._transport_port,
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "log"),
            "xpack.security.enabled": False,
            # A machine with a full disk, or many tests' streams, is no reason to write nothing.
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "cluster.max_shards_per_node": 10_000,
            # What is garbage in a small heap is no reason to refuse a request (429): it would be collected.
            "indices.breaker.total.use_real_memory": False,
        }

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ES_JAVA_HOME": str(self.distribution.java),
            "ES_PATH_CONF": str(self.folder / "config"),
            "ES_TMPDIR": str(self.folder / "tmp"),
            "CLI_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        }

    def _wait_for_start(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while not self._serves():
            if not self.running or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"Elasticsearch did not start:\n{self.log[-3000:]}")
            time.sleep(0.1)

    def _serves(self) -> bool:
        """Say whether every shard that was on disk is open again."""
        with suppress(OSError, http.client.HTTPException):
            status, answer = self.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            return status == 200 and not answer["timed_out"]
        return False


if __name__ == "__main__":
    with ElasticNode(Distribution.find()) as own:
        sys.stdout.write(f"{own.url}  ({own.folder}; Ctrl-C ends it)\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            signal.pause()
