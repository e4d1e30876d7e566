"""Follows the log: folds new listens into the records of those who listened, and encodes them again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import Calendar
from palate.core.listens import Event
from palate.embeddings.encoder import Encoder
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space
from palate.embeddings.states import UserState
from palate.embeddings.weights import event_weights
from palate.listening.attributes import Attributes
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
    """Keeps the records of one space level with the log. One process at a time may fold into a store.

    space        label, e.g. "taste@7"; each version has records and an offset of its own
    item_vectors # (items, dim) float32, what a record sums
    kinds        # (items,) uint8, positions in core.items.KINDS
    attributes   what is told of listeners; None when nothing is
    """

    log: ListeningLog
    store: OnlineStore
    items: ItemStore
    space: str
    item_vectors: NDArray[np.float32]
    kinds: NDArray[np.uint8]
    encoder: Encoder
    calendar: Calendar
    attributes: Attributes | None = None

    @classmethod
    def of(
        cls, space: Space, log: ListeningLog, store: OnlineStore, items: ItemStore, calendar: Calendar,
        attributes: Attributes,
    ) -> "Folder":  # fmt: skip
        """Over a published space, whose vectors stay on disk. Corrupt when a file of it is missing or damaged."""
        kinds, listened = ItemColumns.load(space.folder / "columns.npz").kind, np.asarray(space.listened)
        return cls(log, store, items, space.label, listened, kinds, space.encoder, calendar, attributes)

    def catch_up(self, most: int | None = None) -> Folded:
        """Folds what was logged since the store's offset, part by part; each part is one transaction.

        most: ends after so many listens, for who has other spaces to look after; None for all. It also ends when
        somebody else replaced or dropped the records meanwhile; the next call goes on from what is there then.
        """
        listens, offset, end = 0, self.store.offset(self.space), self.log.end_offset()
        changed: set[str] = set()
        for batch in self.log.replay(offset):
            stop = len(batch) if most is None else min(len(batch), most - listens)
            records, upto = self._fold(batch, stop), int(batch.offsets[stop - 1])
            if not self._write(records, offset, upto):
                return Folded(listens, len(changed), self.store.offset(self.space))
            listens, offset = listens + stop, upto
            changed.update(records)
            if listens == most:
                return Folded(listens, len(changed), offset)
        in_holes = offset < end  # the log ends where deleted listeners' listens were
        if in_holes and self._write({}, offset, end):
            offset = end
        return Folded(listens, len(changed), offset)

    def _write(self, records: dict[str, UserRecord], since: int, upto: int) -> bool:
        """Encodes and stores them; False, and nothing written, when the stored records are not those of `since`."""
        look_up = self.attributes if self.encoder.reads_attributes else None
        told = None if look_up is None else look_up.of(list(records), self.calendar)
        tastes = self.encoder.encode(list(records.values()), told)
        states = {
            u: UserState(taste, record).pack() for (u, record), taste in zip(records.items(), tastes, strict=True)
        }
        if self.store.offset(self.space) != since:  # a version was retired, or trained anew
            return False
        self.store.put_many(self.space, states, upto)
        return True

    def _fold(self, batch: LogBatch, stop: int) -> dict[str, UserRecord]:
        """The records of who listened in the batch's first `stop` listens, with these in them.

        Items without a row change nothing.
        """
        weights, skipped = event_weights(batch.event, batch.seconds_played, batch.duration_seconds)
        moments = self.calendar.home_times(batch.timestamp)
        hides = batch.event == Event.HIDE
        counted = np.flatnonzero((weights > 0)[:stop] | skipped[:stop] | hides[:stop])
        records: dict[str, UserRecord] = {}
        for i in counted.tolist():
            row = self.items.row(batch.item_id[i])
            if row is None or row >= len(self.item_vectors):
                continue
            user = batch.user_id[i]
            if user not in records:
                stored = self.store.get(self.space, user)
                records[user] = UserState.unpack(stored).record if stored else UserRecord.empty(self.encoder.dim)
            if hides[i]:
                records[user].hide(row)
                continue
            kind, vector = int(self.kinds[row]), self.item_vectors[row]
            play = bool(batch.event[i] == Event.PLAY)
            records[user].add(row, kind, vector, float(moments[i]), float(weights[i]), bool(skipped[i]), play)
        return records
