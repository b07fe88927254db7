"""The plots of docs/performance.md: bars for a kind of work, lines for what grows, ebats in a colour."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tests.benchmarks.aims import Outcome, is_limit
from tests.benchmarks.figures import Figures, is_ours
from tests.benchmarks.kinds import Kind
from tests.benchmarks.report import HEADS, shown
from tests.benchmarks.words import BROKERS

#: In light, and in dark: what SVG may choose from by itself.
_DARK = {
    "#ffffff": "#12171f",  # the page
    "#1c2733": "#e6ebf2",  # text
    "#5a6676": "#a9b4c2",  # soft text, axes
    "#e4e8ed": "#2b3440",  # grid
    "#1769c2": "#5a9be8",  # ebats
    "#9aa5b1": "#6b7786",  # others
    "#eef1f4": "#1d242e",  # limits
}
_PAGE, _TEXT, _SOFT, _GRID, _OURS, _OTHERS, _LIMIT = _DARK
_STYLE = {
    "font.size": 11,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    # The same picture for the same figures: names in it come from a counter and this.
    "svg.hashsalt": "ebats",
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _SOFT,
    "text.color": _TEXT,
    "xtick.color": _SOFT,
    "ytick.color": _TEXT,
    "figure.facecolor": _PAGE,
    "axes.facecolor": _PAGE,
}
_FONTS = (
    "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
)
_NUMBERS = FuncFormatter(lambda value, _place: f"{value:,.10g}")
_WIDTH_IN, _BAR_IN, _PANEL_IN = 9.0, 0.36, 0.75


def of_kind(path: Path, kind: Kind, figures: Figures) -> None:
    """Draw one kind of work; the suffix of the path says in which format."""
    if any(figure.size for figure in figures.all):
        _draw(path, lambda picture: _lines(picture, kind, figures))
    else:
        _draw(path, lambda picture: _bars(picture, kind, figures))


def of_aims(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Draw by how much each aim was met or missed: 1 is what was asked."""
    _draw(path, lambda picture: _aims(picture, [one for one in outcomes if one.times is not None]))


def _draw(path: Path, paint: Callable[[Picture], None]) -> None:
    with matplotlib.rc_context(_STYLE):
        picture = Picture(layout="constrained")
        paint(picture)
        if path.suffix == ".svg":
            picture.savefig(path, metadata={"Date": None, "Creator": None})
            path.write_text(_dressed(path.read_text("utf-8")), "utf-8")
        else:
            picture.savefig(path, dpi=110)


def _dressed(svg: str) -> str:
    """Give a picture its colours in the dark, the reader's fonts, and no spaces at the ends of lines."""
    rules = "".join(
        f'[style*="{what}: {light}"] {{ {what}: {dark} !important }}\n'
        for light, dark in _DARK.items()
        for what in ("fill", "stroke")
    )
    style = f"<style>\n@media (prefers-color-scheme: dark) {{\n{rules}}}\n</style>\n"
    lines = (line.rstrip() for line in svg.replace("'DejaVu Sans'", _FONTS).splitlines())
    head, tail = "\n".join(lines).split("<defs>", 1)
    return f"{head}{style}<defs>{tail}\n"


def _bars(picture: Picture, kind: Kind, figures: Figures) -> None:
    brokers = figures.brokers()
    counts = [len(figures.on(broker).contenders()) for broker in brokers]
    picture.set_size_inches(_WIDTH_IN, sum(_PANEL_IN + _BAR_IN * count for count in counts) + 0.3)
    every = picture.subplots(
        len(brokers), squeeze=False, sharex=True, height_ratios=[n + 0.8 for n in counts]
    )
    for axes, broker in zip(every[:, 0], brokers, strict=True):
        _panel(axes, kind, figures.on(broker), BROKERS.get(broker, broker))
    every[0, 0].set_xlim(0, 1.13 * max(figures.values(kind.quantity)))  # there is a value beside each bar
    arrow = "longer is better" if kind.more_is_better else "shorter is better"
    every[-1, 0].set_xlabel(f"{kind.unit} ({arrow})")


def _panel(axes: Axes, kind: Kind, figures: Figures, title: str) -> None:
    each = {
        name: figures.of(kind.name, contender=name).values(kind.quantity) for name in figures.contenders()
    }
    medians = {name: statistics.median(values) for name, values in each.items() if values}
    names = sorted(medians, key=medians.__getitem__, reverse=not kind.more_is_better)
    bars = axes.barh(names, [medians[name] for name in names], height=0.68)
    for bar, name in zip(bars, names, strict=True):
        spread = each[name]
        _colour(bar, name)
        middle = bar.get_y() + bar.get_height() / 2
        axes.plot([min(spread), max(spread)], [middle, middle], color=_SOFT, linewidth=1.2)
        axes.annotate(
            shown(kind.quantity, medians[name]),
            (max(spread), middle),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            weight="bold" if is_ours(name) else "normal",
        )
    _plain(axes, title)


