"""The law of the room: the record kept online equals the one recomputed from the whole history."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.core.listens import Event
from palate.embeddings import bulk
from palate.embeddings.bulk import build_records
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import assert_same_record, folded, history_of, made_up_items, with_event

VECTORS, KINDS_OF_ITEMS = made_up_items(6)
# What a float32 in the store may cost: 30 roundings of 6e-8 each, of sums below 30 x 2.5.
STORED = 30 * 2.0**-24 * 75


@pytest.mark.parametrize("block_users", [1, 2, 8_192])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(n_users=5), data=st.data())
def test_listens_folded_one_by_one_in_any_order_equal_the_whole_history_at_once(
    monkeypatch: pytest.MonkeyPatch, block_users: int, history: History, data: st.DataObject
) -> None:
    monkeypatch.setattr(bulk, "BLOCK_USERS", block_users)
    arrival = data.draw(st.permutations(range(len(history))))
    online = folded(history, VECTORS, KINDS_OF_ITEMS, arrival)
    offline = list(build_records(history, VECTORS, KINDS_OF_ITEMS))
    assert [user for user, _ in offline] == sorted(online)
    for user, record in offline:
        assert_same_record(record, online[user])


@given(histories(n_users=5), st.lists(st.integers(0, 4), unique=True))
def test_some_listeners_come_in_the_order_asked_for_and_equal_their_records_among_all(
    history: History, chosen: list[int]
) -> None:
    everybody = dict(build_records(history, VECTORS, KINDS_OF_ITEMS))
    some = list(build_records(history, VECTORS, KINDS_OF_ITEMS, np.array(chosen, np.int32)))
    assert [user for user, _ in some] == [user for user in chosen if user in everybody]
    for user, record in some:
        assert_same_record(record, everybody[user])


@given(histories())
def test_the_store_between_two_listens_costs_no_more_than_float32(history: History) -> None:
    online = folded(history, VECTORS, KINDS_OF_ITEMS, stored=True)
    for user, record in build_records(history, VECTORS, KINDS_OF_ITEMS):
        assert_same_record(record, online[user], tolerance=STORED)


@given(histories())
def test_records_built_at_once_do_not_share_memory(history: History) -> None:
    before = folded(history, VECTORS, KINDS_OF_ITEMS)
    records = dict(build_records(history, VECTORS, KINDS_OF_ITEMS))
    for record in records.values():
        record.add(3, 0, VECTORS[3], record.at + 1e6, 1.0, False)
        record.sums[:] = np.nan
        record.plays[:] = -1
        break
    for user in list(records)[1:]:
        assert_same_record(records[user], before[user])


def test_nobody_is_built_from_nothing() -> None:
    history = history_of([(0, 1, 1.0), (0, 2, 2.0)])
    search = with_event(with_event(history, 0, Event.SEARCH), 1, Event.IMPRESSION)
    for empty in (history.take(slice(0, 0)), history_of([], n_items=6), search):
        assert list(build_records(empty, VECTORS, KINDS_OF_ITEMS)) == []
    nobody = np.zeros(0, np.int32)
    assert list(build_records(history, VECTORS, KINDS_OF_ITEMS, nobody)) == []


def test_a_search_neither_counts_nor_ages_what_was_heard() -> None:
    history = history_of([(0, 1, 1.0), (0, 2, 2.0), (0, 3, 300.0)])
    ((_, heard),) = build_records(history.take(slice(0, 2)), VECTORS, KINDS_OF_ITEMS)
    ((_, with_search),) = build_records(with_event(history, 2, Event.SEARCH), VECTORS, KINDS_OF_ITEMS)
    assert_same_record(with_search, heard, tolerance=0.0)
