"""What the tests of the house share: the repository, and every Python file of it, parsed once."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file. `path` is relative to the repository; `room` is "" outside the package's rooms."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        parts = self.path.parts
        return parts[2] if parts[:2] == ("src", "palate") and len(parts) > 3 else ""

    @property
    def in_room(self) -> str:
        """The path inside the package, e.g. "core/items.py"."""
        return "/".join(self.path.parts[2:])


def parsed(folder: str) -> list[Source]:
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).rglob("*.py"))}
    return [Source(path.relative_to(ROOT), text, ast.parse(text, path)) for path, text in texts.items()]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def package_sources() -> list[Source]:
    """Every file of src/palate."""
    return parsed("src/palate")


@pytest.fixture(scope="session")
def all_sources(package_sources: list[Source]) -> list[Source]:
    """Every Python file of the repository."""
    return package_sources + [
        one for folder in ("tests", "scripts", "benchmarks", "examples") for one in parsed(folder)
    ]


@pytest.fixture(scope="session")
def rooms(root: Path) -> set[str]:
    """The folders of src/palate."""
    return {path.parent.name for path in (root / "src" / "palate").glob("*/__init__.py")}
