"""What holds of every answer in shelves of tracks: nothing twice, nothing that is hidden, and the same again."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.listens import Event
from palate.surfaces.screens import daily_mix, dj

from .planted import planted

ANSWERS = {"daily_mix": daily_mix.mixed, "dj": dj.played}


@pytest.mark.parametrize("surface", ANSWERS)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 120), st.lists(st.integers(0, 799), max_size=100))
def test_nothing_twice_nothing_hidden_and_the_same_again(surface: str, number: int, n: int, hidden: list[int]) -> None:
    world, answer = planted(), ANSWERS[surface]
    users = world.listeners(least_events=1)
    query = world.query(users[number % len(users)])
    record = query.record.copy()
    for row in hidden:
        record.mark(int(row), Event.HIDE, world.now)
    query = replace(query, record=record)
    slate = answer(world.path, query, "u", n)
    ids = [item.item_id for item in slate.items]
    assert ids == [item.item_id for shelf in slate.shelves for item in shelf.items]
    assert len(set(ids)) == len(ids) <= n
    assert {item.kind for item in slate.items} <= {"track"}
    rows = [world.row_of[one] for one in ids]
    assert not set(rows) & set(hidden)
    assert world.stock.columns.available[rows].all()
    assert slate.shelves or slate.note
    assert answer(world.path, query, "u", n) == slate
