"""A trained home for all tests of the room, and clients of servers on copies of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.api.app import create_app
from palate.core.home import Home

from .homes import TestClient, copy_of, trained_home


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Not to be written to: take a copy."""
    return trained_home(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def home(trained: Home, tmp_path: Path) -> Home:
    """A copy of the trained home."""
    return copy_of(trained, tmp_path)


@pytest.fixture(scope="module")
def client(trained: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server on one copy for the whole file; a fault of the server raises here."""
    with TestClient(create_app(copy_of(trained, tmp_path_factory.mktemp("served")))) as client:
        yield client


@pytest.fixture(scope="module")
def user(client: TestClient) -> str:
    """A listener who is known."""
    return client.get("/v1/users", params={"n": 1}).json()["users"][0]
