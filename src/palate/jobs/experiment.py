"""The experiments of a home: who is in which variant, how they stand, and their exposures as a file."""

from pathlib import Path

import numpy as np

from palate.core.errors import BadInput
from palate.core.experiment import Experiment, experiment
from palate.core.home import Home
from palate.core.ids import UserId
from palate.core.settings import read_settings
from palate.evaluation.online.report import Judged, judge
from palate.listening.exposures import FILE, ExposureLog
from palate.listening.log import ListeningLog


def assign(home: Home, name: str, users: list[str]) -> dict[str, str | None]:
    """The variant of each listener, None for who is not in the experiment; nobody has to be known to the home."""
    declared = _declared(home, name)
    return {user: declared.assign(UserId(user)) for user in users}


def report(home: Home, name: str) -> Judged:
    """The experiment judged by the home's exposures and listens; BadInput when nobody has met it yet."""
    declared = _declared(home, name)
    with ExposureLog(_exposures(home, name)) as shown, ListeningLog(home.log) as log:
        exposures, n_items = shown.read(name), len(log.item_ids())
        if not len(exposures):
            raise _unmet(home, name)
        history = log.history(np.arange(n_items, dtype=np.int32), n_items)
        return judge(declared, exposures, history, log.calendar())


def export(home: Home, name: str, out: Path) -> int:
    """Writes the experiment's exposures to `out`, one JSON object a line; gives how many."""
    _declared(home, name)
    with ExposureLog(_exposures(home, name)) as shown:
        return shown.export(out, name)


def _declared(home: Home, name: str) -> Experiment:
    return experiment(read_settings(home.require().settings), name)


def _exposures(home: Home, name: str) -> Path:
    path = home.listening / FILE
    if not path.is_file():
        raise _unmet(home, name)
    return path


def _unmet(home: Home, name: str) -> BadInput:
    return BadInput(
        f"nobody has met experiment {name} in {home.root} yet; log what is shown with listening.exposures.ExposureLog"
    )
