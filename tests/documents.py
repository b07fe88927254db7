"""Documents of records, for the tests of what reads and writes them."""

from typing import Any

import msgspec

from ebats.pipelines.load import from_bytes
from ebats.pipelines.sink import Exposure, PayloadMode
from ebats.runner.execution.record import Record, encode
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TASKS = from_bytes(
    "pipeline.yaml",
    b"""
version: 1
name: shop
tasks:
  close_order: {python: "a:b"}
  tell_merchant: {http: {url: "https://a.example/"}}
""",
    {},
).pipeline.tasks
SETTING = Setting(pipeline="shop", folder="/", tasks=TASKS)


def documents(payload: PayloadMode = "none", setting: Setting = SETTING, **exposure: Any) -> Documents:
    """Return what makes the documents of a sink."""
    return Documents(setting, Exposures(Exposure(payload=payload, **exposure)), "logs-ebats-shop")


def document(record: Record, payload: PayloadMode = "none", **exposure: Any) -> dict[str, Any]:
    """Return the document of a record, decoded."""
    data: dict[str, Any] = msgspec.json.decode(documents(payload, **exposure).of(encode(record), "a1"))
    return data
