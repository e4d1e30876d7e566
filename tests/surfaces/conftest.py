"""A trained home, opened for answering, once for all tests of the surfaces in a process."""

from collections.abc import Iterator

import pytest

from api.homes import trained_home
from palate.core.clock import Clock
from palate.listening.log import ListeningLog
from palate.surfaces.live import LiveHome


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHome]:
    home = trained_home(tmp_path_factory.mktemp("live"))
    with ListeningLog(home.log) as log:
        opened = LiveHome.open(home, Clock(log.calendar()))
    with opened.items:
        yield opened
