"""examples/compose: its files fit together, and its pipeline runs. Containers can't be started here.

So the compose file is checked by a linter and by Compose's own schema, which the linter brings.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.example import EXAMPLES
from tests.commands import RunningCommand, run_ebats
from tests.conftest import Broker
from tests.elastic import ElasticNode
from tests.elastic_security import PASSWORD, Security
from tests.node_scripts import Node
from tests.waiting import wait_until

FOLDER = EXAMPLES / "compose"
ENVIRONMENT = {"RABBITMQ_PASSWORD": "a", "ELASTIC_PASSWORD": "b"}
#: What `ebats export kibana --import` reads.
OF_EBATS = {"EBATS_KIBANA_USER", "EBATS_KIBANA_PASSWORD"}
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)")


README = (FOLDER / "README.md").read_text()
#: Of each attempt.
QUESTIONS = ("labels.order", "ebats.task.name", "event.outcome", "event.duration", "ebats.wait_ms")


def compose() -> Any:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def lint(node: Node, file: Path) -> subprocess.CompletedProcess[str]:
    command = [node.program, node.modules / "dclint/bin/dclint.cjs", "--max-warnings", "0", file]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_linter_finds_nothing(node: Node, tmp_path: Path) -> None:
    done = lint(node, FOLDER / "compose.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    for good, bad in (("interval:", "intervall:"), ("'127.0.0.1:5672:5672'", "'5672:5672'")):
        broken = tmp_path / "compose.yaml"
        broken.write_text((FOLDER / "compose.yaml").read_text().replace(good, bad))
        assert lint(node, broken).returncode == 1, bad


def test_every_service_is_pinned_healthy_and_on_the_loopback_alone() -> None:
    services = compose()["services"]
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert re.match(r"\d+\.\d+|\$\{ELASTIC_VERSION", tag), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"kibana_user"}
    # `up --wait` takes one that ends for a failure, unless somebody waits for its end.
    assert services["kibana"]["depends_on"]["kibana_user"] == {"condition": "service_completed_successfully"}
    (data,) = {volume.partition(":")[0] for volume in services["elasticsearch"]["volumes"]}
    assert data in compose()["volumes"]


def test_the_variables_are_those_of_the_environment_file() -> None:
    lines = (FOLDER / ".env.example").read_text().splitlines()
    given = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    used = {name for file in ("compose.yaml", "pipeline.yaml") for name in variables(file)}
    assert given == used | OF_EBATS


def variables(file: str) -> set[str]:
    return set(_VARIABLE.findall((FOLDER / file).read_text()))


def test_the_readme_makes_an_environment_that_a_shell_reads(tmp_path: Path) -> None:
    shutil.copy(FOLDER / ".env.example", tmp_path)
    (script,) = re.findall(r"```sh\n(sed .*?)```", README, re.DOTALL)
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        ["sh", "-ec", f"{script}\npython3 -c '{program}'"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert len(found["ELASTIC_PASSWORD"]) == 32
    assert found["EBATS_KIBANA_PASSWORD"] == found["ELASTIC_PASSWORD"] != "change-me"
    assert "change-me" not in (tmp_path / ".env").read_text()


def test_the_pipeline_is_good() -> None:
    result = run_ebats("validate", FOLDER / "pipeline.yaml", env=ENVIRONMENT)
    assert result.returncode == 0, result.stderr


def test_the_servers_of_the_pipeline_are_those_of_the_compose_file() -> None:
    pipeline, services = yaml.safe_load((FOLDER / "pipeline.yaml").read_text()), compose()["services"]
    sink = pipeline["logs"]["search"]["elasticsearch"]
    assert pipeline["broker"]["user"] == services["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_USER"]
    assert "127.0.0.1:5672:5672" in services["rabbitmq"]["ports"]
    assert sink["hosts"] == ["http://localhost:9200"]
    assert services["elasticsearch"]["ports"] == ["127.0.0.1:9200:9200"]
    assert "--import http://localhost:5601" in README
    assert services["kibana"]["ports"] == ["127.0.0.1:5601:5601"]


@pytest.mark.slow
def test_the_pipeline_fills_elasticsearch_as_the_user_of_the_readme(
    rabbitmq: Broker,
    own_elastic: Callable[..., ElasticNode],
    start_ebats: Callable[..., RunningCommand],
    tmp_path: Path,
) -> None:
    # Given an Elasticsearch with a user who may do what the README's key may, and no more
    key = json.loads(re.findall(r"_security/api_key -d '(.*?)'", README, re.DOTALL)[0])
    elastic = own_elastic(Security(users={"shop": "ebats"}, roles=key["role_descriptors"]))
    file = copy_for(rabbitmq, elastic, tmp_path)

    # When the pipeline sells orders for a while
    command = start_ebats(file, program="ebats-run", env=ENVIRONMENT | {"EBATS_STATE_DIR": str(tmp_path)})
    wait_until(lambda: elastic.count("event.outcome:success") >= 6, 60, lambda: command.output)
    command.interrupt()
    assert command.wait() == 0, command.output

    # Then what was done for an order is found by its number, without what is masked
    documents = [one for one in elastic.documents() if "labels" in one]
    order = documents[0]["labels"]["order"]
    found = elastic.documents(query=f"labels.order:{order}")
    assert {"ship", "write_bill", "notify_merchant"} >= {one["ebats"]["task"]["name"] for one in found}
    assert all(elastic.count(f"_exists_:{field}") >= 6 for field in QUESTIONS)
    assert order in json.dumps(documents)
    assert "6217" not in json.dumps(documents)


def copy_for(rabbitmq: Broker, elastic: ElasticNode, folder: Path) -> Path:
    """Copy the example, and change where its servers are, and who asks them: nothing else."""
    shutil.copy(FOLDER / "tasks.py", folder)
    pipeline = yaml.safe_load((FOLDER / "pipeline.yaml").read_text())
    pipeline |= {"name": rabbitmq.prefix, "broker": {"url": rabbitmq.url}}
    sink = pipeline["logs"]["search"]["elasticsearch"]
    sink |= {"hosts": [elastic.url], "basic_auth": {"user": "shop", "password": PASSWORD}}
    elastic.stream = sink["data_stream"]
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    return folder / "pipeline.yaml"
