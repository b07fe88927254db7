"""Private RabbitMQ nodes for tests: loopback only, own ports and folder, nothing left behind.

`python -m tests.brokers rabbitmq310` runs one until Ctrl-C and prints its URL.
"""

import os
import random
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.guarded import Guarded, guarded
from tests.node_client import NodeClient

DEBIAN_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
DEFAULT_TRIXIE = Path("/var/cache/ebats/trixie")
CONTROL = Path(__file__).with_name("control.erl")
START_DEADLINE_S = 90

#: Linux gives those from 32768 on to outgoing connections, macOS those from 49152 on.
PORTS = (12_000, 32_000)
WORKERS = 16
_given: set[int] = set()
#: Not the shared one, which tests with examples made at random seed.
_random = random.SystemRandom()


class MissingBrokerError(Exception):
    """Raised when a release of RabbitMQ is not installed on this machine."""


@dataclass(frozen=True, slots=True)
class Release:
    """An installed RabbitMQ: on the machine itself, or in a folder made by debootstrap."""

    kind: str
    root: Path | None = None

    @classmethod
    def find(cls, kind: str) -> "Release":
        """Look up `rabbitmq310` (the machine's package) or `rabbitmq40` (the debootstrap folder)."""
        if kind == "rabbitmq310":
            if not DEBIAN_SERVER.exists():
                raise MissingBrokerError("RabbitMQ is not installed (apt-get install rabbitmq-server)")
            return cls(kind)
        root = Path(os.environ.get("EBATS_TEST_TRIXIE") or DEFAULT_TRIXIE)
        if not (root / DEBIAN_SERVER.relative_to("/")).exists():
            raise MissingBrokerError(f"no RabbitMQ 4.0 in {root} (see .ci/run and EBATS_TEST_TRIXIE)")
        if os.geteuid() != 0:
            raise MissingBrokerError("RabbitMQ 4.0 runs in a chroot, which only root can enter")
        return cls(kind, root)

    @property
    def version(self) -> str:
        """The release, by the name of the server's folder."""
        servers = (self.root or Path("/")) / "usr/lib/rabbitmq/lib"
        return next(servers.glob("rabbitmq_server-*")).name.removeprefix("rabbitmq_server-")

    def make_folder(self) -> Path:
        """Make the folder of one node, owned by the user that the node runs as."""
        folder = Path(tempfile.mkdtemp(prefix="ebats-", dir=self.root / "tmp" if self.root else None))
        if os.geteuid() == 0:
            owner = Path("/var/lib/rabbitmq") if self.root is None else self.root / "var/lib/rabbitmq"
            os.chown(folder, owner.stat().st_uid, owner.stat().st_gid)
        return folder

    def inner(self, path: Path) -> str:
        """Tell how the node itself sees a path."""
        return str(path) if self.root is None else f"/{path.relative_to(self.root)}"

    def command(self, *args: str) -> list[str]:
        """Build the command line that runs the arguments as the broker's user, ended with its starter."""
        command = guarded(*args, first="epmd & ")  # the name server
        if self.root is not None:
            return ["chroot", "--userspec=rabbitmq:rabbitmq", str(self.root), *command]
        if os.geteuid() == 0:
            return ["setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups", *command]
        return command


class RabbitNode(NodeClient, Guarded):
    """A node that this process owns: it can be stopped, killed and started again on the same data."""

    def __init__(self, release: Release) -> None:
        """Make the folder and choose the ports; start() runs it."""
        super().__init__(release.make_folder(), free_port())
        self.release = release
        self._dist_port, self._epmd_port = free_port(), free_port()
        self._write("enabled_plugins", "[].\n")

    def start(self) -> None:
        """Start the node and wait until it takes connections."""
        (self.folder / "control").unlink(missing_ok=True)
        script = CONTROL.read_text().replace("CONTROL_SOCKET", self._inner("control"))
        self._write("control.erl", script)
        server = self.release.command(
            str(DEBIAN_SERVER), "-eval", f'file:eval("{self._inner("control.erl")}").'
        )
        self._run(server, self._environment())
        self._wait_for_start()

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o644)  # the node's user has to read it, whatever our umask is

    def _inner(self, name: str) -> str:
        return self.release.inner(self.folder / name)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": self.release.inner(self.folder),  # where Erlang puts its cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"ebats{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": self._inner("data"),
            "RABBITMQ_LOG_BASE": self._inner("log"),
            "RABBITMQ_PID_FILE": self._inner("pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": self._inner("enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": self._inner("no-environment"),
            "RABBITMQ_CONFIG_FILE": self._inner("no-config"),
            # Busy waiting schedulers would take the cores that the tests need.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _wait_for_start(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while not (self.folder / "control").exists():
            if not self.running or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"RabbitMQ did not start:\n{self.log[-3000:]}")
            time.sleep(0.05)


def free_port() -> int:
    """Find a TCP port on the loopback that nobody uses.

    Below those that the kernel gives to outgoing connections: such a one could take it before its server
    listens, or while that is being restarted. Nor does another worker of this test run get it meanwhile:
    each has ports of its own, and gives none twice while there are others.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw15").removeprefix("gw")
    share = (PORTS[1] - PORTS[0]) // WORKERS
    first = PORTS[0] + int(worker) % WORKERS * share
    while True:
        if len(_given) > share // 2:
            _given.clear()
        port = _random.randrange(first, first + share)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


if __name__ == "__main__":
    with RabbitNode(Release.find(sys.argv[1])) as own:
        sys.stdout.write(f"{own.url}  (RabbitMQ {own.version}; Ctrl-C ends it)\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            signal.pause()
