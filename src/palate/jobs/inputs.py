"""What every fit reads, as arrays: taken from a home once, kept on disk so that a killed run goes on with the same."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from palate.catalog.catalog import Catalog
from palate.catalog.columns import ItemColumns, Playlists
from palate.catalog.playlists import load as load_playlists
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
        """What was known before `moment`: its listens, and the places on playlists that were dated before it."""
        known = ~(self.playlists.added >= moment)  # an unknown date counts as always there
        return replace(self, history=self.history.until(moment), playlists=self.playlists.take(known))

    def save(self, folder: Path) -> None:
        """Writes the three parts; `load` gives them back."""
        folder.mkdir(parents=True, exist_ok=True)
        self.columns.save(folder / "columns.npz")
        self.playlists.save(folder / "playlists.npz")
        arrays = {f.name: np.asarray(getattr(self.history, f.name)) for f in fields(History)}
        write_arrays(folder / "history.npz", **arrays)

    @classmethod
    def load(cls, folder: Path) -> "Inputs":
        """Reads what `save` wrote."""
        arrays = read_arrays(folder / "history.npz")
        users, n_items = [str(u) for u in arrays.pop("users")], int(arrays.pop("n_items"))
        history = History(**arrays, users=users, n_items=n_items)
        return cls(history, Playlists.load(folder / "playlists.npz"), ItemColumns.load(folder / "columns.npz"))


def settle(home: Home) -> None:
    """Makes a stub in the catalogue for each item that was heard but never imported.

    Raises BadInput for a home without listens.
    """
    with ListeningLog(home.log) as log:
        if log.end_offset() == 0:
            raise BadInput(f"{home.root} has no listens yet; run `palate import listens FILE` first")
        heard = log.item_ids()
    catalog = Catalog.open(home.catalog)
    if catalog.ensure(heard):
        catalog.save()


def gather(home: Home) -> Inputs:
    """Reads a settled home's log, catalogue and playlists."""
    catalog = Catalog.open(home.catalog)
    with ListeningLog(home.log) as log:
        calendar = log.calendar()
        history = log.history(catalog.rows_of(log.item_ids()), len(catalog))
    columns = catalog.columns()
    playlists = load_playlists(home.catalog, catalog)
    return Inputs(
        history,
        replace(playlists, added=calendar.home_times(playlists.added), removed=calendar.home_times(playlists.removed)),
        replace(columns, released=calendar.home_times(columns.released)),
    )