def _colour(bar: Rectangle, name: str) -> None:
    bar.set_facecolor(_OURS if is_ours(name) else _LIMIT if is_limit(name) else _OTHERS)
    if is_limit(name):
        bar.set(edgecolor=_OTHERS, linewidth=1)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, weight="bold")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(_NUMBERS)


def _aims(picture: Picture, outcomes: Sequence[Outcome]) -> None:
    picture.set_size_inches(_WIDTH_IN, 1.2 + 0.4 * len(outcomes))
    axes = picture.subplots()
    _plain(axes, "")
    axes.set_xscale("log", base=2)
    least, last = 0.5, 1.0
    for place, one in enumerate(reversed(outcomes)):
        part = (one.times or 0.0) / one.aim.asked
        least, last = min(least, part), max(last, part)
        colour = _OURS if one.is_met else _OTHERS
        axes.plot([1, part], [place, place], color=colour, linewidth=5, solid_capstyle="butt")
        axes.plot([part], [place], color=colour, marker="o", markersize=10)
        text = f"{one.times:.2f} times, {one.aim.asked:g} asked"
        axes.annotate(
            text, (max(part, 1), place), (10, 0), textcoords="offset points", va="center", fontsize=10
        )
    names = [f"{one.aim.words}: {one.aim.whom}\n{BROKERS[one.aim.broker]}" for one in reversed(outcomes)]
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.axvline(1, color=_TEXT, linewidth=1.2)
    # The words beside the longest line have room, and the shortest has its point.
    axes.set_xlim(0.8 * least, 12 * last)
    ticks = [0.5, *(2**power for power in range(int(last).bit_length()))]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("times what was asked (blue: as much or more; grey: less)")


def _lines(picture: Picture, kind: Kind, figures: Figures) -> None:
    quantities = [name for name in HEADS if figures.values(name)]
    quantities.sort(key=lambda name: name != kind.quantity)
    rows = (len(quantities) + 1) // 2
    picture.set_size_inches(_WIDTH_IN, 2.7 * rows + 0.4)
    every = picture.subplots(rows, 2, squeeze=False).flatten()
    for axes, quantity in zip(every, quantities, strict=False):
        _grown(axes, kind, figures, quantity)
    for axes in every[len(quantities) :]:
        axes.set_visible(False)
    handles, labels = every[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False)


def _grown(axes: Axes, kind: Kind, figures: Figures, quantity: str) -> None:
    for broker in figures.brokers():
        for name in figures.on(broker).contenders():
            of = figures.of(kind.name, broker, name)
            medians = [(size, of.of(kind.name, size=size).median(quantity)) for size in _sizes(of, quantity)]
            axes.plot(
                [size for size, _ in medians],
                [median for _, median in medians],
                marker="o",
                linestyle="--" if broker == "sqlite" else "-",
                color=_OURS if is_ours(name) else _OTHERS,
                label=f"{name}, {BROKERS.get(broker, broker)}",
            )
    _plain(axes, kind.unit if quantity == kind.quantity else HEADS[quantity])
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.yaxis.set_major_formatter(_NUMBERS)
    axes.set_xscale("log")
    sizes = _sizes(figures)
    axes.set_xlim(sizes[0] / 1.6, sizes[-1] * 2.2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    most = max(figures.values(quantity))
    axes.set_ylim(-0.14 * most, 1.15 * most)  # a value below the lowest point isn't on the numbers below
    axes.set_xlabel(kind.grows)
    _say_values(axes, quantity)


def _say_values(axes: Axes, quantity: str) -> None:
    """Write values where they don't meet: the highest above its point, the lowest below, others beside."""
    at: dict[float, list[float]] = {}
    for line in axes.get_lines():
        for size, median in line.get_xydata():
            at.setdefault(size, []).append(median)
    for size, medians in at.items():
        for median in medians:
            place, align = (8, -3), "left"
            if median in (max(medians), min(medians)):
                place, align = (0, 7 if median == max(medians) else -15), "center"
            text = shown(quantity, median)
            note = axes.annotate(
                text, (size, median), place, textcoords="offset points", fontsize=8, ha=align
            )
            note.set_bbox({"facecolor": _PAGE, "edgecolor": "none", "pad": 0.5})


def _sizes(figures: Figures, quantity: str = "") -> list[int]:
    return sorted({figure.size for figure in figures.all if not quantity or quantity in figure.values})
