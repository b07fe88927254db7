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


def death(code: int, pause_s: float | None, *, is_ours: bool) -> str:
    """Return what is said of a process that died.

    `pause_s`: another one begins so much later, None: none does; `is_ours`: its parent killed it.
    """
    hint = ", as the kernel does when memory runs out" if code == -signal.SIGKILL and not is_ours else ""
    follows = "" if pause_s is None else f"; another one begins in {pause_s:.1f} s"
    return f"died: {how_it_ended(code)}{hint}{follows}"
