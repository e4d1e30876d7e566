"""Logs and records made by hand, and the listens of a log folded one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS
from palate.core.listens import STEERING, Event
from palate.embeddings.inputs import Inputs
from palate.embeddings.records import UserRecord
from palate.embeddings.weights import event_weights
from palate.listening.history import History

Play = tuple[int, int, float]  # user row, item row, day

EXACT = 1e-9  # sums of 30 listens lose about 1e-14 to rounding, and a wrong decay is off by far more than this


def history_of(plays: Sequence[Play], n_items: int | None = None, sessions: Sequence[int] | None = None) -> History:
    """Full plays, given in time order; unless told, one session for each listener and day."""
    user, item = (np.array([play[column] for play in plays], np.int32) for column in (0, 1))
    day = np.array([play[2] for play in plays], np.float64)
    daily = user.astype(np.int64) * 100_000 + np.floor(day).astype(np.int64)
    return History(
        user=user,
        item=item,
        timestamp=day * DAY_SECONDS,
        event=np.full(len(plays), Event.PLAY, np.uint8),
        seconds_played=np.full(len(plays), 200.0, np.float32),
        duration_seconds=np.full(len(plays), 210.0, np.float32),
        session=daily if sessions is None else np.array(sessions, np.int64),
        users=[f"u{row}" for row in range(int(user.max(initial=-1)) + 1)],
        n_items=n_items or int(item.max(initial=-1)) + 1,
    )


def with_event(history: History, row: int, event: Event) -> History:
    """The same log with another kind of event at `row`."""
    events = history.event.copy()
    events[row] = event
    return replace(history, event=events)


def checkerboard(n: int, seed: int = 0, extra_items: int = 0) -> History:
    """n listeners and n items: even ones hear even items, odd ones odd items, nobody the item of their own number."""
    rng = np.random.default_rng(seed)
    pairs = [(user, item) for user in range(n) for item in range(user % 2, n, 2) if item != user]
    days = np.sort(rng.uniform(0.0, 60.0, len(pairs)))
    order = rng.permutation(len(pairs))
    plays = [(*pairs[place], float(day)) for place, day in zip(order, days, strict=True)]
    return history_of(plays, n + extra_items)


def playlists_of(*lists: Sequence[int]) -> Playlists:
    """One playlist for each list of item rows."""
    item = np.array([row for one in lists for row in one], np.int32)
    playlist = np.repeat(np.arange(len(lists), dtype=np.int32), [len(one) for one in lists])
    n, unknown = len(item), np.full(len(item), np.nan)
    names = [f"p{number}" for number in range(len(lists))]
    return Playlists(playlist, item, np.arange(n, dtype=np.int32), unknown, unknown, names, [None] * len(lists), names)


def inputs_of(history: History, playlists: Playlists | None = None, columns: ItemColumns | None = None) -> Inputs:
    """What a fit reads; of the items nothing is known unless told."""
    return Inputs(history, playlists or Playlists.none(), columns or ItemColumns.unknown(history.n_items))


def made_up_items(n_items: int, dim: int = 4, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Item vectors without meaning, the first of them zeros, and kinds that take turns."""
    vectors = np.random.default_rng(seed).normal(size=(n_items, dim)).astype(np.float32)
    vectors[0] = 0.0
    return vectors, (np.arange(n_items) % len(KINDS)).astype(np.uint8)


def folded(
    history: History,
    vectors: NDArray[np.float32],
    kinds: NDArray[np.uint8],
    order: Iterable[int] | None = None,
    stored: bool = False,
) -> dict[int, UserRecord]:
    """Every listener's record from single `add`s in `order` of arrival; `stored` packs it after each of them."""
    weights, skipped = event_weights(history.event, history.seconds_played, history.duration_seconds)
    records: dict[int, UserRecord] = {}
    for row in range(len(history)) if order is None else order:
        event = Event(history.event[row])
        if weights[row] == 0 and not skipped[row] and event not in STEERING:
            continue
        user, item = int(history.user[row]), int(history.item[row])
        record = records.setdefault(user, UserRecord.empty(vectors.shape[1]))
        if event in STEERING:
            record.mark(item, event, float(history.timestamp[row]))
            continue
        moment = float(history.timestamp[row])
        play = bool(history.event[row] == Event.PLAY)
        record.add(item, int(kinds[item]), vectors[item], moment, float(weights[row]), bool(skipped[row]), play)
        if stored:
            records[user] = UserRecord.unpack(record.pack())
    return records


def seen_from(record: UserRecord, moment: float) -> UserRecord:
    """The same record, its sums decayed to `moment`."""
    nobody = UserRecord.empty(record.dim)
    nobody.at = moment
    return record.merge(nobody)


def assert_same_record(one: UserRecord, two: UserRecord, tolerance: float = EXACT, last: bool = True) -> None:
    """Everything that is counted is equal, everything that is summed is within `tolerance`."""
    assert one.at == two.at
    for name in ("items", "plays", "skips", *(["last", "first"] if last else [])):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    assert one.marks == two.marks
    for name in ("sums", "counts", "weights", "habits"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=0, atol=tolerance, err_msg=name)
    most = 2.0 * float(two.weights.max(initial=1.0))  # the slope of a square
    np.testing.assert_allclose(one.squares, two.squares, rtol=0, atol=tolerance * most, err_msg="squares")
