"""Which items of a space are looked at: those that had company in what it was taught with, and that have a label.

Labels never place a point: the songs are imported without their genres, and an item that borrows the mean vector of its
artist or genre (embeddings/items.py) is left out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.catalog.catalog import Catalog
from palate.catalog.columns import Playlists
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.items import KINDS
from palate.embeddings.company import fit_company
from palate.embeddings.foundation import kept_company
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.embeddings.teacher import TeacherSettings
from palate.jobs.fit import FitSettings, fit_space
from palate.jobs.importing import import_items, import_playlists
from palate.jobs.inputs import gather, simulated

NEEDED = ("track_id", "playlist_id", "playlist_genre", "playlist_subgenre")
NO_GENRES = {"genres": "", "subgenres": ""}  # of an import: they are labels and must not reach the vectors


@dataclass(frozen=True)
class View:
    """What is drawn and measured; rows are items.

    directions # (items, dim) float32, unit norm, without popularity
    labels     # by what they are ("genre"): names, and (items, names) above 0 where an item has one
    artists    # (items, artists)
    playlists  # (items, playlists) of the space's teaching and of the labels
    left_out   # by why: how many items that have a label are not here
    """

    name: str
    directions: NDArray[np.float32]
    labels: dict[str, tuple[list[str], sp.csr_matrix]]
    artists: sp.csr_matrix
    playlists: sp.csr_matrix
    left_out: dict[str, int]
    simulated: bool = False

    def __len__(self) -> int:
        return len(self.directions)

    @property
    def apart(self) -> dict[str, list[sp.csr_matrix]]:
        """Which neighbours are left out, by words for it."""
        others = {"everything": [], "other artists": [self.artists]}
        return others | {"and other playlists": [self.artists, self.playlists]}


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(items, dim - 1) float32, unit norm or zeros: item vectors without popularity, their last coordinate."""
    factors = np.array(vectors[:, :-1], np.float32)
    length = np.linalg.norm(factors, axis=1, keepdims=True)
    np.divide(factors, length, out=factors, where=length > 0)
    return factors


def view_of(
    name: str, vectors: NDArray[np.float32], inputs: Inputs, labels: dict[str, tuple[list[str], sp.csr_matrix]],
    playlists: Sequence[sp.csr_matrix] = (),
) -> View:  # fmt: skip
    """The items of `inputs`, which taught the `vectors` (items, dim), that had company and have a label of each sort.

    playlists # each (items, playlists): where items stand besides, as in the playlists that give the labels
    """
    n_items = len(vectors)
    named = np.all([np.asarray(table.sum(axis=1)).ravel() > 0 for _, table in labels.values()], axis=0)
    directions = unit(vectors)
    known = kept_company(inputs)[:n_items]
    kept = np.flatnonzero(named & known & directions.any(axis=1))
    if not len(kept):
        raise BadInput(f"{name}: no item has both a label and company; import genres, and listens or playlists, first")
    artist = inputs.columns.artist[:n_items]
    stays = inputs.playlists.take(inputs.playlists.item < n_items)
    everywhere = sp.hstack([places(stays, n_items), *playlists, sp.csr_matrix((n_items, 1))]).tocsr()
    return View(
        name=name,
        directions=directions[kept],
        labels={sort: (names, table[kept]) for sort, (names, table) in labels.items()},
        artists=matrix(np.flatnonzero(artist >= 0), artist[artist >= 0], n_items)[kept],
        playlists=everywhere[kept],
        left_out={"without company": int((named & ~known).sum())},
    )


def matrix(rows: NDArray[np.int64], columns: NDArray[np.int64], n_rows: int) -> sp.csr_matrix:
    """(n_rows, columns) float32 that counts the pairs."""
    width = int(columns.max(initial=-1)) + 1
    return sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (n_rows, max(width, 1)))


