"""search: two artists whose names begin alike, two listeners; typos; what may be shown."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palate.store.items import ItemStore, words_of
from palate.store.words import WordIndex
from palate.surfaces.ask import Ask
from palate.surfaces.choices import Choices
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.shelves.found import items_found, names_found

from .planted import Planted, planted

TWINS = ("Queen", "Questlove")


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def devoted(world: Planted) -> list[tuple[int, int]]:
    """Two (listener, artist): each plays theirs most, and not the other's."""
    artist, sizes = world.stock.columns.artist, len(world.stock.columns.artists)
    loves: list[tuple[int, int, np.ndarray]] = []
    for user in world.listeners(least_events=50):
        record = world.query(user).record
        weights = np.bincount(artist[record.items], record.weights, minlength=sizes)
        loves.append((user, int(np.argmax(weights)), weights))
    return next(
        [(one, mine), (two, other)]
        for one, mine, his in loves
        for two, other, hers in loves
        if mine != other and not his[other] and not hers[mine]
    )


def test_q_is_queen_to_one_and_questlove_to_another(world: Planted, tmp_path: Path) -> None:
    (one, his), (two, hers) = devoted(world)
    names = list(world.stock.columns.artists)
    names[his], names[hers] = TWINS
    columns = replace(world.stock.columns, artists=names)
    stock = replace(world.stock, columns=columns)
    items = [
        replace(item, artists=(names[columns.artist[row]],), title=f"Song {row}", collection=None)
        for row, item in enumerate(world.world.items)
    ]
    ItemStore.write(tmp_path / "items", items, stock.trends.ever)
    choices = Choices.of(columns, stock.trends.ever.astype(np.float64), lambda row: None)
    index = WordIndex.of((words_of(name) for name in choices.names), choices.plays)
    with ItemStore(tmp_path / "items") as store:
        for typed in ("q", "qu", "que", "QUE"):
            for user, own in ((one, TWINS[0]), (two, TWINS[1])):
                query = world.query(user)
                found = items_found(store, stock, query, typed)
                assert store.get(int(found.rows[0])).artists[0] == own, (typed, own)
                assert choices.names[names_found(index, choices, stock, query, typed).rows[0]] == own
        assert {store.get(int(row)).artists[0] for row in items_found(store, stock, None, "q").rows} >= set(TWINS)


def test_shelves_share_no_item_and_show_nothing_hidden(live: LiveHome) -> None:
    stock = live.path.stock
    for user in (*list(live.store.users(live.space.label))[:10], "nobody"):
        for typed in ("s", "th", "the r", "mountain", "a"):
            found = answer(live, "search", Ask(user, 20, words=typed))
            ids = [item.item_id for item in found.items]
            assert ids == [item.item_id for shelf in found.shelves for item in shelf.items]
            assert len(set(ids)) == len(ids) <= 20
            assert stock.columns.available[[live.row(one) for one in ids]].all()
            again = answer(live, "search", Ask(user, 20, words=typed))
            assert [item.item_id for item in again.items] == ids
            assert again.slate_id == found.slate_id
            without = answer(live, "search", Ask(user, 20, exclude=tuple(ids[:5]), words=typed))
            assert not set(ids[:5]) & {item.item_id for item in without.items}


def test_what_is_said_of_a_match_is_true(live: LiveHome) -> None:
    seen = 0
    for typed in ("mountain", "the", "mountain of", "s"):
        for item in answer(live, "search", Ask(None, 40, words=typed)).items:
            told, known = item.evidence[0], live.items.get(live.row(item.item_id))
            texts = {
                "title": known.title or "", "artists": " ".join(known.artists), "album or show": known.collection or "",
                "artist": told.get("name", ""), "show": told.get("name", ""),
            }  # fmt: skip
            texts["words"] = " ".join([texts["title"], texts["artists"], texts["album or show"]])
            held = words_of(" ".join(texts[field] for field in told["field"].split(" and ")))
            assert all(any(one.startswith(word) for one in held) for word in words_of(typed)), (typed, item)
            seen += 1
    assert seen > 50


def test_accents_case_and_one_wrong_letter(live: LiveHome) -> None:
    title = next(
        t for row in range(50) if len(t := str(live.items.get(row).title)) > 8 and t.replace(" ", "").isalpha()
    )
    accented = title.replace("a", "á").replace("o", "Ö").upper()
    assert title in {item.title for item in answer(live, "search", Ask(None, 50, words=accented)).items}
    long = max(title.split(), key=len)
    found = answer(live, "search", Ask(None, 50, words=title.replace(long, long[0] + "x" + long[1:])))
    assert title in {item.title for item in found.items}
    assert "Close to" in found.items[0].reason


def test_nothing_found_and_nothing_typed_are_said(live: LiveHome) -> None:
    for words, said in (("qqqqqqq", "Nothing is called"), ("", "Nothing was typed"), (" - ", "Nothing is called")):
        found = answer(live, "search", Ask("nobody", 5, words=words))
        assert found.items == []
        assert found.note is not None
        assert found.note.startswith(said)
