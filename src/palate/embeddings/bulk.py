"""Every listener's record from the whole history at once: equal to folding its listens one by one."""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.core.items import KINDS
from palate.core.listens import Event
from palate.embeddings import habits
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_SECONDS, UserRecord, decay
from palate.embeddings.weights import event_weights
from palate.listening.history import History

BLOCK_USERS = 8_192  # bounds memory: 8,192 x 9 x 128 sums are 75 MB
BLOCK_EVENTS = 2_000_000  # and so does this where histories are long: 150 bytes an event


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
    weights, skipped = event_weights(history.event, history.seconds_played, history.duration_seconds)
    counted = np.flatnonzero((weights > 0) | skipped)
    order = counted[np.argsort(history.user[counted], kind="stable")]
    bounds = np.searchsorted(history.user[order], np.arange(len(history.users) + 1))
    chosen, hidden = np.arange(len(history.users), dtype=np.int32) if users is None else users, _hidden(history)
    listened = bounds[chosen + 1] > bounds[chosen]

    def built() -> Iterator[tuple[int, UserRecord]]:
        for block in _blocks(chosen[listened], np.diff(bounds)[chosen[listened]]):
            rows = np.concatenate([order[bounds[user] : bounds[user + 1]] for user in block])
            lengths = bounds[block + 1] - bounds[block]
            weight = weights[rows].astype(np.float64)
            yield from _build_block(history.take(rows), weight, skipped[rows], block, lengths, item_vectors, kinds)

    found, nothing = built(), np.zeros(0, np.int32)
    for user, has_listened in zip(chosen.tolist(), listened.tolist(), strict=True):
        if has_listened or user in hidden:
            record = next(found)[1] if has_listened else UserRecord.empty(item_vectors.shape[1])
            record.hidden = hidden.get(user, nothing)
            yield user, record


def _hidden(history: History) -> dict[int, NDArray[np.int32]]:
    """By user row what each has hidden, ascending; only who ever hid something."""
    hides = history.take(np.flatnonzero(history.event == Event.HIDE))
    if not len(hides):
        return {}
    order = np.argsort(hides.user, kind="stable")
    users, starts = np.unique(hides.user[order], return_index=True)
    return dict(zip(users.tolist(), map(np.unique, np.split(hides.item[order], starts[1:])), strict=True))


def _blocks(users: NDArray[np.int32], lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int32]]:
    """The users, so many at a time that both bounds hold, or one; `lengths` # (users,) events of each."""
    before, start = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]), 0
    while start < len(users):
        fits = int(np.searchsorted(before, before[start] + BLOCK_EVENTS, side="right")) - 1
        stop = min(max(fits, start + 1), start + BLOCK_USERS)
        yield users[start:stop]
        start = stop


def _build_block(
    events: History, weights: NDArray[np.float64], skipped: NDArray[np.bool_], users: NDArray[np.int32],
    lengths: NDArray[np.int64], item_vectors: NDArray[np.float32], kinds: NDArray[np.uint8],
) -> Iterator[tuple[int, UserRecord]]:  # fmt: skip
    """Records of one block of users, whose events stand one user after another, each in time order."""
    ends = np.cumsum(lengths)
    at, begun = events.timestamp[ends - 1], events.timestamp[ends - lengths]
    local = np.repeat(np.arange(len(users)), lengths)
    fade = decay((at[local] - events.timestamp)[None, :], HALF_LIVES_SECONDS[:, None])  # (half-lives, events)
    played = ~skipped & (events.event == Event.PLAY)
    told = habits.sums_of(events.timestamp, weights, skipped, played, fade[-1])
    habit_sums = np.stack([np.bincount(local, column, minlength=len(users)) for column in told.T], axis=1)
    fade *= weights
    cell = local * len(KINDS) + kinds[events.item]
    shape = (len(users), len(KINDS))
    counts = np.stack(
        [np.bincount(cell, share, minlength=shape[0] * shape[1]).reshape(shape) for share in fade], axis=1
    )
    # scipy's csr @ dense sums 3 M listens/s on one core; measured faster than torch, duckdb and joins.
    heard, column = np.unique(events.item, return_inverse=True)
    vectors = item_vectors[heard].astype(np.float64)  # a row an item, not a row a listen: that would be gigabytes
    size = (shape[0] * shape[1], len(heard))
    sums = np.stack(
        [(sp.csr_matrix((share, (cell, column)), size) @ vectors).reshape(*shape, -1) for share in fade], axis=1
    )
    pair, which = np.unique(local.astype(np.int64) * len(item_vectors) + events.item, return_inverse=True)
    item_weights = np.bincount(which, fade[AFFINITY_HALF_LIFE], minlength=len(pair)).astype(np.float64)
    plays = np.bincount(which, ~skipped, minlength=len(pair)).astype(np.int32)
    skips = np.bincount(which, skipped, minlength=len(pair)).astype(np.int32)
    last = np.full(len(pair), -np.inf)
    np.maximum.at(last, which, events.timestamp)
    heard_plays = np.bincount(which, played, minlength=len(pair)).astype(np.int32)
    heard_last = np.full(len(pair), -np.inf)
    np.maximum.at(heard_last, which[played], events.timestamp[played])
    owner, items = pair // len(item_vectors), (pair % len(item_vectors)).astype(np.int32)
    squares = np.bincount(owner, item_weights**2, minlength=len(users))
    cuts = np.searchsorted(owner, np.arange(len(users) + 1))
    for position, user in enumerate(users):
        part = slice(cuts[position], cuts[position + 1])
        yield (
            int(user),
            UserRecord(
                float(at[position]), sums[position], counts[position], items[part].copy(),
                item_weights[part].copy(), plays[part].copy(), skips[part].copy(), last[part].copy(),
                heard_plays[part].copy(), heard_last[part].copy(), float(begun[position]),
                habit_sums[position].copy(), float(squares[position]),
            ),
        )  # fmt: skip
