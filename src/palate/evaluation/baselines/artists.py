"""More by the artists that this listener plays: the honest one to beat where an item was never played by anybody."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.catalog.columns import ItemColumns
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.profiles import Fading
from palate.evaluation.baselines.scored import Listed, Scores, positive


@dataclass(frozen=True)
class OwnArtists:
    """Items by the listener's plays of their artist, then by those of their genre, newest release first among equals.

    A play counts 2^(-age / half_life_days). Items of no artist and no genre of the listener get no score, and neither
    do unavailable ones: what the catalogue knows of them may be of later than the moment.
    """

    half_life_days: float = 30.0

    @property
    def name(self) -> str:
        return "own-artists"

    @staticmethod
    def takes_part(columns: ItemColumns) -> bool:
        """Whether the catalogue knows an artist or a genre of anything."""
        return bool((columns.artist >= 0).any() or (columns.genre >= 0).any())

    def fit(self, known: Inputs, at: float) -> Listed:
        return Listed.seeing(known.history, at, Makers.of(known.columns), Fading(self.half_life_days, every_play=True))


@dataclass(frozen=True)
class Makers:
    """The item side.

    by_artist # (n_items, artists) sparse, 1 for the artist of each item
    by_genre  # (n_items, genres) sparse, 1 for its genre
    newness   # (n_items,) float64: 0 for the oldest release or an unknown date, one more for each newer date
    available # (n_items,) bool
    """

    by_artist: sparse.csr_array
    by_genre: sparse.csr_array
    newness: NDArray[np.float64]
    available: NDArray[np.bool_]

    @classmethod
    def of(cls, columns: ItemColumns) -> "Makers":
        """What the catalogue knows."""
        released = np.where(np.isnan(columns.released), -np.inf, columns.released)
        newness = np.unique(released, return_inverse=True)[1].astype(np.float64)
        return cls(_members(columns.artist), _members(columns.genre), newness, columns.available)

    def scores(self, profiles: sparse.csr_array) -> Scores:
        """Ranks as the digits of one whole number, artist before genre before newness: plays cannot be too close."""
        artist, genre = (_place(profiles, group) for group in (self.by_artist, self.by_genre))
        dates = self.newness.max(initial=0.0) + 1.0
        genres = self.by_genre.shape[1] + 1.0
        spoken_for = positive(artist * genres + genre)
        return np.where(self.available, spoken_for * dates + self.newness, -np.inf)


def _members(code: NDArray[np.int32]) -> sparse.csr_array:
    """(items, groups) of ones; a code of -1 is no group."""
    known = np.flatnonzero(code >= 0)
    shape = (len(code), int(code.max(initial=-1)) + 1)
    return sparse.csr_array(sparse.coo_array((np.ones(len(known)), (known, code[known])), shape=shape))


def _place(profiles: sparse.csr_array, group: sparse.csr_array) -> NDArray[np.float64]:
    """(b, n_items): 0 for items of a group without plays, 1 for the least played group, and so on; equals are level."""
    plays = sparse.csr_array(profiles @ group)
    row = np.repeat(np.arange(plays.shape[0]), np.diff(plays.indptr))
    order = np.lexsort((plays.data, row))
    other = np.ones(len(order), np.bool_)
    other[1:] = (np.diff(row[order]) != 0) | (np.diff(plays.data[order]) != 0)
    step = np.cumsum(other)
    before = np.concatenate([[0], step])[plays.indptr[row]]  # the steps of the rows above
    plays.data[order] = step - before  # `order` keeps rows together, so `row` is in place
    return np.asarray((plays @ group.T).toarray())
