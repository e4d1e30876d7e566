"""Listens to be folded, with everything that this needs: from here on it is arithmetic, and fails only for bad data."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.encoder import Encoder
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.listening.listeners import ListenerColumns


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
    offset: NDArray[np.int64]

    def part(self, listeners: NDArray[np.intp]) -> "Lot":
        """The listens of some of the listeners, positions ascending."""
        there = np.isin(self.user, listeners)
        columns = ("user", "item", "kind", "moment", "weight", "skip", "play", "offset")
        kept = replace(self, **{name: getattr(self, name)[there] for name in columns})
        return replace(
            kept,
            users=[self.users[one] for one in listeners.tolist()],
            stored=[self.stored[one] for one in listeners.tolist()],
            told=None if self.told is None else self.told.take(listeners),
            user=np.searchsorted(listeners, kept.user),
        )

    def folded(self, item_vectors: NDArray[np.float32], encoder: Encoder) -> list[bytes]:
        """(q,) the listeners' states with these listens in them; raises for what is no state or not finite."""
        records = [self._record(one, encoder.dim) for one in self.stored]
        for n, (user, item) in enumerate(zip(self.user.tolist(), self.item.tolist(), strict=True)):
            records[user].add(
                item, int(self.kind[n]), item_vectors[item], float(self.moment[n]), float(self.weight[n]),
                bool(self.skip[n]), bool(self.play[n]),
            )  # fmt: skip
        tastes = encoder.encode(records, self.told)
        # The record too: a skip of an item without a finite vector spoils the sums, and not yet the taste.
        if not np.isfinite(tastes).all() or not all(np.isfinite(record.sums).all() for record in records):
            raise ValueError("the taste is not a finite vector")
        return [UserState(taste, record).pack() for taste, record in zip(tastes, records, strict=True)]

    def _record(self, stored: bytes | None, dim: int) -> UserRecord:
        return UserRecord.empty(dim) if stored is None else UserState.unpack(stored).record
