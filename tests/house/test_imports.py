"""Imports run one way: the table below is the law, docs/architecture.md is its picture."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch

import pytest

# What each room may import besides itself. Rooms of one rank do not know each other.
LINE = "core audio sources catalog listening embeddings store fresh retrieval ranking heads surfaces privacy"
ALLOWED: dict[str, str] = {
    "core": "",
    "audio": "core",
    "sources": "core audio",
    "catalog": "core sources",
    "listening": "core sources",
    "embeddings": "core audio sources catalog listening",
    "store": "core sources catalog listening embeddings",
    "fresh": "core sources catalog listening embeddings store",
    "retrieval": "core sources catalog listening embeddings store",
    "ranking": "core sources catalog listening embeddings store fresh retrieval",
    "heads": "core sources catalog listening embeddings store fresh retrieval ranking",
    "surfaces": "core sources catalog listening embeddings store fresh retrieval ranking heads",
    "privacy": "core sources catalog listening embeddings store fresh",
    "api": LINE,
    "evaluation": LINE,
    "testing": LINE,
    "lab": "core",
    "jobs": f"{LINE} evaluation lab",
    "cli": f"{LINE} api evaluation jobs lab",
}

# Files that import or train, now and then, on the machine that has the log: the only ones that may need the `train`
# extra as soon as they are imported. Everything else has to work on a machine that only serves.
TRAINING = (
    "audio/*",
    "sources/*",
    "catalog/catalog.py",
    "catalog/playlists.py",
    "catalog/tables.py",
    "embeddings/foundation.py",
    "embeddings/items.py",
    "embeddings/newcomers.py",
    "embeddings/student.py",
    "embeddings/teacher.py",
    "embeddings/training.py",
    "evaluation/*",
    "jobs/*",
    "lab/*",
    "testing/*",
)

BROUGHT = {"starlette", "pydantic"}  # come with fastapi, whose names they share
IMPORT_NAMES = {
    "faiss-cpu": "faiss",
    "scikit-learn": "sklearn",
    "prometheus-client": "prometheus_client",
    "markdown-it-py": "markdown_it",
}
OURS_AND_PYTHONS = {"palate", "__future__"}


def imported(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Every import among `nodes`: (line, full dotted name). `from palate import core` gives "palate.core"."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the full name, not a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not the bodies of functions, nor what is there for the type checker."""
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        if not for_types and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from run_on_import(child)


def libraries(requirements: list[str]) -> set[str]:
    names = [re.split(r"[<>=\[; ]", one)[0] for one in requirements]
    return {IMPORT_NAMES.get(name, name) for name in names}


def is_training(in_room: str) -> bool:
    return any(fnmatch(in_room, pattern) for pattern in TRAINING)


@pytest.fixture(scope="module")
def declared(root) -> tuple[set[str], set[str]]:
    """(what the base install brings, what the extras `train`, `lab`, `redis` and `sound` add), by import name."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return libraries(project["dependencies"]) | BROUGHT, libraries(
        [one for name in ("train", "lab", "redis", "sound") for one in extras[name]]
    )


def foreign(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Every import of somebody else's library: (line, library)."""
    known = OURS_AND_PYTHONS | sys.stdlib_module_names
    for line, name in imported(nodes):
        library = name.partition(".")[0]
        if library not in known:
            yield line, library


def test_the_law_itself_runs_one_way():
    order = [room for room in ALLOWED if room not in ("evaluation", "testing")]
    for place, room in enumerate(order):
        earlier = set(order[:place]) | ({"evaluation"} if room in ("jobs", "cli") else set())
        assert set(ALLOWED[room].split()) <= earlier, f"{room} may import a room that comes after it"


def test_every_room_has_a_place_in_the_law(rooms):
    assert rooms - set(ALLOWED) == set(), "give the new room a line in ALLOWED and in docs/architecture.md"


def test_rooms_import_only_rooms_before_them(package_sources, rooms):
    wrong = []
    for source in package_sources:
        if not source.room:
            continue
        allowed = {source.room, *ALLOWED[source.room].split()}
        for line, name in imported(ast.walk(source.tree)):
            other = name.split(".")[1] if name.startswith("palate.") else ""
            if other in rooms and other not in allowed:
                wrong.append(f"{source.path}:{line} imports {name}, and {source.room} may not know {other}")
    assert wrong == []


def test_the_package_itself_imports_no_room_but_core(package_sources):
    opening = next(source for source in package_sources if source.in_room == "__init__.py")
    names = [name for _, name in imported(ast.walk(opening.tree)) if name.startswith("palate.")]
    assert [name for name in names if not name.startswith("palate.core.")] == [], "`import palate` has to stay light"


def test_every_library_is_declared(package_sources, declared):
    base, train = declared
    for_tests = {"pytest", "hypothesis"}  # what `testing` gives is for tests, and only there
    undeclared = [
        f"{source.path}:{line} imports {library}"
        for source in package_sources
        for line, library in foreign(ast.walk(source.tree))
        if library not in base | train | (for_tests if source.room == "testing" else set())
    ]
    assert undeclared == [], "declare it in pyproject.toml, or do without"


def test_serving_files_import_only_the_base_install_when_imported(package_sources, declared):
    base, _ = declared
    wrong = [
        f"{source.path}:{line} imports {library}"
        for source in package_sources
        if not is_training(source.in_room)
        for line, library in foreign(run_on_import(source.tree))
        if library not in base
    ]
    assert wrong == [], "import it inside the function that trains, or name the file in TRAINING"


def test_every_training_file_is_there(package_sources):
    files = [source.in_room for source in package_sources]
    assert [pattern for pattern in TRAINING if not any(fnmatch(file, pattern) for file in files)] == []


def test_serving_files_import_no_training_file_when_imported(package_sources):
    training = {
        f"palate.{source.in_room.removesuffix('.py').replace('/', '.').removesuffix('.__init__')}"
        for source in package_sources
        if is_training(source.in_room) and not source.in_room.endswith("/__init__.py")
    }
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in package_sources
        if not is_training(source.in_room)
        for line, name in imported(run_on_import(source.tree))
        if {name, name.rpartition(".")[0]} & training
    ]
    assert wrong == [], "import it inside the function that trains, or under TYPE_CHECKING"


def test_every_room_opens_with_its_four_lines(package_sources, rooms):
    for source in package_sources:
        if source.in_room not in {f"{room}/__init__.py" for room in rooms}:
            continue
        docstring = ast.get_docstring(source.tree) or ""
        found = re.findall(r"^(Takes|Gives|Promises|Does not know): \S", docstring, re.MULTILINE)
        assert found == ["Takes", "Gives", "Promises", "Does not know"], f"{source.path} has {found}"
        first = docstring.splitlines()[0]
        assert first.endswith("."), f"{source.path} opens with {first!r}, which is no sentence"
