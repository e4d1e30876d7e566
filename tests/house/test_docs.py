"""Docs cannot rot: what the code has, the docs have, and every page can be reached by links that work."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

# Patterns are written so that they do not match themselves. Paths of one machine, and papers that are not in this
# repository: a reader can open neither.
PRIVATE = {
    "a path of one machine": re.compile(r"(?<![\w.}])/(?:work|root|Users|home/[a-z]\w*|tmp/w)/"),
    "a page that is not in this repository": re.compile(r"\b(?:research/\w+[.]md|[D]ESIGN[.]md|[S]TYLE[.]md)"),
}


@pytest.fixture(scope="module")
def pages(root) -> dict[Path, str]:
    """Every page that a reader may open: path -> text."""
    top = [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    more = [page for folder in ("docs", "benchmarks") for page in sorted((root / folder).rglob("*.md"))]
    return {path: path.read_text(encoding="utf-8") for path in [*top, *more]}


@pytest.fixture(scope="module")
def reference(root) -> Path:
    return root / "docs" / "reference"


def prose(text: str) -> str:
    """The page without its code, where brackets are no links."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def links(page: Path, text: str) -> Iterator[tuple[Path, str]]:
    """The relative links of a page: (file, anchor or "")."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield ((page.parent / path).resolve() if path else page), anchor


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def generated(root: Path, script: str) -> str:
    """What the script writes. It runs by itself: warnings of the libraries that it imports are not our subject."""
    command = [sys.executable, str(root / "scripts" / script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_link_leads_somewhere(pages, root):
    broken = []
    for page, text in pages.items():
        for target, anchor in links(page, text):
            if not target.exists():
                broken.append(f"{page.relative_to(root)} -> {target.relative_to(root)}")
            elif anchor and target in pages and anchor not in anchors(pages[target]):
                broken.append(f"{page.relative_to(root)} -> {target.relative_to(root)}#{anchor}")
    assert broken == []


def test_every_page_can_be_reached_from_the_index(pages, root):
    start = root / "docs" / "index.md"
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        fresh = {target for target, _ in links(page, pages[page]) if target in pages} - reached
        reached |= fresh
        waiting += fresh
    docs = {page for page in pages if page.is_relative_to(root / "docs")}
    assert sorted(str(page.relative_to(root)) for page in docs - reached) == [], "link it from docs/index.md"


@pytest.mark.parametrize(("page", "script"), [("cli.md", "cli_reference.py"), ("settings.md", "settings_reference.py")])
def test_generated_pages_are_up_to_date(reference, root, page, script):
    assert (reference / page).read_text(encoding="utf-8") == generated(root, script), "run: make docs"


def test_every_setting_is_in_the_reference(reference, package_sources):
    page = (reference / "settings.md").read_text(encoding="utf-8")
    missing = []
    for source in package_sources:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ClassDef):
                continue
            fields = {one.target.id: one for one in node.body if isinstance(one, ast.AnnAssign)}
            section = fields.pop("SECTION", None)
            if section is not None and section.value is not None:
                table = page.partition(f"\n## [{ast.literal_eval(section.value)}]\n")[2].partition("\n## ")[0]
                missing += [f"{node.name}.{name}" for name in fields if f"| `{name}` |" not in table]
    assert missing == [], "run: make docs"


def test_every_error_is_in_the_reference(reference, package_sources):
    page = (reference / "errors.md").read_text(encoding="utf-8")
    classes = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for source in package_sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    }
    errors = {"PalateError"}
    while more := {name for name, bases in classes.items() if bases & errors} - errors:
        errors |= more
    assert len(errors) > 5, "the tree of errors was not found"
    assert [name for name in sorted(errors) if f"`{name}`" not in page] == []


VERBS = {"get", "post", "put", "patch", "delete"}


def routes(tree: ast.Module) -> Iterator[str]:
    """ "GET /v1/..." for every route that the file declares on an app or router."""
    prefixes = {
        ast.unparse(node.targets[0]): ast.literal_eval(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for keyword in node.value.keywords
        if keyword.arg == "prefix"
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        path = node.args[0]
        is_path = isinstance(path, ast.Constant) and isinstance(path.value, str) and path.value.startswith("/")
        if node.func.attr in VERBS and is_path:
            yield f"{node.func.attr.upper()} {prefixes.get(ast.unparse(node.func.value), '')}{path.value}"


def test_routes_are_found_with_their_prefix():
    tree = ast.parse('r = APIRouter(prefix="/v1")\n@r.get("/users/{id}/taste")\ndef taste(id): ...\n')
    assert list(routes(tree)) == ["GET /v1/users/{id}/taste"]


def test_every_route_is_in_the_reference(reference, package_sources):
    page = re.sub(r"[ \t]+", " ", (reference / "http.md").read_text(encoding="utf-8"))
    found = [route for source in package_sources if source.room == "api" for route in routes(source.tree)]
    assert found, "no route was found in src/palate/api; teach `routes` how they are declared"
    assert [route for route in found if route not in page] == []


def test_every_surface_is_in_the_docs(root, package_sources):
    """What stands as the name in a Recipe or a Surface."""
    page = (root / "docs" / "rooms" / "surfaces.md").read_text(encoding="utf-8")
    names = {
        node.args[0].value
        for source in package_sources
        if source.room == "surfaces"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("Recipe", "Surface")
        and isinstance(node.args[0], ast.Constant)
    }
    assert names, "no recipe was found in src/palate/surfaces"
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_every_metric_of_the_server_is_in_the_docs(pages, package_sources, root):
    """What /metrics shows: the first argument of Counter, Gauge, Histogram and Summary."""
    docs = "\n".join(text for page, text in pages.items() if page.is_relative_to(root / "docs"))
    kinds = {"Counter", "Gauge", "Histogram", "Summary"}
    names = [
        node.args[0].value
        for source in package_sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in kinds
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    assert [name for name in names if name not in docs] == []


def test_what_is_committed_can_be_read_by_anybody(root):
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, capture_output=True, text=True, cwd=root, check=False)
    if done.returncode != 0:
        pytest.skip(f"not a git checkout: {done.stderr.strip()}")
    found = []
    for name in sorted(set(done.stdout.splitlines())):
        path = root / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" in content:
            continue  # a picture or a sound
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            found += [f"{name}:{number} has {what}" for what, pattern in PRIVATE.items() if pattern.search(line)]
    assert found == []


def test_the_changelog_knows_this_version(root):
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    heads = re.findall(r"^## \[([^\]]+)\]", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {version, "Unreleased"} & set(heads)
    assert len(heads) == len(set(heads))
