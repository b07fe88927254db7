"""The index template of a data stream: what type each field of a document has."""

from collections.abc import Collection, Mapping
from typing import Any

from ebats import schemas

#: What stands in for a field type that a server doesn't have, so that documents are taken all the same.
_STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "match_only_text": {"type": "text"},
    # A longer term is refused, and its document with it: 32,766 bytes of UTF-8 are the most.
    "wildcard": {"type": "keyword", "ignore_above": 8191},
    "constant_keyword": {"type": "keyword", "ignore_above": 1024},
    # Kept, and not searchable: as an object each key of each payload would be a field.
    "flattened": {"type": "object", "enabled": False},
}
#: Field types that not every server has.
DOUBTFUL_TYPES = frozenset(_STAND_INS)
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def template_name(data_stream: str) -> str:
    """Return the name of the index template of a data stream."""
    return f"ebats-{data_stream}"


def index_template(data_stream: str, retention_s: float | None = None) -> dict[str, Any]:
    """Return the index template of one data stream, `TYPE-DATASET-NAMESPACE`.

    Its documents are kept for `retention_s`, None: for ever. Each data stream has one of its own, so that
    their retentions don't meet.
    """
    kind, dataset, namespace = data_stream.split("-", 2)
    template = schemas.read("logs.template")
    template["index_patterns"] = [data_stream]
    inner = template["template"]
    if retention_s is not None:
        inner["lifecycle"] = {"data_retention": _duration(retention_s)}
    for name, value in (("type", kind), ("dataset", dataset), ("namespace", namespace)):
        inner["mappings"]["properties"]["data_stream"]["properties"][name]["value"] = value
    return template


def without(template: Mapping[str, Any], missing: Collection[str]) -> dict[str, Any]:
    """Return a template for a server that doesn't know what is `missing`.

    That is field types, or `lifecycle`: documents are then kept until somebody deletes them, and
    `ignore_dynamic_beyond_limit`, without which a label too many has its document refused.
    """
    inner = dict(template["template"])
    if "lifecycle" in missing:
        del inner["lifecycle"]
    if "ignore_dynamic_beyond_limit" in missing:
        inner["settings"] = {
            key: value for key, value in inner["settings"].items() if not key.endswith("beyond_limit")
        }
    inner["mappings"] = _replaced(inner["mappings"], missing)
    return {**template, "template": inner}


def fields(template: Mapping[str, Any]) -> dict[str, str]:
    """Return a template's fields by their dotted names, and their types; of `labels`, the parent alone."""
    return dict(_leaves(template["template"]["mappings"]["properties"], ""))


def _leaves(properties: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found = []
    for name, field in properties.items():
        if "properties" in field:
            found += _leaves(field["properties"], f"{prefix}{name}.")
        else:
            found.append((prefix + name, field["type"]))
    return found


def _replaced(field: Any, missing: Collection[str]) -> Any:
    if not isinstance(field, dict):
        return field
    kind = field.get("type")
    if isinstance(kind, str) and kind in missing and kind in _STAND_INS:
        return dict(_STAND_INS[kind])
    return {name: _replaced(inner, missing) for name, inner in field.items()}


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    unit, length = next((unit, length) for unit, length in _UNITS if whole % length == 0)
    return f"{whole // length}{unit}"
