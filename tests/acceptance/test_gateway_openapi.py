"""A gateway does what it says in /openapi.json: schemathesis makes up requests by it, good and bad."""

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.faults.site import Site
from tests.gateway import TOKEN, Gateway

SCHEMATHESIS = Path(sysconfig.get_path("scripts"), "schemathesis")
#: Left out: what a schema can't say is right by the schema, and refused (422).
CHECKS = "positive_data_acceptance,use_after_free,ensure_resource_availability,object_level_authorization"


@pytest.fixture
def gateway(local_site: Site) -> Gateway:
    """A gateway whose events have schemas."""
    gateway = Gateway(site=local_site)
    order = {
        "type": "object",
        "required": ["order"],
        "properties": {"order": {"$ref": "#/$defs/id"}, "city": {"type": "string"}},
        "$defs": {"id": {"type": "integer", "minimum": 1}},
    }
    events = {
        "paid": {"tasks": ["alone"], "schema": order},
        "noted": {"format": "text", "tasks": ["work"]},
        "wanted": {"exchange": "orders", "key": "*.GO", "tasks": ["alone"]},
    }
    auth = {"auth": {"bearer": [{"name": "shop", "token": TOKEN, "rate": 1_000_000}]}}
    gateway.write(auth, events=events)
    return gateway


@pytest.mark.slow
def test_it_does_what_its_description_says(gateway: Gateway) -> None:
    command = gateway.start()
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"http://127.0.0.1:{gateway.port}/openapi.json"),
            *("--header", f"Authorization:Bearer {TOKEN}", "--phases", "examples,coverage,fuzzing"),
            *("--checks", "all", "--exclude-checks", CHECKS, "--max-examples", "15", "--seed", "5"),
            *("--warnings", "off", "--no-shrink", "--continue-on-failure"),
            *("--generation-database", "none", "--no-color"),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=gateway.site.folder,
    )
    said = "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines())
    assert done.returncode == 0, said[-8000:]
    status = gateway.get("/v1/status", {"Authorization": f"Bearer {TOKEN}"}).json
    # It did take some, and refused others.
    assert min(status["req_success"], status["req_error"], status["send_success"]) > 20
    assert "failed" not in command.output
    gateway.site.end(command)


def test_it_is_for_those_who_may_publish(gateway: Gateway) -> None:
    gateway.start()
    found = gateway.get("/openapi.json", {"Authorization": f"Bearer {TOKEN}"})
    assert found.headers["content-type"].startswith("application/json")
    assert found.json["openapi"].startswith("3.1")
    assert "/v1/events/paid" in found.json["paths"]
    assert TOKEN not in json.dumps(found.json)
    assert gateway.get("/openapi.json").status == 401
