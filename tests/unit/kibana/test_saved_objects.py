"""The objects for Kibana against its rules: what it needs, what it knows, what it would refuse."""

import json
from itertools import combinations
from typing import Any

import pytest

from ebats.runner.kibana.objects import dashboard_id, saved_objects
from ebats.runner.kibana.shapes import ndjson
from tests.unit.kibana import shapes

Object = dict[str, Any]
OBJECTS: list[Object] = [
    json.loads(line) for line in ndjson(saved_objects("shop", "logs-ebats-shop")).splitlines()
]
BY_ID = {each["id"]: each for each in OBJECTS}


def of(type_: str) -> list[Any]:
    return [pytest.param(each, id=each["id"]) for each in OBJECTS if each["type"] == type_]


def layer(lens: Object) -> Object:
    (found,) = lens["attributes"]["state"]["datasourceStates"]["formBased"]["layers"].values()
    return dict(found)


def columns(lens: Object) -> dict[str, Object]:
    return dict(layer(lens)["columns"])


@pytest.mark.parametrize("saved", [pytest.param(each, id=each["id"]) for each in OBJECTS])
def test_an_object_has_what_each_has_and_no_newer_versions_than_the_oldest_kibana(saved: Object) -> None:
    versions = {"coreMigrationVersion", "typeMigrationVersion"}
    assert set(saved) == {"type", "id", "attributes", "references"} | versions
    assert shapes.version(saved["coreMigrationVersion"]) <= shapes.CORE_CEILING
    assert shapes.version(saved["typeMigrationVersion"]) <= shapes.TYPE_CEILINGS[saved["type"]]


@pytest.mark.parametrize("saved", [pytest.param(each, id=each["id"]) for each in OBJECTS])
def test_an_object_has_the_attributes_of_its_type_and_no_others(saved: Object) -> None:
    needed, known = shapes.ATTRIBUTES[saved["type"]]
    assert needed <= set(saved["attributes"]) <= needed | known


@pytest.mark.parametrize("saved", [pytest.param(each, id=each["id"]) for each in OBJECTS])
def test_what_an_object_refers_to_is_there_and_comes_before_it(saved: Object) -> None:
    for reference in saved["references"]:
        assert set(reference) == {"name", "type", "id"}
        assert BY_ID[reference["id"]]["type"] == reference["type"]
        assert OBJECTS.index(BY_ID[reference["id"]]) < OBJECTS.index(saved)
    names = [reference["name"] for reference in saved["references"]]
    assert len(names) == len(set(names))


def test_ids_are_unique_and_each_object_is_used_or_a_search() -> None:
    assert len(BY_ID) == len(OBJECTS)
    used = {reference["id"] for saved in OBJECTS for reference in saved["references"]}
    assert {saved["type"] for saved in OBJECTS if saved["id"] not in used} == {"search", "dashboard"}


def test_ids_stay_and_pipelines_and_data_streams_have_their_own() -> None:
    def ids(pipeline: str, data_stream: str) -> set[str]:
        return {each.id for each in saved_objects(pipeline, data_stream)}

    first = ids("shop", "logs-ebats-shop")
    assert first == ids("shop", "logs-ebats-shop") == set(BY_ID)
    assert first & ids("store", "logs-ebats-shop") == {"ebats-logs-ebats-shop"}
    assert not first & ids("shop", "logs-ebats-other")
    assert dashboard_id("shop", "logs-ebats-shop") in first


def test_what_pipelines_of_one_data_stream_share_is_the_same_from_each() -> None:
    assert saved_objects("a", "logs-ebats-default")[0] == saved_objects("b", "logs-ebats-default")[0]


def test_the_data_view_is_that_of_the_data_stream() -> None:
    (view,) = (saved for saved in OBJECTS if saved["type"] == "index-pattern")
    attributes = view["attributes"]
    assert (attributes["title"], attributes["timeFieldName"]) == ("logs-ebats-shop", "@timestamp")
    assert attributes["allowNoIndex"] is True
    formats = json.loads(attributes["fieldFormatMap"])
    units = {name: each["params"]["inputFormat"] for name, each in formats.items()}
    assert units == {"event.duration": "nanoseconds", "ebats.wait_ms": "milliseconds"}
    assert {each["id"] for each in formats.values()} == {"duration"}


