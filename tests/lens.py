"""A panel of Lens as the search that Kibana would send for it, and the rows that come of the answer.

It knows the operations that the project's panels use, and refuses others. Left out is what Kibana adds for
the eyes: the time range, the automatic interval, and rows for times in which nothing happened.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests import kql

#: A row of a panel: the value of each column by its name.
Row = dict[str, Any]


class Panel:
    """A saved object of the type `lens`."""

    def __init__(self, saved: Mapping[str, Any], interval: str = "1m") -> None:
        """Take it, and how wide its buckets of time are."""
        state = saved["attributes"]["state"]
        (layer,) = state["datasourceStates"]["formBased"]["layers"].values()
        self._query = state["query"]["query"]
        self._interval = interval
        self._columns: dict[str, Any] = layer["columns"]
        self._order: list[str] = layer["columnOrder"]
        self._buckets = [name for name in self._order if self._columns[name]["isBucketed"]]

    def body(self) -> dict[str, Any]:
        """Return the body of the search."""
        return {"size": 0, "query": kql.to_query(self._query), "aggs": self._aggregations(self._buckets)}

    def rows(self, answer: Mapping[str, Any]) -> list[Row]:
        """Return the rows of an answer, in its order; a row without a document is left out."""
        total = answer["hits"]["total"]["value"]
        return list(self._rows({"doc_count": total, **answer["aggregations"]}, self._buckets, {}))

    # Out.

    def _aggregations(self, buckets: list[str]) -> dict[str, Any]:
        if not buckets:
            return {"all": {"filter": {"match_all": {}}, "aggs": self._metrics()}}
        name, *inner = buckets
        column = self._columns[name]
        made = self._bucket(column)
        ordering = self._ordering(column)
        return {name: {**made, "aggs": {**ordering, **self._aggregations(inner)}}}

    def _bucket(self, column: Mapping[str, Any]) -> dict[str, Any]:
        params = column["params"]
        match column["operationType"]:
            case "date_histogram":
                interval = {"field": column["sourceField"], "fixed_interval": self._interval}
                return {"date_histogram": {**interval, "min_doc_count": 1}}
            case "filters":
                queries = {each["label"]: kql.to_query(each["input"]["query"]) for each in params["filters"]}
                return {"filters": {"filters": queries}}
            case "terms":
                assert not params["otherBucket"]
                assert not params["missingBucket"]
                order = {self._path(params["orderBy"]): params["orderDirection"]}
                return {"terms": {"field": column["sourceField"], "size": params["size"], "order": order}}
        raise AssertionError(f"no bucket: {column}")

    def _path(self, order: Mapping[str, Any]) -> str:
        """Return by what values are ordered: a path to one number below each bucket."""
        if order["type"] == "alphabetical":
            return "_key"
        column = self._columns[order["columnId"]]
        match column["operationType"]:
            case "count" if "filter" not in column:
                return "_count"
            case "max":
                return "order"
            case "percentile":
                return f"order.{column['params']['percentile']}"
        raise AssertionError(f"no order: {column}")

    def _ordering(self, column: Mapping[str, Any]) -> dict[str, Any]:
        order = column["params"].get("orderBy", {})
        if order.get("type") != "column" or self._path(order) == "_count":
            return {}
        return {"order": self._metric(self._columns[order["columnId"]])}

    def _metrics(self) -> dict[str, Any]:
        metrics = {name: self._metric(column) for name, column in self._columns.items()}
        return {name: metric for name, metric in metrics.items() if metric}

    def _metric(self, column: Mapping[str, Any]) -> dict[str, Any]:
        if column["isBucketed"]:
            return {}
        match column["operationType"]:
            case "count":
                return {"filter": kql.to_query(column["filter"]["query"])} if "filter" in column else {}
            case "max":
                return {"max": {"field": column["sourceField"]}}
            case "percentile":
                percents = [column["params"]["percentile"]]
                return {"percentiles": {"field": column["sourceField"], "percents": percents}}
            case "formula" | "math":
                return {}
        raise AssertionError(f"no metric: {column}")

    # Back.

    def _rows(self, found: Mapping[str, Any], buckets: list[str], row: Row) -> Iterator[Row]:
        if not found["doc_count"]:
            return
        if not buckets:
            values = {name: self._value(name, found["all"]) for name in self._order if name not in row}
            yield {**row, **values}
            return
        name, *inner = buckets
        given = found[name]["buckets"]
        pairs = given.items() if isinstance(given, dict) else [(each["key"], each) for each in given]
        for key, bucket in pairs:
            yield from self._rows(bucket, inner, {**row, name: key})

    def _value(self, name: str, found: Mapping[str, Any]) -> Any:
        column = self._columns[name]
        match column["operationType"]:
            case "count":
                return (found[name] if "filter" in column else found)["doc_count"]
            case "max":
                return found[name]["value"]
            case "percentile":
                (value,) = found[name]["values"].values()
                return value
            case "formula":
                (reference,) = column["references"]
                return self._value(reference, found)
            case "math":
                return self._divided(column, found)
        raise AssertionError(f"no value: {column}")

    def _divided(self, column: Mapping[str, Any], found: Mapping[str, Any]) -> float:
        tree = column["params"]["tinymathAst"]
        assert (tree["type"], tree["name"]) == ("function", "divide")
        part, whole = (self._value(each, found) for each in tree["args"])
        return float(part / whole)
