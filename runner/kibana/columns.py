"""The columns of a panel: what each computes, in the shape that Kibana's Lens saves."""

from collections.abc import Mapping

from ebats.runner.kibana.shapes import kuery

Column = dict[str, object]

#: What Lens calls the documents themselves.
RECORDS = "___records___"
#: A number between 0 and 1, shown as `12.5%`.
PERCENT: Mapping[str, object] = {"id": "percent", "params": {"decimals": 1}}


def over_time() -> Column:
    """Return buckets of time, as wide as fits the time range that is looked at."""
    return {
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "scale": "interval",
        "sourceField": "@timestamp",
        "isBucketed": True,
        "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
    }


def top(field: str, label: str, by: str, size: int = 10) -> Column:
    """Return buckets of a keyword's values: those first of which the column `by` is the largest."""
    order = {"orderBy": {"type": "column", "columnId": by}, "orderDirection": "desc"}
    return _terms(field, label, "string", {"size": size, **order, "otherBucket": False})


def each(field: str, label: str, size: int = 100) -> Column:
    """Return buckets of a number's values, the smallest first."""
    order = {"orderBy": {"type": "alphabetical", "fallback": False}, "orderDirection": "asc"}
    return _terms(field, label, "number", {"size": size, **order, "otherBucket": False})


def _terms(field: str, label: str, type_: str, params: Mapping[str, object]) -> Column:
    return {
        "label": label,
        "customLabel": True,
        "dataType": type_,
        "operationType": "terms",
        "scale": "ordinal",
        "sourceField": field,
        "isBucketed": True,
        "params": {**params, "missingBucket": False, "parentFormat": {"id": "terms"}},
    }


def cases(label: str, queries: Mapping[str, str]) -> Column:
    """Return a bucket for each of these queries, by what it is called."""
    return {
        "label": label,
        "customLabel": True,
        "dataType": "string",
        "operationType": "filters",
        "scale": "ordinal",
        "isBucketed": True,
        "params": {"filters": [{"label": name, "input": kuery(query)} for name, query in queries.items()]},
    }


def count(label: str, query: str | None = None) -> Column:
    """Return the number of documents, or of those that fit a query."""
    column: Column = {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": "count",
        "scale": "ratio",
        "sourceField": RECORDS,
        "isBucketed": False,
        "params": {"emptyAsNull": False},
    }
    return column if query is None else {**column, "filter": kuery(query)}


def percentile(field: str, label: str, percent: int) -> Column:
    """Return the value that `percent` of 100 values don't go beyond."""
    return _metric("percentile", field, label, {"percentile": percent})


def maximum(field: str, label: str) -> Column:
    """Return the largest value."""
    return _metric("max", field, label, {"emptyAsNull": True})


def _metric(operation: str, field: str, label: str, params: Mapping[str, object]) -> Column:
    return {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": operation,
        "scale": "ratio",
        "sourceField": field,
        "isBucketed": False,
        "params": dict(params),
    }


def share(name: str, label: str, query: str) -> dict[str, Column]:
    """Return the columns of a formula: which part of the documents fits a query, between 0 and 1.

    Lens saves a formula as itself and as what it is computed from: a column for each of its two counts, and
    one for the division. Their names are those that Lens gives them when somebody edits the formula.

    Args:
        name: that of the column to show; the others are called after it.
        label: for people.
        query: without quotation marks of the kind `'`, which end it in the formula.
    """
    formula = f"count(kql='{query}') / count()"
    part, whole, quotient = (f"{name}X{number}" for number in range(3))
    counted = f"Part of {label}"
    division = {
        "type": "function",
        "name": "divide",
        "args": [part, whole],
        "location": {"min": 0, "max": len(formula)},
        "text": formula,
    }
    return {
        name: {
            **_computed("formula", label, [quotient]),
            "params": {"formula": formula, "isFormulaBroken": False, "format": PERCENT},
        },
        part: count(counted, query),
        whole: count(counted),
        quotient: {**_computed("math", counted, [part, whole]), "params": {"tinymathAst": division}},
    }


def _computed(operation: str, label: str, references: list[str]) -> Column:
    return {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": operation,
        "scale": "ratio",
        "isBucketed": False,
        "references": references,
    }
