"""What each playlist holds now, as a server keeps it: rows of the catalogue, without owners and without a past."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import Playlists
from palate.core.artefacts import packed_texts, read_arrays, unpacked_texts, write_arrays

FILE = "playlists.npz"  # in the folder of a space


@dataclass(frozen=True)
class KeptPlaylists:
    """p playlists, in the order in which they first appeared.

    ids    # by playlist
    names  # by playlist, None unknown
    indptr # (p + 1,) int64: what playlist i holds is rows[indptr[i]:indptr[i + 1]]
    rows   # (m,) int32 catalogue rows, each once in a playlist, in its order
    """

    ids: list[str]
    names: list[str | None]
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
        names = [playlists.names[number] for number in numbers.tolist()]
        indptr = np.append(start, len(rows)).astype(np.int64)
        return cls([playlists.ids[number] for number in numbers.tolist()], names, indptr, rows.astype(np.int32))

    @classmethod
    def none(cls) -> "KeptPlaylists":
        """No playlists."""
        return cls([], [], np.zeros(1, np.int64), np.zeros(0, np.int32))

    def items(self, playlist_id: str) -> NDArray[np.int32] | None:
        """The rows of one playlist in its order; None when there is no such playlist."""
        place = self._places.get(playlist_id)
        return None if place is None else self.rows[self.indptr[place] : self.indptr[place + 1]]

    def save(self, path: Path) -> None:
        """Writes everything as .npz, the texts as `packed_texts`."""
        texts = {"ids": packed_texts(self.ids), "names": packed_texts(self.names)}
        write_arrays(path, indptr=self.indptr, rows=self.rows, **texts)

    @classmethod
    def load(cls, path: Path) -> "KeptPlaylists":
        """Reads what `save` wrote; none where there is no file, as in spaces of before 0.3."""
        if not path.is_file():
            return cls.none()
        stored = read_arrays(path)
        return cls(unpacked_texts(stored["ids"]), unpacked_texts(stored["names"]), stored["indptr"], stored["rows"])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {playlist_id: place for place, playlist_id in enumerate(self.ids)}
