"""What came of cases, for programs: JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from ebats.pipelines.cases import Death, PublishedMessage, Run
from ebats.pipelines.comparison import as_text
from ebats.pipelines.problems import Place
from ebats.runner.commands.cases_tried import Tried


def document(tried: Sequence[Tried], seconds: float) -> str:
    """Return the document, in one line."""
    failed = sum(not each.is_good for each in tried)
    data = {
        "passed": len(tried) - failed,
        "failed": failed,
        "seconds": round(seconds, 6),
        "cases": [_case(each) for each in tried],
    }
    return json.dumps(data, ensure_ascii=False) + "\n"


def _case(tried: Tried) -> dict[str, Any]:
    came = tried.came
    return {
        "name": tried.case.name,
        "pipeline": tried.file,
        **_place(tried.case.place),
        "passed": tried.is_good,
        "seconds": round(tried.seconds, 6),
        "trouble": tried.trouble,
        "findings": [
            {"kind": each.kind, **_place(each.place), "text": each.text} for each in tried.findings()
        ],
        "runs": [dict(_fields(each)) for each in came.runs] if came else [],
        "published": [dict(_fields(each)) for each in came.published] if came else [],
        "dead": [dict(_fields(each)) for each in came.dead] if came else [],
        "waiting": dict(came.waiting) if came else {},
        "printed": tried.printed,
    }


def _fields(one: Run | PublishedMessage | Death) -> Iterator[tuple[str, Any]]:
    for each in fields(one):
        yield each.name, as_text(getattr(one, each.name))


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