@pytest.mark.parametrize("search", of("search"))
def test_a_session_names_its_data_view_and_its_columns(search: Object) -> None:
    attributes = search["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert [reference["name"] for reference in search["references"]] == [source["indexRefName"]]
    assert source["indexRefName"] == "kibanaSavedObjectMeta.searchSourceJSON.index"
    assert set(source) == {"query", "filter", "indexRefName"}
    assert source["query"]["language"] == "kuery"
    assert len(attributes["columns"]) == len(set(attributes["columns"])) > 0
    assert all(len(pair) == 2 and pair[1] == "desc" for pair in attributes["sort"])


@pytest.mark.parametrize("lens", of("lens"))
def test_a_panel_has_a_reference_for_its_layer(lens: Object) -> None:
    state = lens["attributes"]["state"]
    assert set(state) == shapes.STATE
    (name,) = state["datasourceStates"]["formBased"]["layers"]
    assert [each["name"] for each in lens["references"]] == [f"indexpattern-datasource-layer-{name}"]
    visualization = state["visualization"]
    drawn = visualization.get("layers", [visualization])
    assert [(each["layerId"], each["layerType"]) for each in drawn] == [(name, "data")]


@pytest.mark.parametrize("lens", of("lens"))
def test_columns_are_of_known_shapes(lens: Object) -> None:
    for name, column in columns(lens).items():
        is_bucketed, others, params = shapes.OPERATIONS[column["operationType"]]
        assert shapes.COLUMN | others <= set(column) <= shapes.KNOWN, name
        assert column["isBucketed"] is is_bucketed, name
        assert set(column["params"]) <= params, name
        assert ("filter" in column) <= (column["operationType"] == "count"), name


@pytest.mark.parametrize("lens", of("lens"))
def test_columns_that_make_buckets_come_first(lens: Object) -> None:
    found, order = columns(lens), layer(lens)["columnOrder"]
    assert set(order) == set(found)
    buckets = [found[name]["isBucketed"] for name in order]
    assert buckets == sorted(buckets, reverse=True)
    assert len(order) == len(set(order))


@pytest.mark.parametrize("lens", of("lens"))
def test_values_are_ordered_by_what_lens_can_order_by(lens: Object) -> None:
    found = columns(lens)
    for column in found.values():
        if column["operationType"] == "terms" and column["params"]["orderBy"]["type"] == "column":
            assert shapes.is_sortable(found, column["params"]["orderBy"]["columnId"])


@pytest.mark.parametrize("lens", of("lens"))
def test_a_chart_shows_columns_of_its_layer(lens: Object) -> None:
    found, visualization = columns(lens), lens["attributes"]["state"]["visualization"]
    match lens["attributes"]["visualizationType"]:
        case "lnsMetric":
            buckets, values = set(), {visualization["metricAccessor"]}
        case "lnsDatatable":
            shown = {each["columnId"] for each in visualization["columns"]}
            buckets = {name for name in shown if found[name]["isBucketed"]}
            values = shown - buckets
        case "lnsXY":
            (drawn,) = visualization["layers"]
            assert drawn["seriesType"] == visualization["preferredSeriesType"]
            assert drawn["seriesType"] in shapes.SERIES
            buckets = {drawn["xAccessor"], *([drawn["splitAccessor"]] if "splitAccessor" in drawn else [])}
            values = set(drawn["accessors"])
        case other:
            pytest.fail(f"unknown: {other}")
    assert buckets == {name for name, column in found.items() if column["isBucketed"]}
    referenced = {name for column in found.values() for name in column.get("references", ())}
    assert values == {name for name, column in found.items() if not column["isBucketed"]} - referenced


def test_a_formula_is_what_lens_would_make_of_it() -> None:
    formulas = 0
    for lens in (saved for saved in OBJECTS if saved["type"] == "lens"):
        found = columns(lens)
        for name, column in found.items():
            if column["operationType"] != "formula":
                continue
            formulas += 1
            part, whole, quotient = (f"{name}X{number}" for number in range(3))
            assert column["references"] == [quotient]
            assert column["params"]["isFormulaBroken"] is False
            text = column["params"]["formula"]
            query = found[part]["filter"]["query"]
            # The formula is read again when somebody edits the panel: a quotation mark would end the query.
            assert "'" not in query
            assert text == f"count(kql='{query}') / count()"
            assert found[quotient]["references"] == [part, whole]
            assert found[quotient]["params"]["tinymathAst"] == {
                "type": "function",
                "name": "divide",
                "args": [part, whole],
                "location": {"min": 0, "max": len(text)},
                "text": text,
            }
            assert [found[each]["operationType"] for each in (part, whole)] == ["count", "count"]
            assert "filter" not in found[whole]
    assert formulas == 2


def test_panels_are_on_the_dashboard_by_reference() -> None:
    (dashboard,) = (saved for saved in OBJECTS if saved["type"] == "dashboard")
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    references = {each["name"]: each for each in dashboard["references"]}
    assert len(references) == len(panels)
    for panel in panels:
        assert set(panel) == shapes.PANEL
        assert panel["embeddableConfig"] == {"enhancements": {}}
        assert panel["gridData"]["i"] == panel["panelIndex"]
        reference = references[f"{panel['panelIndex']}:{panel['panelRefName']}"]
        assert reference["type"] == panel["type"]
        assert panel["title"].lower() in BY_ID[reference["id"]]["attributes"]["title"].lower()
    shown = {each["id"] for each in dashboard["references"]}
    assert shown >= {saved["id"] for saved in OBJECTS if saved["type"] == "lens"}


def test_panels_fit_the_grid_and_leave_no_hole() -> None:
    (dashboard,) = (saved for saved in OBJECTS if saved["type"] == "dashboard")
    cells = [
        {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        for grid in (panel["gridData"] for panel in json.loads(dashboard["attributes"]["panelsJSON"]))
    ]
    assert all(not one & other for one, other in combinations(cells, 2))
    covered = set().union(*cells)
    assert {x for x, _ in covered} == set(range(48))
    assert len(covered) == 48 * (max(y for _, y in covered) + 1)


def test_the_dashboard_holds_json_where_kibana_reads_it() -> None:
    (dashboard,) = (saved for saved in OBJECTS if saved["type"] == "dashboard")
    attributes = dashboard["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source == {"query": {"query": "", "language": "kuery"}, "filter": []}
    assert json.loads(attributes["optionsJSON"])["hidePanelTitles"] is False
    assert attributes["version"] == 1
    assert (attributes["timeRestore"], attributes["timeFrom"], attributes["timeTo"]) == (
        True,
        "now-24h",
        "now",
    )
    assert set(attributes["refreshInterval"]) == {"pause", "value"}


def test_each_object_is_a_line() -> None:
    text = ndjson(saved_objects("shop", "logs-ebats-shop"))
    assert text.endswith("}\n")
    assert text.count("\n") == len(OBJECTS)
