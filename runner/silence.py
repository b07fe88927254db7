"""Which children have been silent for too long, and when that was this process's own fault. Pure."""

import math

#: A child that says nothing for so long holds its interpreter, and can't end its task by itself.
_SILENT_S = 30.0
TOO_LONG = f"has been silent for {_SILENT_S:.0f} s: killed, for others to take over"
#: A process that does nothing for so long was stopped, or had none of the machine's time.
_HELD_S = 15.0


class Silence:
    """Judges how long children have been silent, while this process looks at them again and again."""

    def __init__(self) -> None:
        #: Before the first look nobody was expected to be heard.
        self._looked_at = math.inf
        #: This process itself was held, or busy: nobody could be heard.
        self.is_excused = False

    def looked(self, began: float, now: float) -> str | None:
        """Note a look at the children, which `began` with a short wait for them (monotonic times).

        Returns what to say of it, if this process was stopped meanwhile.
        """
        self.is_excused = now - self._looked_at > _HELD_S
        self._looked_at = now
        if now - began > _HELD_S:
            return (
                f"was stopped for {now - began:.0f} s, and goes on; its processes may have worked meanwhile"
            )
        return None

    def is_too_long(self, heard_at: float, now: float) -> bool:
        """Return whether a child that was last heard then is to be killed."""
        return not self.is_excused and now - heard_at > _SILENT_S
