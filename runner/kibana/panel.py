"""A panel of the dashboard as a value, and the charts that panels are: in the shapes that Lens saves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ebats.runner.kibana.columns import Column

#: The only layer that each panel has.
LAYER = "main"
Chart = Literal["lnsMetric", "lnsXY", "lnsDatatable"]
Series = Literal["line", "bar", "bar_stacked", "bar_horizontal", "bar_horizontal_stacked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where a panel stands: the dashboard is 48 wide, and as long as it gets."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What one chart shows, and how."""

    #: Part of its id.
    name: str
    title: str
    #: One sentence.
    description: str
    #: Which documents, besides that they are the pipeline's.
    query: str
    chart: Chart
    #: By their names; those that make buckets first, the outer one before the inner.
    columns: Mapping[str, Column]
    visualization: Mapping[str, object]
    grid: Grid


def number(column: str) -> dict[str, object]:
    """Return how one large number looks."""
    return {"layerId": LAYER, "layerType": "data", "metricAccessor": column}


def table(columns: Sequence[str]) -> dict[str, object]:
    """Return how a table of these columns looks."""
    shown = [{"columnId": name, "isTransposed": False} for name in columns]
    return {"layerId": LAYER, "layerType": "data", "columns": shown}


def lines_or_bars(series: Series, x: str, y: Sequence[str], split: str | None = None) -> dict[str, object]:
    """Return how a chart with two axes looks; with `split`, each bucket of that column is a series."""
    layer = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": series,
        "xAccessor": x,
        "accessors": list(y),
        **({} if split is None else {"splitAccessor": split}),
    }
    return {
        "legend": {"isVisible": True, "showSingleSeries": True, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "preferredSeriesType": series,
        "layers": [layer],
    }
