"""Rules, pipelines and counts for the tests of alerts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ebats.pipelines.alerts import Condition, Rule
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.runner.alerts.conditions import Finding
from tests.records import PLACE

NOON = 1_767_268_800.0

_FILE = """\
version: 1
name: shop
tasks:
  ship: {python: "tasks:ship", owner: warehouse}
  tell: {python: "tasks:tell"}
events:
  order_paid: {tasks: [ship, tell], owner: payments}
  order_late: {tasks: [tell]}
alerts:
  channels: {pager: {python: "tasks:page"}}
  owners: {warehouse: , payments: }
  rules: []
"""


def rule(condition: Condition = "dead_letters", threshold: float = 1, **changes: Any) -> Rule:
    """Return a rule with these differences."""
    changes = {"name": condition, "channels": ("pager",), **changes}
    return Rule(condition=condition, threshold=threshold, place=PLACE, **changes)


def pipeline(folder: Path, *rules: Rule) -> Pipeline:
    """Return a pipeline with two tasks, two owners and these rules."""
    file = folder / "shop.yaml"
    file.write_text(_FILE)
    loaded = load(str(file), {})
    assert loaded.alerts is not None
    return replace(loaded, alerts=replace(loaded.alerts, rules=rules))


def finding(subject: str = "ship", total: int = 1, fresh: int = 1, **changes: Any) -> Finding:
    """Return what a rule found of a subject."""
    changes = {"what": f"{total} dead letters of {subject}", "degree": total, **changes}
    return Finding(subject=subject, total=total, fresh=fresh, **changes)
