"""A log sink of one's own: called with each record, a plain dict (schemas/record.v1.json)."""

import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "logs" / "audit.tsv"


def keep(record: dict[str, Any]) -> None:
    """Append what was done to a table: queue, message id, task, payload, time used, message."""
    if record["kind"] != "execution":
        return
    message = record.get("result") if record["outcome"] == "success" else record.get("text")
    payload = json.dumps(record.get("payload"), ensure_ascii=False)
    cells = (record["queue"], record["id"], record["task"], payload, record.get("run_s", 0), message)
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("a", encoding="utf-8") as table:
        table.write("\t".join(map(str, cells)) + "\n")
