"""What `ebats validate` imports: it is run at every commit and at every key that an editor sees."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Beside the standard library. `jsonschema` comes where there is a schema, or something to explain.
THIRD_PARTY = {"yaml", "cronsim"}
#: Of the standard library, what takes long to import, or belongs to what only a run does.
HEAVY = {
    *(
        "asyncio",
        "concurrent",
        "email",
        "http",
        "logging",
        "multiprocessing",
        "selectors",
        "socket",
        "sqlite3",
    ),
    *("ssl", "subprocess", "tempfile", "unittest", "urllib.request", "uuid", "xml", "zipfile"),
    *("importlib.metadata", "importlib.resources"),
}

PROGRAM = """
import sys
begun = set(sys.modules)
from ebats.runner import cli
code = cli.main(sys.argv[1:])
print(*sorted(sys.modules.keys() - begun))
sys.exit(code)
"""


def imported_by(*arguments: str | Path) -> set[str]:
    """Return the modules that a command imports, in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


def third_party(modules: set[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in modules}
    return {top for top in tops - sys.stdlib_module_names if not top.startswith(("_", "cython"))}


def test_validate_imports_nothing_that_it_does_not_need() -> None:
    found = imported_by("validate", "--no-import", ROOT / "examples/shop/pipeline.yaml")
    assert third_party(found) <= {*THIRD_PARTY, "ebats"}
    assert not HEAVY & found


def test_importing_the_package_does_not_import_kombu_and_makes_its_transport_known() -> None:
    program = """
import sys, ebats
assert "kombu" not in sys.modules
import kombu.transport
print(kombu.transport.get_transport_cls("sqlite").__module__)
print([finder for finder in sys.meta_path if "ebats.runner" in type(finder).__module__])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "ebats.runner.broker.sqlite.transport\n[]\n"


def test_a_kombu_that_is_there_before_the_package_gets_the_transport_too() -> None:
    program = "import kombu.transport, ebats; print(kombu.transport.TRANSPORT_ALIASES['sqlite'])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "ebats.runner.broker.sqlite:Transport\n"
