"""A small simulated home whose live space has learnt until six weeks before the end of the log."""

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.homes import trained_home
from palate.core.clock import DAY_SECONDS
from palate.core.home import Home
from palate.listening.log import ListeningLog

WEEKS_AFTER = 6


@dataclass(frozen=True)
class Trained:
    """home: taste@1 has learnt from all of the log, taste@2 (live, turned onto it) from what was before `until`.

    until, end # unix seconds
    """

    home: Home
    until: float
    end: float

    def copied(self, folder: Path) -> "Trained":
        """The same, to write to."""
        shutil.copytree(self.home.root, folder / "home")
        return Trained(Home(folder / "home"), self.until, self.end)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Not to be written to."""
    home = trained_home(tmp_path_factory.mktemp("heads"))
    with ListeningLog(home.log) as log:
        end = max(float(batch.timestamp.max()) for batch in log.replay(0))
    until = end - WEEKS_AFTER * 7 * DAY_SECONDS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what luigi and implicit say when imported is no subject of these tests
        from palate.jobs.chain import train

        train(home, until)
    return Trained(home, until, end)


@pytest.fixture
def own(trained: Trained, tmp_path: Path) -> Trained:
    """A copy of one's own."""
    return trained.copied(tmp_path)
