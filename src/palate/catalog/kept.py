"""What each playlist holds now, as a server keeps it: rows of the catalogue, without a past."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import Playlists
from palate.core.artefacts import file_mark, packed_texts, read_arrays, unpacked_texts, write_arrays

FILE = "playlists.npz"  # in home.online; no part of a space, because a deletion has to change it


@dataclass(frozen=True)
class KeptPlaylists:
    """p playlists, in the order in which they first appeared.

    ids    # by playlist
    names  # by playlist, None unknown
    owners # by playlist, None unknown
    indptr # (p + 1,) int64: what playlist i holds is rows[indptr[i]:indptr[i + 1]]
    rows   # (m,) int32 catalogue rows, each once in a playlist, in its order
    """

    ids: list[str]
    names: list[str | None]
    owners: list[str | None]
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, playlists: Playlists) -> "KeptPlaylists":
        """What is still there and stands in the catalogue; a playlist that is empty now is left out."""
        there = np.flatnonzero(np.isnan(playlists.removed) & (playlists.item >= 0))
        playlist, item = playlists.playlist[there], playlists.item[there]
        order = np.lexsort((there, playlists.position[there], playlist))
        pair = playlist[order].astype(np.int64) * (int(item.max(initial=0)) + 1) + item[order]
        first = np.sort(np.unique(pair, return_index=True)[1])
        held, rows = playlist[order][first], item[order][first]
        numbers, start = np.unique(held, return_index=True)
        ids, names, owners = (
            [texts[number] for number in numbers.tolist()]
            for texts in (playlists.ids, playlists.names, playlists.owners)
        )
        indptr = np.append(start, len(rows)).astype(np.int64)
        return cls([str(one) for one in ids], names, owners, indptr, rows.astype(np.int32))

    @classmethod
    def none(cls) -> "KeptPlaylists":
        """No playlists."""
        return cls([], [], [], np.zeros(1, np.int64), np.zeros(0, np.int32))

    def items(self, playlist_id: str) -> NDArray[np.int32] | None:
        """The rows of one playlist in its order; None when there is no such playlist."""
        place = self._places.get(playlist_id)
        return None if place is None else self.rows[self.indptr[place] : self.indptr[place + 1]]

    def without(self, owners: Collection[str]) -> "KeptPlaylists":
        """The same without the playlists of these owners."""
        gone = set(owners)
        stay = [place for place, owner in enumerate(self.owners) if owner not in gone]
        rows = [self.rows[self.indptr[place] : self.indptr[place + 1]] for place in stay]
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in rows])]).astype(np.int64)
        ids, names, kept = ([texts[place] for place in stay] for texts in (self.ids, self.names, self.owners))
        together = np.concatenate([np.zeros(0, np.int32), *rows])
        return KeptPlaylists([str(one) for one in ids], names, kept, indptr, together)

    def save(self, path: Path) -> None:
        """Writes everything as .npz, the texts as `packed_texts`."""
        texts = {name: packed_texts(getattr(self, name)) for name in ("ids", "names", "owners")}
        write_arrays(path, indptr=self.indptr, rows=self.rows, **texts)

    @classmethod
    def load(cls, path: Path) -> "KeptPlaylists":
        """Reads what `save` wrote, once for as long as the file stays the same; none where there is no file."""
        mark = file_mark(path)
        return cls.none() if mark is None else _read(path, mark)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {playlist_id: place for place, playlist_id in enumerate(self.ids)}


@lru_cache(maxsize=2)
def _read(path: Path, mark: tuple[int, int]) -> KeptPlaylists:
    """`mark` changes with the file, so that nobody is answered from a playlist that a deletion took away."""
    stored = read_arrays(path)
    ids, names, owners = (unpacked_texts(stored[name]) for name in ("ids", "names", "owners"))
    return KeptPlaylists(ids, names, owners, stored["indptr"], stored["rows"])


def forget_owners(path: Path, owners: Collection[str]) -> None:
    """Takes the playlists of these owners out of the file; nothing happens where there is no file."""
    kept = KeptPlaylists.load(path)
    if set(owners) & set(kept.owners):
        kept.without(owners).save(path)
