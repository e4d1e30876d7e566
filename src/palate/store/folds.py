"""What who folds listens into records reads first, and gives back: a compare and set, for each part of the listeners.

    standing = store.standing(space)
    ... read the log after standing.offsets, read records, add listens ...
    store.commit(space, standing.epoch, [Part(partition, since, upto, records), ...])

So each listen is in the records once, whoever folds, however many fold, and whatever is killed when.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """The state of a space's records.

    offsets # (PARTITIONS,) the log offset that each part's records contain; 0 for a space that is not there
    epoch   changes whenever records go other than by a commit: a listener deleted, a space replaced or dropped
    """

    offsets: tuple[int, ...]
    epoch: int


@dataclass(frozen=True)
class Part:
    """New records of one part's listeners: they contain the log up to `upto`, and were made from those of `since`."""

    partition: int
    since: int
    upto: int
    records: Mapping[str, bytes]
