"""A small disk, for tests of what is done when it is full."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a disk of 64 MB of its own; skip where it can't be mounted, but fail where it has to be."""
    with small_disk_or_none(folder) as disk:
        if disk is None:
            if os.environ.get("EBATS_TEST_REQUIRE_SERVICES") == "1":
                pytest.fail("a small disk can't be mounted: this test needs root on Linux")
            pytest.skip("mounting a small disk needs root on Linux")
        yield disk


@contextmanager
def small_disk_or_none(folder: Path) -> Iterator[Path | None]:
    """Give a disk of 64 MB of its own, or None and an empty folder where it can't be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    is_linux = sys.platform.startswith("linux")
    if not is_linux or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def stuff(disk: Path) -> Path:
    """Fill what is left, to the last byte."""
    junk = disk / "junk"
    with junk.open("wb", buffering=0) as file:
        for block in (65536, 512, 1):
            try:
                while file.write(b"z" * block):
                    pass
            except OSError:
                continue
    return junk


def leave(disk: Path, free: int) -> Path:
    """Fill all but so many bytes."""
    junk = disk / "junk"
    state = os.statvfs(disk)
    with junk.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - free)
    return junk
