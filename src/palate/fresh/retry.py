"""The second try of what is with the dead letters, once its cause is mended.

The record of each listener with letters is made anew from the whole log, as if there had been none before: so it does
not matter how much of the letters had been folded, nor how often this is done.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from palate.core.partitions import partition_of
from palate.fresh.dead import DeadLetters, Letter
from palate.fresh.fold import BATCH_LISTENS, FAULTS, Folder, reason_of
from palate.fresh.lock import Rounds
from palate.listening.backlog import EventLog, LogBatch
from palate.store.folds import Part


@dataclass(frozen=True)
class Retried:
    """What became of the letters: their listens are in the records now, failed again, or are of nobody any more."""

    mended: int
    failed: int
    gone: int


class Retry:
    """Over one version's records, beside workers and servers.

    A worker that read a record before it was made anew would write the old one back, and its commit would be fine:
    the offset has not moved. So nobody folds (`rounds`) while a new record is written.
    """

    def __init__(self, folder: Folder, dead: DeadLetters, rounds: Rounds) -> None:
        self._folder, self._log, self._dead, self._rounds = folder, folder.log, dead, rounds
        self._epoch = folder.store.standing(folder.space).epoch

    def run(self) -> Retried:
        """Tries every letter of the version; those that fail again stay, with the new reason."""
        letters = [letter for letter in self._dead.all() if letter.space == self._folder.space]
        owners = owners_of(letters, self._log)
        gone = [letter for letter in letters if letter not in owners]
        self._dead.remove(gone)
        failed = 0
        for user in dict.fromkeys(owners.values()):
            mine = [letter for letter, owner in owners.items() if owner == user]
            try:
                self._make_anew(user)
            except FAULTS as error:
                self._dead.renew(mine, reason_of(error))
                failed += len(mine)
            else:
                self._dead.remove(mine)
        return Retried(len(owners) - failed, failed, len(gone))

    def _make_anew(self, user: str) -> None:
        """Again and again, until no deletion, training or retirement came between."""
        while not self._made_anew(user):
            pass

    def _made_anew(self, user: str) -> bool:
        folder, partition = self._folder, partition_of(user)
        standing = folder.store.standing(folder.space)
        if standing.epoch != self._epoch:  # pages that this process has in memory may hold a deleted listener
            folder.store.reopen()
            self._epoch = standing.epoch
        read = standing.offsets[partition]
        state = folder.added(None, _until(read, self._log.listens_of(user)))
        with self._rounds.held_up():  # only for what came since: reading the whole log may take long
            upto = folder.store.standing(folder.space).offsets[partition]
            state = folder.added(state, self._between(user, read, upto))
            part = Part(partition, upto, upto, {} if state is None else {user: state})
            return folder.store.commit(folder.space, standing.epoch, [part]) == [True]

    def _between(self, user: str, after: int, upto: int) -> Iterator[LogBatch]:
        """The listener's listens with an offset above `after` and not above `upto`."""
        partition = partition_of(user)
        while after < upto and (unread := self._log.unread({partition: after}, BATCH_LISTENS)) is not None:
            mine = np.array([one == user for one in unread.batch.user_id], np.bool_)
            yield from _until(upto, [unread.batch.take(np.flatnonzero(mine))])
            after = unread.upto[partition]


def owners_of(letters: Iterable[Letter], log: EventLog) -> dict[Letter, str]:
    """Whose listen each letter is about; without those whose listener was deleted."""
    found: dict[Letter, str] = {}
    for partition, some in groupby(sorted(letters, key=_place), key=lambda letter: letter.partition):
        waiting = deque(some)
        while waiting and (unread := log.unread({partition: waiting[0].offset - 1}, BATCH_LISTENS)) is not None:
            users = dict(zip(unread.batch.offsets.tolist(), unread.batch.user_id, strict=True))
            while waiting and waiting[0].offset <= unread.upto[partition]:
                letter = waiting.popleft()
                if letter.offset in users:
                    found[letter] = users[letter.offset]
    return found


def _place(letter: Letter) -> tuple[int, int]:
    return letter.partition, letter.offset


def _until(upto: int, batches: Iterable[LogBatch]) -> Iterator[LogBatch]:
    for batch in batches:
        yield batch.take(np.flatnonzero(batch.offsets <= upto))
