"""What is known at a moment, as arrays: what every fit reads, and the barrier behind which the future stays.

Taken as of a moment, the inputs are those that the home had at that moment: nothing that was dated later is in them,
and no later pause either (core/clock.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.artefacts import packed_texts, read_arrays, unpacked_texts, write_arrays
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns


@dataclass(frozen=True)
class Inputs:
    """The history, the playlists, the catalogue's columns and the listeners'; all times are home seconds."""

    history: History
    playlists: Playlists
    columns: ItemColumns
    listeners: ListenerColumns = field(default_factory=lambda: ListenerColumns({}))

    @property
    def end(self) -> float:
        """Just after the last listen; without any, after the last dated place on a playlist; else 0.0."""
        if len(self.history):
            return self.history.end
        return float(np.max(self.playlists.added + 1.0, initial=0.0, where=np.isfinite(self.playlists.added)))

    def until(self, moment: float) -> "Inputs":
        """What was known before `moment` (home seconds): its listens, and what on playlists was dated before it.

        Of the items, those that were not known yet count as unavailable, and nothing is told of them.
        """
        return known_before(replace(self, history=self.history.until(moment)), moment)

    def save(self, folder: Path) -> None:
        """Writes the parts; `load` gives them back."""
        folder.mkdir(parents=True, exist_ok=True)
        self.columns.save(folder / "columns.npz")
        self.playlists.save(folder / "playlists.npz")
        self.listeners.save(folder / "listeners.npz")
        arrays = {f.name: np.asarray(getattr(self.history, f.name)) for f in fields(History) if f.name != "users"}
        write_arrays(folder / "history.npz", **arrays, users=packed_texts(self.history.users))

    @classmethod
    def load(cls, folder: Path) -> "Inputs":
        """Reads what `save` wrote."""
        arrays = read_arrays(folder / "history.npz")
        users, n_items = unpacked_texts(arrays.pop("users")), int(arrays.pop("n_items"))
        history = History(**arrays, users=users, n_items=n_items)
        listeners = folder / "listeners.npz"
        return cls(
            history,
            Playlists.load(folder / "playlists.npz"),
            ItemColumns.load(folder / "columns.npz"),
            ListenerColumns.load(listeners) if listeners.is_file() else ListenerColumns({}),  # runs before 0.2
        )


def is_simulated(inputs: Inputs) -> bool:
    """True when any listener is one of the simulated world's."""
    return any_simulated(inputs.history.users)


def any_simulated(users: Iterable[str]) -> bool:
    """True when any of these ids is a listener of the simulated world."""
    return any(user.startswith("sim-") for user in users)


def known_before(inputs: Inputs, moment: float) -> Inputs:
    """The inputs before `moment`, in the time of their playlists and columns; their history ends there already.

    An unknown date counts as always there; what was removed later is still there. An item that no listen and no
    playlist names was not known either if it was released later, or if the catalogue has little more than its id,
    which it then owes to a later listen.
    """
    history, columns = inputs.history, inputs.columns
    playlists = inputs.playlists.take(~(inputs.playlists.added >= moment))
    playlists = replace(playlists, removed=np.where(playlists.removed >= moment, np.nan, playlists.removed))
    dated = ~(np.isnan(columns.released) & np.isnan(columns.duration_seconds))
    described = (columns.artist >= 0) | (columns.genre >= 0) | (columns.language >= 0) | dated
    known = described & ~(columns.released >= moment)
    known[history.item] = True
    known[playlists.item[playlists.item >= 0]] = True
    return replace(inputs, playlists=playlists, columns=_only(columns, known))


def _only(columns: ItemColumns, known: NDArray[np.bool_]) -> ItemColumns:
    """The columns with nothing told of the items that are not known, which are unavailable.

    A described item without company borrows a vector, and iALS takes every item with a vector for one that a listener
    might have heard and did not: with tomorrow's releases described, they would shape today's tastes.
    """
    return replace(
        columns,
        available=columns.available & known,
        language=np.where(known, columns.language, -1).astype(np.int32),
        artist=np.where(known, columns.artist, -1).astype(np.int32),
        genre=np.where(known, columns.genre, -1).astype(np.int32),
        released=np.where(known, columns.released, np.nan),
        duration_seconds=np.where(known, columns.duration_seconds, np.nan).astype(np.float32),
        song=np.where(known, columns.song, -1).astype(np.int32),
        energy=np.where(known, columns.energy, np.nan).astype(np.float32),
        tempo_bpm=np.where(known, columns.tempo_bpm, np.nan).astype(np.float32),
        valence=np.where(known, columns.valence, np.nan).astype(np.float32),
    )
