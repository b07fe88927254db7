"""What was measured on, and with which versions: no names of hosts or people."""

import platform
import re
import sqlite3
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.brokers import RabbitNode
from tests.kernel import kernel


def machine() -> dict[str, str]:
    """Return the processor's model, how many cores, how much memory, and the kernel."""
    return {
        "processor": _processor(),
        "cores": str(psutil.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "kernel": " ".join(kernel()),
    }


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", about.read_text(), re.MULTILINE) if about.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def versions(nodes: Mapping[str, RabbitNode], packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python, the brokers and these packages."""
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    for node in nodes.values():
        found[f"RabbitMQ {node.version}"] = f"on Erlang {_erlang(node)}"
    return found | {package: version(package) for package in sorted(set(packages), key=str.lower)}


def _erlang(node: RabbitNode) -> str:
    return node.evaluate("list_to_binary(erlang:system_info(otp_release)).")
