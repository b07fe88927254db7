"""A sketch of the dashboard for the docs: its panels where they stand, with titles and kinds, and no data.

There is no Kibana here to take a picture of; this is drawn from the saved objects themselves.
"""

import json
from html import escape
from pathlib import Path
from typing import Any

from ebats.runner.kibana.objects import saved_objects
from ebats.runner.kibana.shapes import ndjson

PICTURE = Path(__file__).parents[1] / "docs" / "kibana-dashboard.svg"
#: Pixels of a cell of the grid, and around panels.
WIDE, HIGH, GAP = 20, 10, 6
STYLE = """\
  <style>
    text { font: 13px sans-serif; fill: #343741 }
    .title { font-weight: bold }
    .kind { fill: #69707d; font-size: 12px }
    rect { fill: #fff; stroke: #d3dae6 }
    .page { fill: #f5f7fa; stroke: none }
  </style>
"""
_KINDS = {"lnsMetric": "one number", "lnsDatatable": "table"}
_SERIES = {"line": "lines", "bar_stacked": "bars", "bar_horizontal": "bars", "bar_horizontal_stacked": "bars"}


def draw() -> str:
    """Return the picture, as SVG."""
    objects = [json.loads(line) for line in ndjson(saved_objects("shop", "logs-ebats-shop")).splitlines()]
    by_id = {each["id"]: each for each in objects}
    dashboard = objects[-1]
    ids = {each["name"].partition(":")[2]: each["id"] for each in dashboard["references"]}
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    height = max(panel["gridData"]["y"] + panel["gridData"]["h"] for panel in panels) * HIGH
    size = f'width="{48 * WIDE}" height="{height}" viewBox="0 0 {48 * WIDE} {height}"'
    drawn = "".join(_panel(panel, by_id[ids[panel["panelRefName"]]]) for panel in panels)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n'
    title = "  <title>The panels of the dashboard, without data</title>\n"
    return f'{head}{title}{STYLE}  <rect class="page" width="100%" height="100%"/>\n{drawn}</svg>\n'


def _panel(panel: dict[str, Any], saved: dict[str, Any]) -> str:
    grid = panel["gridData"]
    x, y = grid["x"] * WIDE + GAP // 2, grid["y"] * HIGH + GAP // 2
    width, height = grid["w"] * WIDE - GAP, grid["h"] * HIGH - GAP
    box = f'  <rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>\n'
    title = f'  <text class="title" x="{x + 10}" y="{y + 20}">{escape(panel["title"])}</text>\n'
    return f'{box}{title}  <text class="kind" x="{x + 10}" y="{y + 40}">{escape(_kind(saved))}</text>\n'


def _kind(saved: dict[str, Any]) -> str:
    """Return in words what an object looks like: its chart, and what its columns are."""
    attributes = saved["attributes"]
    if saved["type"] == "search":
        return f"list: {', '.join(attributes['columns'])}"
    (layer,) = attributes["state"]["datasourceStates"]["formBased"]["layers"].values()
    columns, visualization = layer["columns"], attributes["state"]["visualization"]
    chart = attributes["visualizationType"]
    if chart == "lnsMetric":
        return _KINDS[chart]
    if chart == "lnsDatatable":
        labels = (columns[each["columnId"]]["label"] for each in visualization["columns"])
        return f"{_KINDS[chart]}: {', '.join(labels).lower()}"
    (drawn,) = visualization["layers"]
    labels = {name: column["label"].lower() for name, column in columns.items()}
    shown = ", ".join(labels[each] for each in drawn["accessors"])
    along = "over time" if drawn["xAccessor"] == "time" else f"by {labels[drawn['xAccessor']]}"
    split = f", by {labels[drawn['splitAccessor']]}" if "splitAccessor" in drawn else ""
    return f"{shown}: {_SERIES[drawn['seriesType']]} {along}{split}"
