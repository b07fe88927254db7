"""A pipeline with alerts, and what it told: in a file that a Python channel writes."""

import json
from typing import Any

import psutil

from tests.commands import RunningCommand, run_ebats
from tests.faults.site import Site
from tests.waiting import wait_until

#: Rules of tests have no time.
QUICK = {"window": "2s", "cooldown": "1h"}
PAGER = {"pager": {"python": "tasks:page"}}


class Alerting:
    """A site whose file has alerts."""

    def __init__(self, site: Site) -> None:
        """Look at what the pipeline of a site tells."""
        self.site = site

    def write(self, *rules: dict[str, Any], task: dict[str, Any] | None = None, **sections: Any) -> None:
        """Write a file with one event, `happened`, its one task, `work`, and these rules."""
        alerts = {
            "channels": PAGER,
            "owners": {"warehouse": None},
            "rules": [{**QUICK, **rule} for rule in rules],
            **sections.pop("alerts", {}),
        }
        self.site.write(
            tasks={"work": {"python": "tasks:work", "owner": "warehouse", **(task or {})}},
            events={"happened": {"tasks": ["work"]}},
            alerts=alerts,
            **sections,
        )

    def told(self, state: str | None = None, rule: str | None = None) -> list[dict[str, Any]]:
        """Return what was told, of a state and a rule or of all."""
        path = self.site.folder / "pages"
        notices = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [
            notice
            for notice in notices
            if state in (None, notice["state"]) and rule in (None, notice["rule"])
        ]

    def wait_told(self, state: str, rule: str | None = None, deadline_s: float = 30) -> dict[str, Any]:
        """Wait until something of this state was told; return the first."""
        wait_until(lambda: self.told(state, rule), deadline_s, lambda: f"{state} {rule}: {self.told()}")
        return self.told(state, rule)[0]

    def alerts(self, *args: str, code: int = 0) -> str:
        """Run `ebats alerts`; return what it printed."""
        command, *rest = args
        done = run_ebats(
            "alerts", command, str(self.site.file), *rest, env=self.site.environ() | {"USER": "li"}
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def alerter(self, command: RunningCommand) -> psutil.Process:
        """Return the alerter of a run."""
        return wait_until(lambda: self.site.consumers(command, "alerter"), 20, "the alerter runs")[0]

    def shown(self) -> dict[str, Any]:
        """Return what `ebats status` shows of the alerts of the only runner."""
        done = run_ebats("status", str(self.site.file), "--format", "json", env=self.site.environ())
        shown: dict[str, Any] = json.loads(done.stdout)["runners"][0].get("alerts", {"open": None})
        return shown
