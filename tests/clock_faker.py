"""Another time for a command and all its processes, which can be set while it runs: libfaketime."""

import os
import subprocess
import time
from pathlib import Path

import pytest

#: Where Debian's package `faketime` puts it, on each architecture.
_LIBRARIES = "*/faketime/libfaketime.so.1"


class FakedClock:
    """The clock of a machine, as its processes see it."""

    def __init__(self, folder: Path) -> None:
        """Keep what it shows in a file of this folder: seconds beside the real time."""
        found = sorted(Path("/usr/lib").glob(_LIBRARIES))
        if not found:
            text = "libfaketime is missing (apt-get install faketime)"
            if os.environ.get("EBATS_TEST_REQUIRE_SERVICES") == "1":
                pytest.fail(text)
            pytest.skip(text)
        self._library = found[0]
        self._sleep = folder / "clock_sleep.so"
        source = Path(__file__).with_name("clock_sleep.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self._sleep, source], check=True)
        self._file = folder / "faketime"
        self.offset_s = 0.0
        self.step(0.0)

    def step(self, seconds: float) -> None:
        """Set the clock ahead by so much, or back."""
        self.offset_s += seconds
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{self.offset_s:+f}\n")
        # In one go: a half-written file would be another time.
        beside.replace(self._file)

    def set(self, moment_s: float) -> None:
        """Set the clock to a Unix time."""
        self.step(moment_s - self.time())

    def time(self) -> float:
        """Return what it shows: Unix time in seconds."""
        return time.time() + self.offset_s

    def environ(self) -> dict[str, str]:
        """Return what has a command see this clock."""
        return {
            "LD_PRELOAD": f"{self._sleep}:{self._library}",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            # A machine's clock that is set leaves the monotonic one as it is, and the times of files.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
