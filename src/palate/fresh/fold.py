"""Follows the log: folds new listens into the records of those who listened, and encodes them again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import Calendar
from palate.core.listens import Event
from palate.embeddings.encoder import Encoder
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.embeddings.weights import event_weights
from palate.listening.log import ListeningLog, LogBatch
from palate.store.items import ItemStore
from palate.store.records import OnlineStore


@dataclass(frozen=True)
class Folded:
    """What one `catch_up` did: listens read, listeners changed, the log offset that the records now contain."""

    listens: int
    listeners: int
    offset: int


@dataclass(frozen=True)
class Folder:
    """Keeps the records of one space level with the log. One folder at a time may write to a store.

    space        label of the live space, e.g. "taste@7"
    item_vectors # (items, dim) float32
    kinds        # (items,) uint8, positions in core.items.KINDS
    """

    log: ListeningLog
    store: OnlineStore
    items: ItemStore
    space: str
    item_vectors: NDArray[np.float32]
    kinds: NDArray[np.uint8]
    encoder: Encoder
    calendar: Calendar

    def catch_up(self) -> Folded:
        """Folds everything logged since the store's offset, batch by batch; each batch is one transaction."""
        listens, offset = 0, self.store.offset(self.space)
        changed: set[str] = set()
        for batch in self.log.replay(offset):
            records = self._fold(batch)
            tastes = self.encoder.encode(list(records.values()))
            states = {
                u: UserState(taste, record).pack() for (u, record), taste in zip(records.items(), tastes, strict=True)
            }
            offset = int(batch.offsets[-1])
            self.store.put_many(self.space, states, offset)
            listens += len(batch)
            changed.update(records)
        return Folded(listens, len(changed), offset)

    def _fold(self, batch: LogBatch) -> dict[str, UserRecord]:
        """The records of the batch's listeners with its listens in them; items without a row change nothing."""
        weights, skipped = event_weights(batch.event, batch.seconds_played, batch.duration_seconds)
        moments = self.calendar.home_times(batch.timestamp)
        counted = np.flatnonzero((weights > 0) | skipped)
        records: dict[str, UserRecord] = {}
        for i in counted.tolist():
            row = self.items.row(batch.item_id[i])
            if row is None or row >= len(self.item_vectors):
                continue
            user = batch.user_id[i]
            if user not in records:
                stored = self.store.get(self.space, user)
                records[user] = UserState.unpack(stored).record if stored else UserRecord.empty(self.encoder.dim)
            kind, vector = int(self.kinds[row]), self.item_vectors[row]
            play = bool(batch.event[i] == Event.PLAY)
            records[user].add(row, kind, vector, float(moments[i]), float(weights[i]), bool(skipped[i]), play)
        return records
