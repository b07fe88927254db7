"""The house rules that a machine can check: which module may import what, and how long things are."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"ebats.pipelines": "pipelines", "ebats.runner": "runner", "ebats.schemas": "schemas"}

#: Imports point one way: each may import itself and those above it in this list.
LAYERS = (
    "ebats.schemas",
    "ebats.pipelines",
    "ebats.runner.execution",
    "ebats.runner.sinks",
    "ebats.runner.kibana",
    "ebats.runner.graph",
    "ebats.runner.broker",
    "ebats.runner.publishing",
    "ebats.runner.callbacks",
    "ebats.runner.gateway",
    "ebats.runner.client",
    "ebats.runner.alerts",
    "ebats.runner.roles",
    "ebats.runner.rehearsal",
    "ebats.runner",  # process, supervisor and what they need
    "ebats.runner.commands",
    "ebats.runner.cli",
    "ebats.__main__",
)

#: Which modules, and those below them, may name a package that is not in the standard library.
THIRD_PARTY = {
    "aiohttp": ("ebats.runner.callbacks", "ebats.runner.gateway", "ebats.runner.client"),
    "amqp": ("ebats.runner.broker",),
    "cronsim": ("ebats.pipelines.cron",),
    "elasticsearch": ("ebats.runner.sinks.elastic",),
    "jsonschema": (
        "ebats.pipelines.check",
        "ebats.pipelines.schema_faults",
        "ebats.runner.execution.keywords",
        "ebats.runner.execution.schemas",
    ),
    "jsonschema_rs": ("ebats.runner.execution.schemas",),
    "kombu": ("ebats.runner.broker",),
    "loguru": ("ebats.runner.sinks",),
    "msgspec": ("ebats.runner",),
    "referencing": ("ebats.pipelines.schema_faults", "ebats.runner.execution.schemas"),
    "setproctitle": ("ebats.runner.process", "ebats.runner.supervisor"),
    "shtab": ("ebats.runner.commands.completion",),
    "uvloop": ("ebats.runner.execution.slots", "ebats.runner.gateway"),
    "yaml": ("ebats.pipelines.source", "ebats.pipelines.yaml_nodes", "ebats.pipelines.yaml_text"),
    "yarl": ("ebats.runner.callbacks", "ebats.runner.rehearsal"),  # the URLs of aiohttp, which brings it
}

#: What turns a pure function into an effect: `pipelines` computes, it does nothing.
EFFECTS = {
    *("asyncio", "logging", "multiprocessing", "signal"),
    *("socket", "sqlite3", "subprocess", "threading", "time"),
}

MODULE_LINES, FUNCTION_LINES = 300, 50


def module_files() -> dict[str, Path]:
    """Find every module of the package, by its name, and the file that it is in."""
    found = {f"ebats.{path.stem}": path for path in (ROOT / "src/ebats").glob("*.py")}
    found["ebats"] = found.pop("ebats.__init__")
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            names = [part for part in parts if part != "__init__"]
            found[".".join([package, *names])] = path
    return found


MODULES = module_files()
SOURCES = [
    *MODULES.values(),
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "examples").rglob("*.py")),
]


def test_imports_point_one_way() -> None:
    none(
        [
            f"{module} imports {name}"
            for module in MODULES
            if module != "ebats"
            for name in inner_imports(module) - {"ebats"}
            if layer_of(name) > layer_of(module)
        ]
    )


def test_what_is_imported_is_there() -> None:
    none([f"{one} imports {name}" for one in MODULES for name in inner_imports(one) if name not in MODULES])


def test_no_modules_import_each_other() -> None:
    graph = {module: inner_imports(module) - {"ebats"} for module in MODULES if module != "ebats"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_the_package_itself_imports_little() -> None:
    outside = {name for name in imports_of(MODULES["ebats"]) if not within(name, "ebats")}
    assert outside <= sys.stdlib_module_names
    # All but the first two are imported when somebody asks for them.
    rooms = (
        *("ebats.runner.execution", "ebats.runner.broker.embedded"),
        *("ebats.runner.publishing.publisher", "ebats.runner.client", "ebats.runner.callbacks.request"),
    )
    none([name for name in inner_imports("ebats") if not any(within(name, room) for room in rooms)])


def test_third_party_packages_stay_in_their_rooms() -> None:
    none(
        [
            f"{module} imports {package}"
            for module in MODULES.keys() - {"ebats"}
            for package in {name.partition(".")[0] for name in imports_of(MODULES[module])} - {"ebats"}
            if package not in sys.stdlib_module_names
            if not any(within(module, room) for room in THIRD_PARTY.get(package, ()))
        ]
    )


def test_pipelines_are_pure() -> None:
    none(
        [
            f"{module} imports {name}"
            for module in MODULES
            if within(module, "ebats.pipelines")
            for name in imports_of(MODULES[module])
            if name.partition(".")[0] in EFFECTS
        ]
    )


def test_each_module_begins_with_a_sentence_about_its_job() -> None:
    own_words = [path for path in SOURCES if not path.name.startswith("test_") and tree_of(path).body]
    none([str(path.relative_to(ROOT)) for path in own_words if not introduced(path)])


def test_modules_and_functions_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    none([f"{name}: {lines} lines" for name, lines in lengths.items() if lines > MODULE_LINES])
    none(
        [
            f"{path.relative_to(ROOT)}:{function.lineno}: {function.name} has {length_of(function)} lines"
            for path in SOURCES
            for function in ast.walk(tree_of(path))
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            if length_of(function) > FUNCTION_LINES
        ]
    )


def test_no_file_names_somebodys_folders() -> None:
    machine = re.compile(r"(?<![\w.:/-])/(?:work|root|home)/\w|/tmp/\w*venv")
    paths = [*SOURCES, *ROOT.glob("*.*"), *ROOT.glob(".ci/*"), *(ROOT / "docs").rglob("*.md")]
    none(
        [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for path in paths
            # In a worktree, .git is a file, and names the folder that it belongs to.
            if path.is_file() and path.name != ".git" and path != Path(__file__)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if machine.search(line)
        ]
    )


def none(problems: list[str]) -> None:
    """Fail with all the problems, if there are any."""
    assert not problems, "\n" + "\n".join(sorted(problems))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports_of(path: Path) -> Iterator[str]:
    """List what a file imports when it runs: what it needs for its types alone is left out."""
    todo: list[ast.AST] = [tree_of(path)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)


def inner_imports(module: str) -> set[str]:
    """List the modules of ours that a module imports."""
    return {name for name in imports_of(MODULES[module]) if within(name, "ebats")} - {module}


def layer_of(module: str) -> int:
    """Give the place of a module in the list: that of the longest name that fits."""
    return LAYERS.index(max((name for name in LAYERS if within(module, name)), key=len))


def within(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def introduced(path: Path) -> bool:
    paragraph = (ast.get_docstring(tree_of(path)) or "").split("\n\n")[0]
    return paragraph.rstrip().endswith((".", ":", "?", "!"))


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function from `def` on, its docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - ((function.body[0].end_lineno or 0) - function.body[0].lineno + 1)
