"""What features look up once for a request: the candidates among all rows asked about, and where the record has them.

Several features need the same look-ups, each of which costs more than what is then made of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.records import UserRecord
from palate.retrieval.retrievers import RECENT_ITEMS


@dataclass(frozen=True)
class Rows:
    """The catalogue rows that one request asks about: its candidates, and the listener's latest items.

    rows      # (r,) int32 ascending, each once
    asked     # (n,) where in `rows` the candidates are, in their order
    latest    # (l,) where in `rows` the latest played items are, RECENT_ITEMS at most; they are the measure of the rest
    recent    # (l,) where in the record these are
    known     # (k,) where in `rows` is what the record holds
    place     # (k,) where in the record that is
    """

    rows: NDArray[np.int32]
    asked: NDArray[np.intp]
    latest: NDArray[np.intp]
    recent: NDArray[np.intp]
    known: NDArray[np.intp]
    place: NDArray[np.intp]

    @classmethod
    def of(cls, items: NDArray[np.int32], record: UserRecord, n_items: int) -> "Rows":
        """For candidates `items`, each once; `n_items` is the size of the catalogue."""
        recent = _recent(record, n_items)
        rows = np.sort(np.concatenate([items, record.items[recent]]))
        rows = rows[np.diff(rows, prepend=-1) > 0]
        asked, latest = np.searchsorted(rows, items), np.searchsorted(rows, record.items[recent])
        place = np.searchsorted(record.items, rows)
        inside = np.flatnonzero(place < len(record.items))
        known = inside[record.items[place[inside]] == rows[inside]]
        return cls(rows, asked, latest, recent, known, place[known])

    def scattered(self, values: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float64]:
        """(r,) what belongs to what is known # (k,), 0 elsewhere."""
        out = np.zeros(len(self.rows))
        out[self.known] = values
        return out


def _recent(record: UserRecord, n_items: int) -> NDArray[np.intp]:
    """Positions in the record of the items played latest."""
    played = np.flatnonzero((record.plays > 0) & (record.items < n_items))
    if len(played) > RECENT_ITEMS:
        return played[np.argpartition(-record.last[played], RECENT_ITEMS - 1)[:RECENT_ITEMS]]
    return played
