"""Every listener's record from the whole history at once: equal to folding its listens one by one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from palate.core.listens import Event
from palate.embeddings.folding import Events, RecordColumns
from palate.embeddings.marks import steering
from palate.embeddings.records import UserRecord
from palate.embeddings.weights import event_weights
from palate.listening.history import History

BLOCK_USERS = 2_048  # their sums, 6 MB of 128 numbers, hardly leave the cache
BLOCK_EVENTS = 1_000_000  # bounds memory where histories are long: 250 bytes an event


def build_records(
    history: History,
    item_vectors: NDArray[np.float32],
    kinds: NDArray[np.uint8],
    users: NDArray[np.int32] | None = None,
) -> Iterator[tuple[int, UserRecord]]:
    """The same records from the whole history at once: (user row, record) for each of `users` with any event.

    history      all events up to the moment of interest, in time order
    item_vectors # (items, dim) float32
    kinds        # (items,) uint8, positions in core.items.KINDS
    Order: as in `users` (default: ascending rows). Equal to folding every event with `add` (a property test).
    """
    for block, columns in build_columns(history, item_vectors, kinds, users):
        yield from zip(block.tolist(), columns.records(), strict=True)


def build_columns(
    history: History,
    item_vectors: NDArray[np.float32],
    kinds: NDArray[np.uint8],
    users: NDArray[np.int32] | None = None,
) -> Iterator[tuple[NDArray[np.int32], RecordColumns]]:
    """The same side by side, a block of listeners after another: (their rows, their records)."""
    weights, skipped = event_weights(history.event, history.seconds_played, history.duration_seconds)
    marks = steering(history.event)
    counted = np.flatnonzero((weights > 0) | skipped | (marks > 0))
    order = counted[np.argsort(history.user[counted], kind="stable")]
    bounds = np.searchsorted(history.user[order], np.arange(len(history.users) + 1))
    chosen = np.arange(len(history.users), dtype=np.int32) if users is None else users
    chosen = chosen[bounds[chosen + 1] > bounds[chosen]]
    for block in _blocks(chosen, bounds[chosen + 1] - bounds[chosen]):
        rows = np.concatenate([order[bounds[user] : bounds[user + 1]] for user in block])
        item, owner = history.item[rows].astype(np.int64), np.repeat(np.arange(len(block)), np.diff(bounds)[block])
        events = Events(
            owner, item, kinds[item], history.timestamp[rows], weights[rows].astype(np.float64), skipped[rows],
            history.event[rows] == Event.PLAY, marks[rows],
        )  # fmt: skip
        yield block, RecordColumns.empty(len(block), item_vectors.shape[1]).added(events, item_vectors)


def _blocks(users: NDArray[np.int32], lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int32]]:
    """The users, so many at a time that both bounds hold, or one; `lengths` # (users,) events of each."""
    before, start = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]), 0
    while start < len(users):
        fits = int(np.searchsorted(before, before[start] + BLOCK_EVENTS, side="right")) - 1
        stop = min(max(fits, start + 1), start + BLOCK_USERS)
        yield users[start:stop]
        start = stop
