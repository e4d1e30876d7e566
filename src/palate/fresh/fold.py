"""Follows the log: folds new listens into the records of those who listened, and encodes them again."""

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import Calendar
from palate.core.errors import Corrupt
from palate.core.listens import Event
from palate.core.partitions import ALL, partition_of
from palate.embeddings.encoder import Encoder
from palate.embeddings.marks import steering
from palate.embeddings.space import Space
from palate.embeddings.weights import event_weights
from palate.fresh.dead import DeadLetters
from palate.fresh.lot import Lot
from palate.listening.attributes import Attributes
from palate.listening.backlog import EventLog, LogBatch, Unread
from palate.store.folds import Part, Standing
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore

BATCH_LISTENS = 65_536  # the most that one transaction holds
FAULTS = (Corrupt, ArithmeticError, LookupError, TypeError, ValueError)  # of the data; a full disk is none

logger = logging.getLogger("palate.fresh")


def reason_of(error: Exception) -> str:
    """What a dead letter says of one of FAULTS."""
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class Folded:
    """What one `catch_up` did: listens read, listeners changed, the log offset that the records now contain."""

    listens: int
    listeners: int
    offset: int


@dataclass(frozen=True)
class Folder:
    """Keeps the records of one space level with the log. Any number may fold into a store, each for its partitions.

    space        label, e.g. "taste@7"; each version has records and offsets of its own
    item_vectors # (items, dim) float32, what a record sums
    kinds        # (items,) uint8, positions in core.items.KINDS
    attributes   what is told of listeners; None when nothing is
    dead         where listens go that cannot be folded; None to raise instead
    """

    log: EventLog
    store: RecordStore
    items: ItemStore
    space: str
    item_vectors: NDArray[np.float32]
    kinds: NDArray[np.uint8]
    encoder: Encoder
    calendar: Calendar
    attributes: Attributes | None = None
    dead: DeadLetters | None = None

    @classmethod
    def of(
        cls, space: Space, log: EventLog, store: RecordStore, items: ItemStore, calendar: Calendar,
        attributes: Attributes, dead: DeadLetters | None = None,
    ) -> "Folder":  # fmt: skip
        """Over a published space, whose vectors stay on disk. Corrupt when a file of it is missing or damaged."""
        kinds, listened = ItemColumns.load(space.folder / "columns.npz").kind, np.asarray(space.listened)
        return cls(log, store, items, space.label, listened, kinds, space.encoder, calendar, attributes, dead)

    def catch_up(self, most: int | None = None, partitions: Collection[int] = ALL) -> Folded:
        """Folds what these partitions' records lack, piece by piece; each piece is one transaction.

        most: looks at so many listens at most, for who has other spaces to look after; None for all. It also ends when
        somebody else changed the records meanwhile; the next call goes on from what is there then.
        """
        looked, changed = 0, set[str]()
        while most is None or looked < most:
            standing = self.store.standing(self.space)
            after = {partition: standing.offsets[partition] for partition in partitions}
            unread = self.log.unread(after, BATCH_LISTENS if most is None else min(BATCH_LISTENS, most - looked))
            if unread is None:
                break
            states = dict(self._states(unread.batch))
            if not self._commit(standing, unread, states):
                break
            looked += len(unread.batch)
            changed.update(states)
        return Folded(looked, len(changed), min(self.store.standing(self.space).offsets[one] for one in partitions))

    def added(self, state: bytes | None, batches: Iterable[LogBatch]) -> bytes | None:
        """One listener's `state` with these listens in it, whatever is stored; raises FAULTS for what cannot be folded.

        None stands for a listener who has no state, before as after.
        """
        for batch in batches:
            lot = self._lot(batch)
            if lot.users:
                (state,) = replace(lot, stored=[state]).folded(self.item_vectors, self.encoder)
        return state

    def _commit(self, standing: Standing, unread: Unread, states: dict[str, bytes]) -> bool:
        """Whether all of it was written: not when a version was retired or trained anew, or a listener deleted."""
        moved = {p: upto for p, upto in unread.upto.items() if upto > standing.offsets[p]}
        records: dict[int, dict[str, bytes]] = {partition: {} for partition in moved}
        for user, state in states.items():
            records[partition_of(user)][user] = state
        parts = [Part(p, standing.offsets[p], upto, records[p]) for p, upto in moved.items()]
        return all(self.store.commit(self.space, standing.epoch, parts))

    def _states(self, batch: LogBatch) -> Iterator[tuple[str, bytes]]:
        """Who listened in the batch, with these listens in their states."""
        lot = self._lot(batch)
        if lot.users:
            yield from self._folded(lot)

    def _lot(self, batch: LogBatch) -> Lot:
        """The listens that change a record, with all that is read from elsewhere. Items without a row change none."""
        weights, skipped = event_weights(batch.event, batch.seconds_played, batch.duration_seconds)
        marks = steering(batch.event)
        counted = np.flatnonzero((weights > 0) | skipped | (marks > 0))
        rows = {item: self.items.row(item) for item in {batch.item_id[n] for n in counted.tolist()}}
        row = np.array([-1 if (r := rows[batch.item_id[n]]) is None else r for n in counted.tolist()], np.int64)
        known = (row >= 0) & (row < len(self.item_vectors))
        counted, row = counted[known], row[known]
        place: dict[str, int] = {}
        user = np.array([place.setdefault(batch.user_id[n], len(place)) for n in counted.tolist()], np.int64)
        users = list(place)
        look_up = self.attributes if self.encoder.reads_attributes and users else None
        return Lot(
            users=users,
            stored=self.store.get_many(self.space, users),
            told=None if look_up is None else look_up.of(users, self.calendar),
            user=user,
            item=row,
            kind=self.kinds[row],
            moment=self.calendar.home_times(batch.timestamp)[counted],
            weight=weights[counted],
            skip=skipped[counted],
            play=batch.event[counted] == Event.PLAY,
            mark=marks[counted],
            offset=batch.offsets[counted],
        )

    def _folded(self, lot: Lot) -> Iterator[tuple[str, bytes]]:
        """Each listener's new state. Where one cannot be had, the listens go to the dead letters; the rest flows."""
        try:
            states = lot.folded(self.item_vectors, self.encoder)
        except FAULTS as error:
            if self.dead is None:
                raise
            if len(lot.users) == 1:
                told = (len(lot.offset), lot.offset[0], self.space, error)
                logger.error("%d listens from offset %d on are in no record of %s: %s", *told)
                logger.debug("how it came to that", exc_info=error)
                self.dead.add(self.space, partition_of(lot.users[0]), lot.offset.tolist(), reason_of(error))
                return
            for half in np.array_split(np.arange(len(lot.users)), 2):
                yield from self._folded(lot.part(half))
        else:
            yield from zip(lot.users, states, strict=True)
