"""Seeds: from what a request names to catalogue rows to start from, most telling first.

An item id; or `artist:NAME`, `show:NAME`, `genre:NAME`, `playlist:ID`, `user:ID`. An item whose id reads like one of
these wins. Names are found whatever their case and accents.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palate.catalog.kept import KeptPlaylists
from palate.core.errors import BadInput, UnknownItem, UnknownSeed
from palate.embeddings.records import UserRecord
from palate.retrieval.offers import best
from palate.retrieval.stock import Stock
from palate.surfaces.choices import ARTIST, SHOW, Choices, folded

MOST_OF_A_NAME = 10  # items of an artist, a show or a genre, the most heard; more dilute each other
MOST_OF_A_PLAYLIST = 200
MOST_OF_A_LISTENER = 20  # latest items
NAMED_GENRES = 5  # told to who asked for one that there is not


@dataclass(frozen=True)
class Seeds:
    """Finds seeds in one live space.

    row       item id -> catalogue row, None when the space does not hold it
    choices   the artists and shows, made when first asked for
    playlists the playlists, read when first asked for
    record    user id -> what they did
    """

    stock: Stock
    row: Callable[[str], int | None]
    choices: Callable[[], Choices]
    playlists: Callable[[], KeptPlaylists]
    record: Callable[[str], UserRecord]

    def rows(self, seeds: Sequence[str]) -> NDArray[np.int32]:
        """(s,) int32, each once, in the order of the seeds. UnknownItem for the first one that nothing answers to."""
        found = [self._rows_of(seed) for seed in seeds]
        together = np.concatenate([np.zeros(0, np.int32), *found])
        return together[np.sort(np.unique(together, return_index=True)[1])].astype(np.int32)

    def genre(self, name: str) -> int:
        """The code of a genre by its name; BadInput names the largest ones."""
        code = self._genres.get(folded(name))
        if code is None or not name.strip():
            known = ", ".join(self._largest_genres) or "none: the catalogue has no genres"
            raise BadInput(f"no genre {name[:40]!r} here; there are for example: {known}")
        return code

    def _rows_of(self, seed: str) -> NDArray[np.int32]:
        row = self.row(seed)
        if row is not None:
            return np.array([row], np.int32)
        what, _, name = seed.partition(":")
        finder = {
            "artist": self._artist, "show": self._show, "genre": self._genre, "playlist": self._playlist,
            "user": self._listener,
        }.get(what)  # fmt: skip
        if finder is None or not name:
            raise UnknownItem(seed)
        return finder(seed, name)

    def _artist(self, seed: str, name: str) -> NDArray[np.int32]:
        return self._of_choice(ARTIST, seed, name)

    def _show(self, seed: str, name: str) -> NDArray[np.int32]:
        return self._of_choice(SHOW, seed, name)

    def _of_choice(self, kind: str, seed: str, name: str) -> NDArray[np.int32]:
        place = self.choices().find(kind, name)
        if place is None:
            raise UnknownSeed(seed, f"no {kind} of that name has an item that can be played")
        return self.choices().items(place)[:MOST_OF_A_NAME]

    def _genre(self, seed: str, name: str) -> NDArray[np.int32]:
        try:
            code = self.genre(name)
        except BadInput as error:
            raise UnknownSeed(seed, str(error)) from error
        rows = np.flatnonzero((self.stock.columns.genre == code) & self.stock.columns.available).astype(np.int32)
        return rows[best(rows, self.stock.trends.ever[rows].astype(np.float64), MOST_OF_A_NAME)]

    def _playlist(self, seed: str, name: str) -> NDArray[np.int32]:
        rows = self.playlists().items(name)
        if rows is None:
            raise UnknownSeed(seed, "no such playlist is known: import it with `palate import playlists`, then train")
        return rows[rows < self.stock.n_items][:MOST_OF_A_PLAYLIST]

    def _listener(self, seed: str, name: str) -> NDArray[np.int32]:
        rows = latest(self.record(name), self.stock, MOST_OF_A_LISTENER)
        if not len(rows):
            raise UnknownSeed(seed, "nobody of that id has played anything yet")
        return rows

    @cached_property
    def _genres(self) -> dict[str, int]:
        return {folded(name): code for code, name in enumerate(self.stock.columns.genres)}

    @cached_property
    def _largest_genres(self) -> list[str]:
        codes = self.stock.columns.genre
        counts = np.bincount(codes[codes >= 0], minlength=len(self.stock.columns.genres))
        return [self.stock.columns.genres[code] for code in np.argsort(-counts, kind="stable")[:NAMED_GENRES].tolist()]


def latest(record: UserRecord, stock: Stock, n: int, since: float = -np.inf) -> NDArray[np.int32]:
    """Up to n rows that the listener played at or after `since`, home seconds, and did not hide; the latest first."""
    wanted = (record.heard > 0) & (record.heard_last >= since) & (record.items < stock.n_items)
    wanted &= ~np.isin(record.items, record.hidden)
    played = np.flatnonzero(wanted)
    return record.items[played[np.argsort(-record.heard_last[played], kind="stable")[:n]]]
