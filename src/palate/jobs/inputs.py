"""What every fit reads, as arrays: taken from a home once, kept on disk so that a killed run goes on with the same."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from numpy.typing import NDArray

from palate.catalog.catalog import Catalog
from palate.catalog.columns import ItemColumns, Playlists, packed_texts, unpacked_texts
from palate.catalog.playlists import PlaylistTable
from palate.core.artefacts import read_arrays, write_arrays
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

    def until(self, moment: float) -> "Inputs":
        """What was known before `moment`: its listens, and the places on playlists that were dated before it.

        An item that none of these names was not known either if it was released later, or if the catalogue has little
        more than its id, which it then owes to a later listen: such an item counts as unavailable.
        """
        history = self.history.until(moment)
        playlists = self.playlists.take(~(self.playlists.added >= moment))  # an unknown date counts as always there
        known = _described(self.columns) & ~(self.columns.released >= moment)
        known[history.item] = True
        known[playlists.item[playlists.item >= 0]] = True
        return Inputs(history, playlists, replace(self.columns, available=self.columns.available & known))

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


def _described(columns: ItemColumns) -> NDArray[np.bool_]:
    """(items,) True where a catalogue said something of the item, rather than a listen naming its id."""
    dated = ~(np.isnan(columns.released) & np.isnan(columns.duration_seconds))
    described: NDArray[np.bool_] = (columns.artist >= 0) | (columns.genre >= 0) | (columns.language >= 0) | dated
    return described


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


def gather(home: Home, last_offset: int | None = None) -> Inputs:
    """Reads a settled home's log, up to `last_offset` if given, its catalogue and its playlists."""
    catalog = Catalog.open(home.catalog)
    with ListeningLog(home.log) as log:
        calendar = log.calendar()
        history = log.history(catalog.rows_of(log.item_ids()), len(catalog), last_offset=last_offset)
    columns = catalog.columns()
    playlists = PlaylistTable.open(home.catalog).playlists(catalog)
    return Inputs(
        history,
        replace(playlists, added=calendar.home_times(playlists.added), removed=calendar.home_times(playlists.removed)),
        replace(columns, released=calendar.home_times(columns.released)),
    )
