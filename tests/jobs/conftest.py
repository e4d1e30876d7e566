"""One simulated world and one trained home for all tests of the room."""

from pathlib import Path

import pytest

from palate.core.home import Home
from palate.jobs.chain import train

from .small_homes import copied, filled, write_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the world's files."""
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def trained(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was trained once. Not to be written to: take `own`."""
    home = filled(tmp_path_factory.mktemp("trained") / "home", world)
    train(home)
    return home


@pytest.fixture
def own(trained: Home, tmp_path: Path) -> Home:
    """A copy of the trained home."""
    return copied(trained, tmp_path / "home")
