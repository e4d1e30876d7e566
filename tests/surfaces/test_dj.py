"""dj: the arc rises and falls, blocks have three to five tracks, and every line is true."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.items import Item
from palate.core.listens import Event
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.dj import UNKNOWN, played
from palate.surfaces.shelves.arc import PEAK_AT, along, arc, blocks

from .counted import Counted
from .planted import ItemLabels, Planted, planted


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def test_an_arc_from_where_they_are_up_and_down() -> None:
    energies = np.linspace(0.0, 1.0, 101)
    wanted = arc(0.4, energies, 11)
    assert wanted[0] == 0.4
    assert wanted[round(PEAK_AT * 10)] == pytest.approx(0.85)
    assert wanted[-1] == pytest.approx(0.25)
    assert (np.diff(wanted[:7]) > 0).all()
    assert (np.diff(wanted[6:]) < 0).all()
    assert np.isnan(arc(0.4, np.full(3, np.nan), 5)).all()


def test_all_equally_liked_are_played_along_the_arc() -> None:
    """Ranks apart, the nearest energy is taken: with 101 even steps none is farther than its rank can pull it."""
    energies = np.linspace(0.0, 1.0, 101)[np.random.default_rng(0).permutation(101)]
    nobody = np.full(101, -1, np.int32)
    wanted = arc(0.4, energies, 10)
    got = energies[along(wanted, energies, nobody)]
    assert np.corrcoef(got, wanted)[0, 1] > 0.8
    assert 3 <= int(np.argmax(got)) <= 8


@given(st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=40), st.integers(1, 60))
def test_each_candidate_once_whatever_is_known(energies: list[float], n: int) -> None:
    known = np.array(energies, np.float64)
    order = along(arc(np.nan, known, n), known, np.full(len(known), -1, np.int32))
    assert len(order) == len(set(order)) == min(n, len(known))


@given(st.integers(0, 1_000))
def test_blocks_are_of_three_to_five(n: int) -> None:
    sizes = blocks(n)
    assert sum(sizes) == n
    assert all(3 <= size <= 5 for size in sizes) or n < 3


def test_every_line_is_true(world: Planted) -> None:
    facts, seen = Counted(world), {"listen": 0, "energy": 0, "tempo": 0}
    for user in world.listeners(least_events=20):
        slate = played(world.path, world.query(user), "u", 20)
        before = ""
        for shelf in slate.shelves:
            for told in shelf.evidence:
                row = world.row_of[told.get("item_id") or told["of"]]
                item = world.world.items[row]
                if told["type"] == "listen":
                    assert told["plays"] == len(facts.plays[user, row])
                elif told["type"] == "energy":
                    assert told["energy"] == item.attributes["energy"]
                    assert f"{told['energy']:.2f}" in shelf.reason
                elif told["type"] == "tempo":
                    assert told["item_id"] == shelf.items[0].item_id
                    assert told["tempo_bpm"] == item.attributes["tempo_bpm"]
                    assert told["from_bpm"] == world.world.items[world.row_of[before]].attributes["tempo_bpm"]
                seen[told["type"]] = seen.get(told["type"], 0) + 1
            before = shelf.items[-1].item_id
    assert min(seen[sort] for sort in ("listen", "energy", "tempo")) > 20, seen


def test_titles_say_how_the_energy_moves(world: Planted) -> None:
    lively = {item.item_id: item.attributes.get("energy", np.nan) for item in world.world.items}
    titles = set()
    for user in world.listeners(least_events=20):
        shelves = played(world.path, world.query(user), "u", 20).shelves
        means = [np.mean([lively[item.item_id] for item in shelf.items]) for shelf in shelves]
        for shelf, change in zip(shelves[1:], np.diff(means), strict=True):
            assert {"Livelier": change > 0, "Calmer": change < 0, "And on": abs(change) < 0.031}[shelf.title]
            titles.add(shelf.title)
    assert titles == {"Livelier", "Calmer", "And on"}


def test_without_energies_it_is_in_the_order_of_taste_and_says_so(world: Planted) -> None:
    bare = [Item(item.item_id, item.kind, item.title, item.artists) for item in world.world.items]
    slate = played(replace(world.path, labels=ItemLabels(bare)), world.query(world.listeners(50)[0]), "u", 12)
    assert slate.note == UNKNOWN
    assert len(slate.items) == 12


def test_a_stranger_gets_a_set_and_who_hid_everything_a_reason(world: Planted, live: LiveHome) -> None:
    found = answer(live, "dj", Ask("nobody", 12))
    assert (len(found.items), found.stranger) == (12, True)
    record = world.query(0).record.copy()
    for row in range(len(world.world.items)):
        record.mark(row, Event.HIDE, world.now)
    empty = played(world.path, replace(world.query(0), record=record), "u", 12)
    assert empty.items == []
    assert empty.note is not None
    assert "hidden by the listener" in empty.note
