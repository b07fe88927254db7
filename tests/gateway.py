"""A pipeline with a gateway, started as a user does, and requests to it as anybody sends them."""

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from tests.brokers import free_port
from tests.commands import RunningCommand
from tests.faults.site import START_DEADLINE_S, Site

TOKEN = "a token of more than sixteen characters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a gateway answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """What kind of error it is; empty: none."""
        return str(self.json.get("error", {}).get("code", ""))

    @property
    def ids(self) -> list[str]:
        """The ids of what was published; fails where that isn't so."""
        assert self.status == 202, (self.status, self.body[:2000])
        ids: list[str] = self.json["ids"]
        return ids

    @property
    def reasons(self) -> dict[int, str]:
        """What is wrong with items, by their index."""
        found = self.json.get("items") or self.json["error"]["items"]
        return {each["index"]: each["reason"] for each in found}


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A gateway of a site's pipeline."""

    site: Site
    port: int = field(default_factory=free_port)

    def write(self, http: Mapping[str, Any] | None = None, processes: int = 1, **sections: Any) -> None:
        """Write the file: a gateway with these settings, and what it may publish to."""
        listen = f"127.0.0.1:{self.port}"
        gateway = {"http": {"listen": listen, **(http or {})}, "processes": processes}
        self.site.write(producers={"gateway": gateway}, **{**SHOP, **sections})

    def start(self, *flags: str) -> RunningCommand:
        """Start the gateway alone, or with `flags`, and return when it listens."""
        command = self.site.launch(*(flags or ("--only", "gateway")))
        command.wait_for_output("listens on", START_DEADLINE_S)
        return command

    def post(
        self, path: str, value: object, headers: Mapping[str, str] | None = None, timeout_s: float = 30
    ) -> Answer:
        """Send a value as JSON; bytes as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        given = {"Content-Type": "application/json", **(headers or {})}
        return self.ask("POST", path, body, given, timeout_s)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Look at something."""
        return self.ask("GET", path, None, headers or {})

    def ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float = 30
    ) -> Answer:
        """Send a request on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)) as connection:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(
                status=response.status,
                headers={name.lower(): value for name, value in response.getheaders()},
                body=response.read(),
            )


#: What a file has besides its gateway.
SHOP: dict[str, Any] = {
    "exchanges": {"orders": {"type": "topic"}, "all": {"type": "fanout"}},
    "queues": {"demo": {}, "alone": {}, "slow": {}},
    "tasks": {
        "work": {"python": "tasks:work", "queue": "demo"},
        "other": {"python": "tasks:work", "queue": "demo"},
        "alone": {"python": "tasks:work", "queues": ["alone", "slow"]},
    },
    "events": {
        "happened": {"tasks": ["work"]},
        "noted": {"format": "text", "tasks": ["alone"]},
        "wanted": {"exchange": "orders", "key": "*.GO", "tasks": ["alone"]},
        "priced": {
            "exchange": "orders",
            "key": "price",
            "schema": {"type": "object", "properties": {"price": {"type": "integer"}}},
            "tasks": ["alone"],
        },
    },
}
