"""Fetches PerfTest and what it needs from Maven Central, once, into the user's cache folder."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.benchmarks.turns import say

VERSION = "2.22.1"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ebats</groupId>
  <artifactId>bench</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.rabbitmq</groupId>
      <artifactId>perf-test</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


@cache
def classpath() -> str:
    """Return the class path of PerfTest, fetched if need be; empty, and said, where it can't be had."""
    if not java():
        say("PerfTest is left out: there is no java (apt-get install default-jre-headless)")
        return ""
    folder = _cache() / f"perf-test-{VERSION}"
    if not folder.exists() and not _fetch(folder):
        return ""
    return str(folder / "*")


def java() -> str:
    """Return where Java is; empty if it isn't."""
    return shutil.which("java") or ""


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ebats"


def _fetch(folder: Path) -> bool:
    """Let Maven put PerfTest and its dependencies into a folder."""
    maven = shutil.which("mvn")
    if not maven:
        say("PerfTest is left out: there is no mvn to fetch it with (apt-get install maven)")
        return False
    # Put in place when it is whole.
    part = folder.with_suffix(f".{os.getpid()}")
    part.mkdir(parents=True)
    (part / "pom.xml").write_text(_POM)
    copy = ("dependency:copy-dependencies", f"-DoutputDirectory={part}", "-DincludeScope=runtime")
    done = subprocess.run([maven, "-B", "-q", *copy], cwd=part, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(part)
        say(f"PerfTest is left out, for Maven couldn't fetch it: {(done.stdout + done.stderr)[-500:]}")
        return False
    part.rename(folder)
    return True
