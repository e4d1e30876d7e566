"""What every fit reads, as arrays: taken from a home once, kept on disk so that a killed run goes on with the same.

Taken as of a moment, the inputs are those that the home had at that moment: nothing that was dated later is in them,
and no later pause either (core/clock.py).
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from palate.catalog.catalog import Catalog
from palate.catalog.columns import ItemColumns, Playlists, packed_texts, unpacked_texts
from palate.catalog.playlists import PlaylistTable
from palate.core.artefacts import read_arrays, write_arrays
from palate.core.clock import PAUSE_SECONDS, Calendar
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.listening.history import History
from palate.listening.log import ListeningLog


@dataclass(frozen=True)
class Inputs:
    """The history, the playlists and the catalogue's columns; all times are home seconds."""

    history: History
    playlists: Playlists
    columns: ItemColumns

    @property
    def end(self) -> float:
        """Just after the last listen; without any, after the last dated place on a playlist; else 0.0."""
        if len(self.history):
            return self.history.end
        return float(np.max(self.playlists.added + 1.0, initial=0.0, where=np.isfinite(self.playlists.added)))

    def until(self, moment: float) -> "Inputs":
        """What was known before `moment` (home seconds): its listens, and what on playlists was dated before it.

        Of the items, those that were not known yet count as unavailable.
        """
        return _known(self.history.until(moment), self.playlists, self.columns, moment)

    def save(self, folder: Path) -> None:
        """Writes the three parts; `load` gives them back."""
        folder.mkdir(parents=True, exist_ok=True)
        self.columns.save(folder / "columns.npz")
        self.playlists.save(folder / "playlists.npz")
        arrays = {f.name: np.asarray(getattr(self.history, f.name)) for f in fields(History) if f.name != "users"}
        write_arrays(folder / "history.npz", **arrays, users=packed_texts(self.history.users))

    @classmethod
    def load(cls, folder: Path) -> "Inputs":
        """Reads what `save` wrote."""
        arrays = read_arrays(folder / "history.npz")
        users, n_items = unpacked_texts(arrays.pop("users")), int(arrays.pop("n_items"))
        history = History(**arrays, users=users, n_items=n_items)  # type: ignore[arg-type]  # no user is None
        return cls(history, Playlists.load(folder / "playlists.npz"), ItemColumns.load(folder / "columns.npz"))


def is_simulated(inputs: Inputs) -> bool:
    """True when any listener is one of the simulated world's."""
    return any(user.startswith("sim-") for user in inputs.history.users)


def _known(history: History, playlists: Playlists, columns: ItemColumns, moment: float) -> Inputs:
    """The inputs before `moment`, in the time of `playlists` and `columns`; `history` ends there already.

    An unknown date counts as always there. An item that no listen and no playlist names was not known either if it was
    released later, or if the catalogue has little more than its id, which it then owes to a later listen.
    """
    playlists = playlists.take(~(playlists.added >= moment))
    dated = ~(np.isnan(columns.released) & np.isnan(columns.duration_seconds))
    described = (columns.artist >= 0) | (columns.genre >= 0) | (columns.language >= 0) | dated
    known = described & ~(columns.released >= moment)
    known[history.item] = True
    known[playlists.item[playlists.item >= 0]] = True
    return Inputs(history, playlists, replace(columns, available=columns.available & known))


def settle(home: Home) -> None:
    """Makes a stub in the catalogue for each item that was heard but never imported.

    Raises BadInput for a home without listens and without playlists: nothing can be learnt there.
    """
    with ListeningLog(home.log) as log:
        heard = log.item_ids()
    catalog = Catalog.open(home.catalog)
    if not heard and not len(PlaylistTable.open(home.catalog)):
        raise BadInput(f"{home.root} has no listens yet; run `palate import listens FILE` first")
    if (catalog.rows_of(heard) < 0).any():
        with Catalog.changing(home.catalog) as latest:  # it may have changed since
            latest.ensure(heard)


def gather(home: Home, last_offset: int | None = None, at: float | None = None) -> Inputs:
    """Reads a settled home: its log up to `last_offset`, its catalogue, its playlists.

    at: only what was known before it (unix seconds), as in `Inputs.until`; None for everything.
    """
    catalog = Catalog.open(home.catalog)
    with ListeningLog(home.log) as log:
        calendar = _calendar(log, at)
        history = log.history(catalog.rows_of(log.item_ids()), len(catalog), at, last_offset=last_offset)
    inputs = Inputs(history, PlaylistTable.open(home.catalog).playlists(catalog), catalog.columns())
    if at is not None:
        inputs = _known(history, inputs.playlists, inputs.columns, at)
    added, removed = (calendar.home_times(times) for times in (inputs.playlists.added, inputs.playlists.removed))
    return Inputs(
        history,
        replace(inputs.playlists, added=added, removed=removed),
        replace(inputs.columns, released=calendar.home_times(inputs.columns.released)),
    )


def moment_of(home: Home, inputs: Inputs, at: float | None) -> float:
    """The home time of `at` (unix seconds) when it came; None for just after the last of `inputs`, which end there.

    A silence that lasts on at that moment is a pause if it was long enough by then, so it is cut as by a publication.
    """
    if at is None:
        return inputs.end
    with ListeningLog(home.log) as log:
        moment = _calendar(log, at).home_time(at)
    return inputs.end if len(inputs.history) and moment - inputs.end >= PAUSE_SECONDS else moment


def _calendar(log: ListeningLog, at: float | None) -> Calendar:
    """The log's calendar as it was at `at`, without the pauses that ended later."""
    pauses = log.calendar().pauses
    return Calendar(pauses if at is None else tuple(pause for pause in pauses if pause[1] <= at))
