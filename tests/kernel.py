"""Which kernel runs the tests and benchmarks, as their pages say it."""

import platform


def kernel() -> tuple[str, str]:
    """Return its name and the first two numbers of its version, `("Linux", "6.1")`: more names a build."""
    return platform.system(), ".".join(platform.release().split(".")[:2])
