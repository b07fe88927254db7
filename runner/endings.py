"""How a process ended, in words."""

import signal


def how_it_ended(code: int) -> str:
    """Return an exit code in words: `killed by SIGSEGV`, `exit code 3`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
