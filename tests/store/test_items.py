import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput, Corrupt, NotTrained
from palate.core.ids import ItemId
from palate.core.items import Item, Kind
from palate.store.filters import Filter
from palate.store.items import ItemStore, words_of

SONG = Item(
    ItemId("s1"),
    title="Déjà Vu",
    artists=("Beyoncé", "JAY-Z"),
    collection="B'Day",
    genres=("pop", "r&b"),
    language="en",
    released=1157328000.0,
    duration_seconds=240.5,
    explicit=True,
    attributes={"tempo_bpm": 105.0},
)
SHELF = [
    SONG,
    Item(ItemId("bare")),
    Item(ItemId("e1"), Kind.EPISODE, "The View from the Bridge", ("Radio Brücke",), language="de", available=False),
    Item(ItemId("s2"), title="The View", artists=("Vulfpeck",)),
    Item(ItemId("b1"), Kind.AUDIOBOOK, "A Room with a View", ("E. M. Forster",), language="en"),
    Item(ItemId("x" * 512), title="Viewfinder"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ItemStore.write(tmp_path / "items", SHELF)
    return tmp_path / "items"


def test_what_is_written_is_read_by_row_and_by_id(path: Path) -> None:
    with ItemStore(path) as store:
        assert len(store) == 6
        assert [store.get(row) for row in range(6)] == SHELF
        assert [store.row(item.item_id) for item in SHELF] == list(range(6))
        assert [store.id(row) for row in range(6)] == [item.item_id for item in SHELF]
        assert store.row("nobody") is None


@pytest.mark.parametrize("row", [-1, 6])
def test_a_row_that_is_not_there_is_refused(path: Path, row: int) -> None:
    with ItemStore(path) as store, pytest.raises(BadInput, match="6 rows"):
        store.get(row)


def test_facets_are_what_filters_read(path: Path) -> None:
    with ItemStore(path) as store:
        facets = store.facets()
    assert facets.kind.tolist() == [0, 0, 1, 0, 2, 0]
    assert [facets.languages[code] if code >= 0 else None for code in facets.language] == [i.language for i in SHELF]
    assert facets.available.tolist() == [True, True, False, True, True, True]
    chosen = Filter(kinds=frozenset({Kind.AUDIOBOOK, Kind.EPISODE}), languages=frozenset({"en"})).mask(facets)
    assert np.flatnonzero(chosen).tolist() == [4]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("view", [3, 2, 4, 5]),  # whole before begun ("Viewfinder"), then the shortest
        ("VIEW the", [3, 2]),
        ("vi", [5, 3, 2, 4]),
        ("beyonce deja", [0]),
        ("jay z", [0]),
        ("brucke", [2]),
        ("view nobody", []),
        ("nobody view", []),
        ("zzz", []),
        (" -- ", []),
        ("", []),
    ],
)
def test_search_finds_every_word_and_the_last_one_begun(path: Path, words: str, rows: list[int]) -> None:
    with ItemStore(path) as store:
        assert store.search(words, 10).tolist() == rows
        assert store.search(words, 1).tolist() == rows[:1]


def test_an_item_is_found_by_all_of_its_words_and_by_their_beginnings(path: Path) -> None:
    with ItemStore(path) as store:
        for row, item in enumerate(SHELF):
            words = words_of(" ".join((item.title or "", *item.artists)))
            for end in range(1, len(words) + 1):
                begun = " ".join([*words[: end - 1], words[end - 1][:2]])
                assert row in store.search(begun, 10)


def test_a_reader_keeps_its_version_while_others_are_published(path: Path) -> None:
    with ItemStore(path) as old:
        for number in range(3):
            assert ItemStore.write(path, [Item(ItemId(f"new-{number}"))]) == number + 2
        assert (old.version, old.get(0), old.row("s2")) == (1, SONG, 3)
        assert ItemStore.live_version(path) == 4
        with ItemStore(path) as new:
            assert (new.version, len(new), new.id(0)) == (4, 1, "new-2")
    assert sorted(folder.name for folder in path.glob("v*")) == ["v000003", "v000004"]


def test_a_write_that_fails_leaves_the_live_version(path: Path) -> None:
    with pytest.raises(BadInput, match="came twice"):
        ItemStore.write(path, [SONG, Item(ItemId("other")), SONG])
    with pytest.raises(BadInput, match="not Unicode"):
        ItemStore.write(path, [Item(ItemId("a"), title="\ud800")])
    assert sorted(entry.name for entry in path.iterdir()) == ["CURRENT", "v000001"]
    with ItemStore(path) as store:
        assert store.get(0) == SONG


def test_a_catalogue_of_nothing_can_be_opened(tmp_path: Path) -> None:
    ItemStore.write(tmp_path, [])
    with ItemStore(tmp_path) as store:
        assert (len(store), store.row("a"), store.search("a", 5).tolist(), len(store.facets())) == (0, None, [], 0)


def test_numbers_that_are_not_finite_become_unknown(tmp_path: Path) -> None:
    odd = Item(ItemId("a"), released=math.nan, attributes={"tempo_bpm": math.inf, "energy": 0.5})
    ItemStore.write(tmp_path, [odd])
    with ItemStore(tmp_path) as store:
        assert store.get(0) == Item(ItemId("a"), attributes={"energy": 0.5})


def test_more_items_than_one_batch_and_one_map_hold(tmp_path: Path) -> None:
    ItemStore.write(tmp_path, (Item(ItemId(f"id-{n}"), title=f"La {n}", collection="x" * 4000) for n in range(25_000)))
    with ItemStore(tmp_path) as store:
        assert len(store) == 25_000
        assert (store.id(24_999), store.row("id-10000")) == ("id-24999", 10_000)
        assert store.search("la 12345", 5).tolist() == [12_345]
        assert store.search("la", 3).tolist() == [0, 1, 2]


def test_what_was_never_written_says_to_train_and_a_newer_format_to_upgrade(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotTrained, match="palate train"):
        ItemStore(tmp_path / "nothing")
    manifest = path / "v000001" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format_version": 3}))
    with pytest.raises(Corrupt, match="upgrade"):
        ItemStore(path)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
items = st.lists(
    st.builds(
        Item,
        text.filter(bool),
        st.sampled_from(Kind),
        st.none() | text,
        st.lists(text, max_size=3).map(tuple),
        st.none() | text,
        st.lists(text, max_size=3).map(tuple),
        st.none() | text,
        st.none() | st.floats(0, 2e9),
        st.none() | st.floats(0, 1e5),
        st.booleans(),
        st.booleans(),
        st.dictionaries(text, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    ),
    max_size=8,
    unique_by=lambda item: item.item_id,
)


@settings(max_examples=25, deadline=None)
@given(items)
def test_any_items_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, items: list[Item]) -> None:
    path = tmp_path_factory.mktemp("items")
    ItemStore.write(path, items)
    with ItemStore(path) as store:
        assert [store.get(row) for row in range(len(store))] == items
        assert [store.row(item.item_id) for item in items] == list(range(len(items)))
