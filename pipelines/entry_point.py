"""A Python function, as the file names it."""

from dataclasses import dataclass

from ebats.pipelines.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A Python function, named in the file as `module:function`."""

    module: str
    #: May be dotted: `module:Class.method`.
    attribute: str
    place: Place

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"
