"""Ids for messages that come without one."""

import os
import random

#: Of our own: a program may seed Python's. `os.urandom` for each id is a system call, which lets go of the
#: interpreter: a sixth of what publishing cost.
_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """Return 32 hexadecimal digits that no other message has; any thread may call."""
    return f"{_random.getrandbits(128):032x}"
