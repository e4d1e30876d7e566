"""A browser without a window, and a served world for it to look at."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.homes import trained_home
from api.servers import Running, running

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip

Browse = Callable[..., str]


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no chromium here; `make system` installs it")
    return found


@pytest.fixture(scope="session")
def served(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The simulated world, served; made only where there is a browser."""
    with running(trained_home(tmp_path_factory.mktemp("world"))) as server:
        yield server


@pytest.fixture
def browse(chromium: str, tmp_path: Path) -> Browse:
    """browse(address, *flags): what chromium writes to stdout, with a profile of its own."""

    def run(address: str, *flags: str) -> str:
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2_000:]
        return done.stdout

    return run
