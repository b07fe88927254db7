"""All saved objects of one pipeline whose records are in one data stream."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ebats.runner.kibana.fields import RUN_TIME, WAIT, of_pipeline
from ebats.runner.kibana.panel import LAYER, Grid, Panel
from ebats.runner.kibana.panels import PANELS
from ebats.runner.kibana.sessions import SESSIONS, Session
from ebats.runner.kibana.shapes import Reference, SavedObject, compact, kuery

_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
_REFRESH_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose records, and where they are."""

    pipeline: str
    data_stream: str

    @property
    def data_view(self) -> str:
        """The id of the data view, which all pipelines of a data stream share."""
        return f"ebats-{self.data_stream}"

    def id_of(self, kind: str, name: str) -> str:
        return f"ebats-{self.pipeline}-{self.data_stream}-{kind}-{name}"

    def title(self, text: str) -> str:
        return f"{self.pipeline}: {text[0].lower()}{text[1:]}"


@dataclass(frozen=True, slots=True)
class _Placed:
    """An object on the dashboard."""

    type: Literal["lens", "search"]
    id: str
    title: str
    grid: Grid


def saved_objects(pipeline: str, data_stream: str) -> list[SavedObject]:
    """Return the objects for a pipeline: what others need comes first, the dashboard last.

    Their ids depend on both names alone: an import takes the place of the one before, and pipelines don't
    take each other's.
    """
    source = _Source(pipeline, data_stream)
    return [
        _data_view(source),
        *(_session(source, session) for session in SESSIONS),
        *(_panel(source, panel) for panel in PANELS),
        _dashboard(source, list(_placed(source))),
    ]


def dashboard_id(pipeline: str, data_stream: str) -> str:
    """Return the id of a pipeline's dashboard, which is also part of its URL."""
    return _Source(pipeline, data_stream).id_of("dashboard", "overview")


def _data_view(source: _Source) -> SavedObject:
    # The name is that of the data stream alone: of several pipelines in it, each would rename the data view.
    formats = {RUN_TIME: _duration("nanoseconds"), WAIT: _duration("milliseconds")}
    return SavedObject(
        type="index-pattern",
        id=source.data_view,
        attributes={
            "title": source.data_stream,
            "name": f"ebats: {source.data_stream}",
            "timeFieldName": "@timestamp",
            # It may be imported before the first record is there.
            "allowNoIndex": True,
            "fieldFormatMap": compact(formats),
        },
    )


def _duration(unit: str) -> dict[str, object]:
    shown = {"outputFormat": "humanizePrecise", "outputPrecision": 1, "useShortSuffix": True}
    return {"id": "duration", "params": {"inputFormat": unit, **shown, "includeSpaceWithSuffix": True}}


def _session(source: _Source, session: Session) -> SavedObject:
    query = of_pipeline(source.pipeline, session.query)
    found = {"query": kuery(query), "filter": [], "indexRefName": _INDEX}
    return SavedObject(
        type="search",
        id=source.id_of("search", session.name),
        attributes={
            "title": source.title(session.title),
            "description": session.description,
            "columns": session.columns,
            "sort": [[session.sort, "desc"]],
            "grid": {},
            "hideChart": False,
            "isTextBasedQuery": False,
            "kibanaSavedObjectMeta": {"searchSourceJSON": compact(found)},
        },
        references=(Reference(name=_INDEX, type="index-pattern", id=source.data_view),),
    )


def _panel(source: _Source, panel: Panel) -> SavedObject:
    layer = {
        "columns": panel.columns,
        "columnOrder": list(panel.columns),
        "incompleteColumns": {},
        "sampling": 1,
    }
    return SavedObject(
        type="lens",
        id=source.id_of("lens", panel.name),
        attributes={
            "title": source.title(panel.title),
            "description": panel.description,
            "visualizationType": panel.chart,
            "state": {
                "visualization": panel.visualization,
                "query": kuery(of_pipeline(source.pipeline, panel.query)),
                "filters": [],
                "internalReferences": [],
                "adHocDataViews": {},
                "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            },
        },
        references=(
            Reference(
                name=f"indexpattern-datasource-layer-{LAYER}", type="index-pattern", id=source.data_view
            ),
        ),
    )


def _placed(source: _Source) -> Iterable[_Placed]:
    for panel in PANELS:
        yield _Placed("lens", source.id_of("lens", panel.name), panel.title, panel.grid)
    for session in SESSIONS:
        if session.grid:
            yield _Placed("search", source.id_of("search", session.name), session.title, session.grid)


def _dashboard(source: _Source, placed: list[_Placed]) -> SavedObject:
    shown = {"useMargins": True, "syncColors": True, "syncCursor": True, "syncTooltips": False}
    found = {"query": kuery(""), "filter": []}
    return SavedObject(
        type="dashboard",
        id=dashboard_id(source.pipeline, source.data_stream),
        attributes={
            "title": f"{source.pipeline}: overview",
            "description": f"What became of the messages of {source.pipeline}, made by ebats export kibana.",
            "panelsJSON": compact([_place(number, each) for number, each in enumerate(placed, 1)]),
            "optionsJSON": compact({**shown, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-24h",
            "timeTo": "now",
            "refreshInterval": {"pause": False, "value": _REFRESH_MS},
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": compact(found)},
        },
        references=tuple(
            Reference(name=f"p{number}:panel_p{number}", type=each.type, id=each.id)
            for number, each in enumerate(placed, 1)
        ),
    )


def _place(number: int, placed: _Placed) -> dict[str, object]:
    """Return how the dashboard holds a panel: by reference; one by value may hang on loading."""
    index, grid = f"p{number}", placed.grid
    return {
        "type": placed.type,
        "title": placed.title,
        "panelIndex": index,
        "panelRefName": f"panel_{index}",
        "gridData": {"x": grid.x, "y": grid.y, "w": grid.w, "h": grid.h, "i": index},
        "embeddableConfig": {"enhancements": {}},
    }
