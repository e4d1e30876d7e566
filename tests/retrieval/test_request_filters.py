from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.candidates import Candidates, Offer, merge
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.retrieval.filters import (
    RESTING_DAYS,
    SKIPPED_DAYS,
    Filter,
    apply,
    available,
    explicit_allowed,
    in_language,
    not_excluded,
    not_heard,
    not_hidden,
    not_hidden_artist,
    not_just_heard,
    not_just_skipped,
    not_resting,
)
from palate.retrieval.query import Limits, Query

from .small import NOW, query_of, record_of, stock_of

ALL: list[Filter] = [available, not_excluded, not_heard, not_just_skipped]


def candidates_of(*items: int) -> Candidates:
    rows = np.array(items, np.int32)
    return merge([("any", Offer.of(rows, np.arange(len(rows), 0, -1).astype(np.float32)))])


def kept_by(one: Filter, query: Query, available: Sequence[bool] = (True,) * 4) -> list[int]:
    """Which of items 0 to 3 the filter leaves."""
    candidates = candidates_of(0, 1, 2, 3)
    keep, _ = one(candidates, query, stock_of(np.ones((4, 2)), available=available))
    return [int(item) for item in candidates.items[keep]]


def test_what_cannot_be_played_is_left_out() -> None:
    assert kept_by(available, query_of(), [True, False, True, True]) == [0, 2, 3]


def test_what_the_request_excludes_and_its_seeds_are_left_out() -> None:
    assert kept_by(not_excluded, query_of(seeds=[3], exclude=[1, 77])) == [0, 2]


def test_heard_is_played_not_skipped() -> None:
    record = record_of(plays=[(0, 300), (2, 0), (2, 1)], skips=[(1, 0), (2, 0)])
    assert kept_by(not_heard, query_of(record)) == [1, 3]


def test_what_was_hidden_stays_away_also_when_it_is_played_later() -> None:
    record = record_of(plays=[(2, 0)])
    record.mark(2, Event.HIDE, NOW)
    record.mark(0, Event.HIDE, NOW)
    assert kept_by(not_hidden, query_of(record)) == [1, 3]


def test_skipped_lately_is_more_skips_than_plays_and_the_last_one_not_long_ago() -> None:
    record = record_of(
        plays=[(1, 1), (2, 2)],
        skips=[(0, 0.1), (1, 0.1), (2, 0), (2, 1), (3, SKIPPED_DAYS + 0.1)],
    )
    assert kept_by(not_just_skipped, query_of(record)) == [1, 3]


def test_each_removal_has_its_reason_and_happens_once() -> None:
    stock = stock_of(np.ones((6, 2)), available=[False, False, True, True, True, True])
    query = query_of(record_of(plays=[(1, 0), (2, 0), (3, 0)], skips=[(4, 0)]), exclude=[0, 2])
    kept, removed = apply(ALL, candidates_of(5, 4, 3, 2, 1, 0), query, stock)
    assert kept.items.tolist() == [5]
    assert [(one.items.tolist(), one.reason) for one in removed] == [
        ([1, 0], "unavailable"),
        ([2], "excluded by the request"),
        ([3], "heard before"),
        ([4], "skipped lately"),
    ]


def test_a_filter_that_removes_nothing_says_nothing() -> None:
    kept, removed = apply(ALL, candidates_of(1, 0), query_of(), stock_of(np.ones((2, 2))))
    assert kept.items.tolist() == [1, 0]
    assert removed == []


@pytest.mark.parametrize("filters", [[], [available], ALL, ALL[::-1]], ids=len)
@given(
    items=st.lists(st.integers(0, 9), unique=True, max_size=10),
    shelf=st.lists(st.booleans(), min_size=10, max_size=10),
    plays=st.lists(st.tuples(st.integers(0, 9), st.floats(0, 20)), max_size=6),
    skips=st.lists(st.tuples(st.integers(0, 9), st.floats(0, 20)), max_size=6),
    exclude=st.lists(st.integers(0, 9), max_size=3),
)
def test_kept_and_removed_are_what_came(
    filters: list[Filter],
    items: list[int],
    shelf: list[bool],
    plays: list[tuple[int, float]],
    skips: list[tuple[int, float]],
    exclude: list[int],
) -> None:
    stock, query = stock_of(np.ones((10, 2)), available=shelf), query_of(record_of(plays, skips), exclude=exclude)
    kept, removed = apply(filters, candidates_of(*items), query, stock)
    gone = [item for one in removed for item in one.items.tolist()]
    assert sorted(kept.items.tolist() + gone) == sorted(items)
    assert kept.items.tolist() == [item for item in items if item not in gone]
    assert all(one.reason for one in removed)
    assert all(len(one.items) for one in removed)
    again, nothing = apply(filters, kept, query, stock)
    assert nothing == []
    assert again.items.tolist() == kept.items.tolist()


def only(one: Filter, query: Query, **facts: object) -> list[int]:
    """Which of items 0 to 3 the filter leaves, in a stock of which these facts are known."""
    candidates = candidates_of(0, 1, 2, 3)
    keep, _ = one(candidates, query, stock_of(np.ones((4, 2)), **facts))  # type: ignore[arg-type]
    return [int(item) for item in candidates.items[keep]]


def test_everything_by_a_hidden_artist_is_left_out_and_of_nobodys_the_item_alone() -> None:
    record = record_of()
    record.mark(1, Event.HIDE_ARTIST, NOW)
    record.mark(3, Event.HIDE_ARTIST, NOW)
    assert only(not_hidden_artist, query_of(record), artist=[7, 7, -1, -1]) == [2]
    record.mark(0, Event.UNHIDE_ARTIST, NOW + 1)
    assert only(not_hidden_artist, query_of(record), artist=[7, 7, -1, -1]) == [0, 1, 2]


def test_what_is_not_now_rests() -> None:
    record = record_of()
    record.mark(1, Event.NOT_NOW, NOW - (RESTING_DAYS - 1) * DAY_SECONDS)
    record.mark(2, Event.NOT_NOW, NOW - (RESTING_DAYS + 1) * DAY_SECONDS)
    assert only(not_resting, query_of(record)) == [0, 2, 3]


def test_explicit_and_other_languages_are_left_out_where_they_are_not_wanted() -> None:
    facts = {"explicit": [True, False, False, False], "language": [0, 1, 2, -1]}
    assert only(explicit_allowed, query_of(), **facts) == [0, 1, 2, 3]
    assert only(explicit_allowed, replace(query_of(), limits=Limits(explicit=False)), **facts) == [1, 2, 3]
    named = replace(query_of(), limits=Limits(languages=np.array([1], np.int32)))
    assert only(in_language, named, **facts) == [1, 3]
    assert only(in_language, replace(query_of(), limits=Limits(languages=np.zeros(0, np.int32))), **facts) == [3]


def test_what_was_heard_in_this_sitting_is_left_out() -> None:
    record = record_of([(1, 0.1), (2, 1.0)])
    assert only(not_just_heard, query_of(record)) == [0, 2, 3]
