"""What Kibana takes: the attributes, columns and charts that its saved objects may have, by its own source.

Checked is what Kibana 8.9 to 9.x have in common, for there is no Kibana here to ask. The schemas are those of
`dashboardAttributesSchema` (v1), `SCHEMA_SEARCH_V8_8_0`, and the shapes that Lens saved in 8.9; all but Lens'
forbid what they don't know.
"""

from typing import Any

#: By type: the attributes that are needed, and the others that are known.
ATTRIBUTES: dict[str, tuple[set[str], set[str]]] = {
    "index-pattern": (
        {"title", "timeFieldName"},
        {
            "name",
            "allowNoIndex",
            "fieldFormatMap",
            "fields",
            "fieldAttrs",
            "runtimeFieldMap",
            "sourceFilters",
        },
    ),
    "search": (
        {"title", "kibanaSavedObjectMeta"},
        {
            *("description", "columns", "sort", "grid", "rowHeight", "rowsPerPage", "hideChart", "version"),
            *("breakdownField", "isTextBasedQuery", "usesAdHocDataView", "timeRestore", "timeRange"),
            *("refreshInterval", "viewMode", "hideAggregatedPreview", "hits"),
        },
    ),
    "lens": ({"title", "visualizationType", "state"}, {"description"}),
    "dashboard": (
        {"title", "panelsJSON"},
        {
            *("description", "kibanaSavedObjectMeta", "timeRestore", "timeFrom", "timeTo", "refreshInterval"),
            *("controlGroupInput", "optionsJSON", "hits", "version"),
        },
    ),
}
#: The highest versions that Kibana 8.9 knows.
CORE_CEILING = (8, 8, 0)
TYPE_CEILINGS = {
    "index-pattern": (8, 0, 0),
    "search": (8, 0, 0),
    "lens": (8, 9, 0),
    "dashboard": (8, 9, 0),
}
STATE = {
    *("visualization", "query", "filters", "internalReferences", "adHocDataViews", "datasourceStates"),
}
#: Keys of every column, then by operation: whether it makes buckets, its other keys, its parameters.
COLUMN = {"label", "dataType", "operationType", "isBucketed"}
KNOWN = COLUMN | {"customLabel", "scale", "sourceField", "params", "filter", "references"}
OPERATIONS: dict[str, tuple[bool, set[str], set[str]]] = {
    "date_histogram": (True, {"sourceField"}, {"interval", "includeEmptyRows", "dropPartials"}),
    "terms": (
        True,
        {"sourceField"},
        {"size", "orderBy", "orderDirection", "otherBucket", "missingBucket", "parentFormat"},
    ),
    "filters": (True, set(), {"filters"}),
    "count": (False, {"sourceField"}, {"emptyAsNull"}),
    "max": (False, {"sourceField"}, {"emptyAsNull"}),
    "percentile": (False, {"sourceField"}, {"percentile"}),
    "formula": (False, {"references"}, {"formula", "isFormulaBroken", "format"}),
    "math": (False, {"references"}, {"tinymathAst"}),
}
SERIES = {"line", "bar", "bar_stacked", "bar_horizontal", "bar_horizontal_stacked"}
PANEL = {"type", "title", "panelIndex", "panelRefName", "gridData", "embeddableConfig"}


def version(text: str) -> tuple[int, ...]:
    """Return a version as numbers."""
    return tuple(map(int, text.split(".")))


def is_sortable(columns: dict[str, Any], name: str) -> bool:
    """Say whether the values of a `terms` column can be ordered by a column: `isSortableByColumn` of Lens."""
    column = columns[name]
    referenced = {each for one in columns.values() for each in one.get("references", ())}
    percent = column["params"].get("percentile", 0)
    return (
        not column["isBucketed"]
        and name not in referenced
        and "references" not in column
        and percent % 1 == 0
    )
