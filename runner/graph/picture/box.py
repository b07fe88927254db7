"""The boxes of a picture, the lines between them, and what is written there, in pixels."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ebats.runner.graph.graph import EdgeKind, Kind

#: Sizes of fonts: names, and all else.
NAME, SMALL = 13.0, 11.0
#: From one line of text to the next, and from a box's border to its text.
NAME_LINE, SMALL_LINE, PAD = 17.0, 15.0, 8.0

#: Around the whole picture.
MARGIN = 24.0

#: `slot`: one of several tasks of a queue. `chip`: a wait of a ladder.
BoxKind = Kind | Literal["slot", "chip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text, from its left end on; y is where its letters stand."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False


@dataclass(slots=True, kw_only=True)
class Box:
    """A box with a name, lines and smaller boxes in it. It is measured first, and put in its place later."""

    id: str
    kind: BoxKind
    #: Cut to fit, as the lines are.
    name: str
    lines: tuple[str, ...] = ()
    #: What is shown when somebody points at it: nothing is cut there.
    tip: str = ""
    #: Drawn with a broken border: it is no part of the file's pipeline.
    external: bool = False
    rows: list["Box"] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def right(self) -> float:
        """The x of the right border."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of the lower border."""
        return self.y + self.height

    @property
    def port(self) -> float:
        """The y at which lines begin and end: the middle, or that of the head where there are rows."""
        if self.rows and self.kind != "ladder":
            return self.y + PAD + NAME_LINE / 2
        return self.y + self.height / 2

    def texts(self) -> Iterator[Text]:
        """Return what is written in the box itself."""
        if self.kind in ("chip", "rung", "slot"):
            bottom = self.y + self.height / 2 + SMALL * 0.36
            inset = PAD if self.kind == "slot" else PAD - 2
            yield Text(x=self.x + inset, y=bottom, text=self.name, size=SMALL)
            return
        below = self.y + PAD
        yield Text(x=self.x + PAD, y=below + NAME_LINE - 4, text=self.name, size=NAME, bold=True)
        below += NAME_LINE
        for line in self.lines:
            yield Text(x=self.x + PAD, y=below + SMALL_LINE - 4, text=line, size=SMALL)
            below += SMALL_LINE

    def all(self) -> Iterator["Box"]:
        """Return the box, and all those in it."""
        yield self
        for row in self.rows:
            yield from row.all()

    def move(self, x: float, y: float) -> None:
        """Put the box somewhere, with those in it."""
        by_x, by_y = x - self.x, y - self.y
        for box in self.all():
            box.x += by_x
            box.y += by_y


@dataclass(slots=True, kw_only=True)
class Wire:
    """A line from one box to another."""

    source: Box
    target: Box
    kind: EdgeKind
    #: What stands on it: where a message waits on its way.
    rung: Box | None = None
    #: Its corners, or the four points of a curve; see `route`.
    points: tuple[tuple[float, float], ...] = ()

    @property
    def goes_back(self) -> bool:
        """Whether it leads back, from a task to an event."""
        return self.kind in ("then", "on_dead")

    @property
    def is_curve(self) -> bool:
        """Whether it is one, to the next column."""
        return self.kind in ("publish", "route", "feed")