def places(playlists: Playlists, n_items: int) -> sp.csr_matrix:
    """(items, playlists): which item stands on which."""
    there = playlists.item >= 0
    return matrix(playlists.item[there], playlists.playlist[there], n_items)


def home_view(home: Home, kind: str) -> View:
    """The live space of a home, labelled with each item's first genre.

    kind: whose genres: those of tracks and of episodes have nothing in common. NotTrained without a live space.
    """
    space, inputs = Spaces(home.spaces).live, gather(home)
    n_items = len(space.item_vectors)
    genre = np.where(inputs.columns.kind == [one.value for one in KINDS].index(kind), inputs.columns.genre, -1)[
        :n_items
    ]
    labelled = np.flatnonzero(genre >= 0)
    labels = {"genre": (inputs.columns.genres, matrix(labelled, genre[labelled], n_items))}
    found = view_of(f"{home.root.name}, {space.label}", space.item_vectors, inputs, labels)
    return replace(found, simulated=simulated(home))


@dataclass(frozen=True)
class Songs:
    """Songs on playlists that have a genre, and a home that knows them.

    table # a row a song on a playlist: NEEDED
    rows  # (rows of the table,) the song's row in the home's catalogue, -1 if it is not there
    """

    table: pl.DataFrame
    rows: NDArray[np.int32]
    inputs: Inputs

    @classmethod
    def beside(cls, table: pl.DataFrame, files: list[Path], root: Path) -> "Songs":
        """Imports `files` (a row a song on a playlist) into a new home at `root`, without genres."""
        home, now = Home(root), time.time()
        home.root.mkdir(parents=True)
        home.settings.touch()
        import_items(home, files, NO_GENRES, False, now)
        import_playlists(home, files, {"item_id": "track_id", "playlist_id": "playlist_id"}, False, now)
        return cls(table, Catalog.open(home.catalog).rows_of(table["track_id"].to_list()), gather(home))

    def view(self, name: str, taught: NDArray[np.bool_], labelling: NDArray[np.bool_]) -> View:
        """What a space looks like that was taught with some playlists, labelled by others.

        taught    # (playlists of the home,) which teach
        labelling # (rows of the table,) which give labels
        """
        chosen = self.inputs.playlists.take(taught[self.inputs.playlists.playlist])
        inputs, n_items = replace(self.inputs, playlists=chosen), len(self.inputs.columns)
        labels, there = {}, labelling & (self.rows >= 0)
        rows = self.rows[there]
        for sort in ("genre", "subgenre"):
            names, codes = np.unique(self.table[f"playlist_{sort}"].to_numpy()[there].astype(str), return_inverse=True)
            labels[sort] = (names.tolist(), matrix(rows, codes, n_items))
        _, lists = np.unique(self.table["playlist_id"].to_numpy()[there].astype(str), return_inverse=True)
        # Nobody listens here: such a space is the first factorization alone.
        settings = FitSettings(teacher=TeacherSettings(ensemble=1))
        space = fit_space(inputs, fit_company(inputs.history, inputs.playlists), settings)
        return view_of(name, space.vectors, inputs, labels, [matrix(rows, lists, n_items)])

    def halved(self, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Half of the playlists for `view` to be taught with, and the rows of the other half for labels."""
        ids = self.inputs.playlists.ids
        taught = np.zeros(len(ids), np.bool_)
        taught[np.random.default_rng(seed).permutation(len(ids))[: len(ids) // 2]] = True
        teaching = [one for one, teaches in zip(ids, taught, strict=True) if teaches]
        return taught, ~self.table["playlist_id"].is_in(teaching).to_numpy()


def read_songs(path: Path) -> pl.DataFrame:
    """The table of songs on playlists; BadInput when a column is missing."""
    table = pl.read_parquet(path)
    if missing := [name for name in NEEDED if name not in table.columns]:
        raise BadInput(f"{path} has no column {', '.join(missing)}; it needs {', '.join(NEEDED)}")
    return table.drop_nulls(NEEDED)
