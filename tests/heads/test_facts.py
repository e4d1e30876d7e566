"""The facts: by hand, of any record, and the same one by one as together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.embeddings.bulk import build_records
from palate.embeddings.records import UserRecord
from palate.heads.facts import FACTS, facts
from palate.listening.history import History
from palate.retrieval.trends import Trends
from palate.testing.strategies import histories

NOW = 1_500_000_000.0
DIM = 2
NOBODY = UserRecord.empty(DIM)


def columns(n: int) -> ItemColumns:
    """Items 0 and 1 are of one artist, 0 and 2 of one genre; item 0 came out a year before NOW."""
    code = np.full(n, -1, np.int32)
    artist, genre, released = code.copy(), code.copy(), np.full(n, np.nan)
    artist[[0, 1]], genre[[0, 2]], released[0] = 4, 0, NOW - 365 * DAY_SECONDS
    return replace(ItemColumns.unknown(n), artist=artist, genre=genre, released=released)


def trends(n: int) -> Trends:
    """Item 0 was first heard 28 days before NOW, and 3, 4, 5 times."""
    plays = [np.zeros(n, np.int32) for _ in range(3)]
    for place, column in enumerate(plays):
        column[0] = 3 + place
    first = np.full(n, np.inf)
    first[0] = NOW - 28 * DAY_SECONDS
    return Trends(np.array(NOW), *plays, first)


def fact(name: str, record: UserRecord, row: int) -> float:
    return float(facts(record, NOW, np.array([row], np.int32), columns(4), trends(4))[0, FACTS.index(name)])


@pytest.fixture
def record() -> UserRecord:
    """One play of item 0 28 days ago, then at NOW two plays of item 2 and a skip of item 3, all tracks."""
    made, vector = UserRecord.empty(DIM), np.zeros(DIM, np.float32)
    made.add(0, 0, vector, NOW - 28 * DAY_SECONDS, 1.0, skip=False)
    for _ in range(2):
        made.add(2, 0, vector, NOW, 1.0, skip=False)
    made.add(3, 0, vector, NOW, 0.0, skip=True)
    return made


def share(of: float) -> float:
    return float(np.log1p(100.0 * of))


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("own_plays", 2, np.log(3)), ("own_plays", 1, 0.0), ("own_skips", 3, np.log(2)), ("own_skips", 2, 0.0),
        ("own_recency", 0, 1 / 2), ("own_recency", 2, 1.0), ("own_recency", 1, 0.0),
        # decayed plays: 1/2 of item 0, 2 of item 2
        ("own_share", 0, share(0.5 / 2.5)), ("own_share", 2, share(2 / 2.5)), ("own_share", 1, 0.0),
        ("artist_share", 1, share(0.5 / 2.5)), ("artist_share", 2, 0.0), ("genre_share", 0, share(1.0)),
        ("genre_share", 1, 0.0), ("kind_share", 1, share(1.0)),
        ("plays_week", 0, np.log(4)), ("plays_month", 0, np.log(5)), ("plays_ever", 0, np.log(6)),
        ("newness", 0, 1 / 2), ("newness", 1, 1.0), ("release_newness", 0, 1 / 2), ("release_newness", 1, 0.0),
        ("listener_items", 1, np.log(4)), ("listener_recency", 1, 1.0),
    ],
)  # fmt: skip
def test_a_fact_by_hand(record: UserRecord, name: str, row: int, expected: float) -> None:
    assert fact(name, record, row) == pytest.approx(expected, abs=1e-6)


def test_of_a_stranger_nothing_is_their_own() -> None:
    told = facts(NOBODY, NOW, np.arange(4, dtype=np.int32), columns(4), trends(4))
    own = [place for place, name in enumerate(FACTS) if name.startswith(("own", "artist", "genre", "kind", "listener"))]
    assert not told[:, own].any()
    assert told[0, FACTS.index("plays_week")] > 0


def test_no_items_have_no_facts(record: UserRecord) -> None:
    assert facts(record, NOW, np.zeros(0, np.int32), columns(4), trends(4)).shape == (0, len(FACTS))


@given(histories(n_users=1, n_items=6), st.lists(st.integers(0, 5), max_size=8))
def test_together_is_as_one_by_one_and_finite(history: History, rows: list[int]) -> None:
    records = dict(build_records(history, np.ones((6, DIM), np.float32), np.zeros(6, np.uint8)))
    record, now = records.get(0, NOBODY), history.end + 1.0
    asked, seen = np.array(rows, np.int32), Trends.at(history, now)
    told = facts(record, now, asked, columns(6), seen)
    assert np.isfinite(told).all()
    for row, one in zip(asked, told, strict=True):
        np.testing.assert_array_equal(facts(record, now, row[None], columns(6), seen)[0], one)
