"""Listens to be folded, with everything that this needs: from here on it is arithmetic, and fails only for bad data."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.encoder import Encoder
from palate.embeddings.folding import Events, RecordColumns
from palate.embeddings.states import packed_record, packed_states
from palate.listening.listeners import ListenerColumns

BLOCK = 2_048  # listeners whose records are unpacked at once, 3 KB of sums each


@dataclass(frozen=True)
class Lot:
    """The listens of some listeners, and what is stored of these.

    users   # (q,) ids
    stored  # (q,) the listener's state; None for one who has none
    told    # (q,) what is known of each listener, in home time; None when no taste depends on it
    user    # (n,) int64 positions in `users`
    item    # (n,) int64 catalogue rows
    kind    # (n,) uint8 positions in core.items.KINDS
    moment  # (n,) float64 home seconds
    weight  # (n,) float32
    skip, play # (n,) bool
    mark    # (n,) uint8 core.listens.Event of what only marks the item (embeddings/marks.py), else 0
    offset  # (n,) int64 where each listen is in the log
    """

    users: list[str]
    stored: list[bytes | None]
    told: ListenerColumns | None
    user: NDArray[np.int64]
    item: NDArray[np.int64]
    kind: NDArray[np.uint8]
    moment: NDArray[np.float64]
    weight: NDArray[np.float32]
    skip: NDArray[np.bool_]
    play: NDArray[np.bool_]
    mark: NDArray[np.uint8]
    offset: NDArray[np.int64]

    def part(self, listeners: NDArray[np.intp]) -> "Lot":
        """The listens of some of the listeners, positions ascending."""
        there = np.isin(self.user, listeners)
        columns = ("user", "item", "kind", "moment", "weight", "skip", "play", "mark", "offset")
        kept = replace(self, **{name: getattr(self, name)[there] for name in columns})
        return replace(
            kept,
            users=[self.users[one] for one in listeners.tolist()],
            stored=[self.stored[one] for one in listeners.tolist()],
            told=None if self.told is None else self.told.take(listeners),
            user=np.searchsorted(listeners, kept.user),
        )

    def folded(self, item_vectors: NDArray[np.float32], encoder: Encoder) -> list[bytes]:
        """(q,) the listeners' states with these listens in them; raises for what is no state, and no finite taste."""
        order = np.argsort(self.user, kind="stable")
        user, states = self.user[order], list[bytes]()
        for start in range(0, len(self.users), BLOCK):
            first, last = np.searchsorted(user, (start, start + BLOCK))
            states += self._block(slice(start, start + BLOCK), order[first:last], item_vectors, encoder)
        return states

    def _block(
        self, users: slice, mine: NDArray[np.intp], item_vectors: NDArray[np.float32], encoder: Encoder
    ) -> list[bytes]:
        """The states of some listeners, next to each other; `mine` are the positions of their listens."""
        events = Events(
            self.user[mine] - users.start, self.item[mine], self.kind[mine], self.moment[mine],
            self.weight[mine].astype(np.float64), self.skip[mine], self.play[mine], self.mark[mine],
        )  # fmt: skip
        stored = [None if one is None else packed_record(one) for one in self.stored[users]]
        told = None if self.told is None else self.told.take(np.arange(len(self.users))[users])
        with np.errstate(invalid="ignore", over="ignore"):  # what comes of it is no finite taste
            records = RecordColumns.unpack(stored, item_vectors.shape[1]).added(events, item_vectors)
            tastes = encoder.encode_columns(records, told)
        if not (np.isfinite(tastes).all() and np.isfinite(records.sums).all()):
            raise ValueError("the taste is not a finite vector")
        return packed_states(tastes, records)
