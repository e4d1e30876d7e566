"""The catalogue: rows that stay, imports that add to what is known."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.catalog import Catalog, UpsertReport
from palate.core.errors import BadInput, Corrupt
from palate.core.ids import ItemId
from palate.core.items import Item, Kind

SONG = Item(
    ItemId("song"), Kind.TRACK, "Wide Open", ("Ana", "Bo"), "Fields", ("folk", "pop"), "en", 86_400.0, 200.5,
    True, False, {"tempo_bpm": 120.0, "energy": 0.5},
)  # fmt: skip
EPISODE = Item(ItemId("episode"), Kind.EPISODE, title="One", language="de", attributes={"popularity": 3.0})


def item(item_id: str, **more: Any) -> Item:
    return Item(ItemId(item_id), **more)


def test_items_come_back_as_they_went_in_also_from_disk(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    assert len(catalog) == 0
    assert list(catalog.items()) == []
    assert catalog.upsert([SONG, EPISODE]) == UpsertReport(new=2, changed=0)
    catalog.save()
    for one in (catalog, Catalog.open(tmp_path)):
        assert list(one.items()) == [SONG, EPISODE]
        assert (one.item(0), one.item(1), one.ids) == (SONG, EPISODE, ["song", "episode"])
        assert one.attributes() == ["energy", "popularity", "tempo_bpm"]
        np.testing.assert_array_equal(one.attribute("energy"), [0.5, np.nan])
        np.testing.assert_array_equal(one.attribute("loudness_db"), [np.nan, np.nan])


def test_the_same_items_again_change_nothing(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.upsert([SONG, EPISODE])
    assert catalog.upsert([EPISODE, SONG]) == UpsertReport(new=0, changed=0)
    assert list(catalog.items()) == [SONG, EPISODE]


def test_a_later_import_adds_and_corrects_but_never_erases(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.upsert([SONG, EPISODE])
    told = item("song", title="Wide Shut", artists=(), genres=("rock",), available=True, attributes={"valence": 1.0})
    assert catalog.upsert([item("new"), told]) == UpsertReport(new=1, changed=1)
    assert catalog.ids == ["song", "episode", "new"]
    assert catalog.item(0) == Item(
        ItemId("song"), Kind.TRACK, "Wide Shut", ("Ana", "Bo"), "Fields", ("rock",), "en", 86_400.0, 200.5, False, True,
        {"tempo_bpm": 120.0, "energy": 0.5, "valence": 1.0},
    )  # fmt: skip
    assert catalog.item(1) == EPISODE


def test_what_the_source_never_said_stays_as_it_was(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.upsert([SONG, EPISODE])
    unstated = ["kind", "explicit", "available"]
    assert catalog.upsert([item("song"), item("episode"), item("new")], unstated) == UpsertReport(new=1, changed=0)
    assert list(catalog.items()) == [SONG, EPISODE, item("new")]
    assert catalog.upsert([item("episode", explicit=True)], unstated).changed == 1
    assert catalog.upsert([item("episode")]).changed == 1
    assert (catalog.item(1).kind, catalog.item(1).explicit) == (Kind.TRACK, False)


def test_an_item_told_twice_takes_the_later_value(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    told = [item("a", title="first", language="en"), item("b"), item("a", title="second")]
    assert catalog.upsert(told) == UpsertReport(new=2, changed=0)
    assert list(catalog.items()) == [item("a", title="second", language="en"), item("b")]


def test_ensure_adds_unknown_ids_once_and_touches_no_other(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.upsert([SONG])
    assert catalog.ensure(["x", "song", "y", "x"]) == 2
    assert catalog.ensure(["x", "y"]) == 0
    assert list(catalog.items()) == [SONG, item("x"), item("y")]
    assert catalog.upsert([item("y", title="Y")]) == UpsertReport(new=0, changed=1)
    assert catalog.ids == ["song", "x", "y"]


def test_rows_of_unknown_ids_are_minus_one(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.ensure("abc")
    rows = catalog.rows_of(["c", "nobody", "a", "c"])
    assert rows.tolist() == [2, -1, 0, 2]
    assert rows.dtype == np.int32
    assert len(catalog.rows_of([])) == 0


def test_a_row_outside_is_bad_input(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.ensure("ab")
    with pytest.raises(BadInput, match="rows are 0 to 1"):
        catalog.item(2)
    with pytest.raises(BadInput, match="rows are 0 to 1"):
        catalog.item(-1)


def test_columns_are_by_row_with_the_first_artist_and_genre(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.upsert([SONG, EPISODE, item("x", artists=("Bo",), genres=("folk",)), item("y", artists=("Ana",))])
    columns = catalog.columns()
    assert columns.kind.tolist() == [0, 1, 0, 0]
    assert columns.available.tolist() == [False, True, True, True]
    assert columns.explicit.tolist() == [True, False, False, False]
    assert [columns.languages[code] if code >= 0 else None for code in columns.language] == ["en", "de", None, None]
    assert [columns.artists[code] if code >= 0 else None for code in columns.artist] == ["Ana", None, "Bo", "Ana"]
    assert [columns.genres[code] if code >= 0 else None for code in columns.genre] == ["folk", None, "folk", None]
    np.testing.assert_array_equal(columns.released, [86_400.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(columns.duration_seconds, [200.5, np.nan, np.nan, np.nan])
    kinds = {
        "kind": "uint8",
        "language": "int32",
        "artist": "int32",
        "released": "float64",
        "duration_seconds": "float32",
    }
    assert {name: str(getattr(columns, name).dtype) for name in kinds} == kinds


def test_columns_of_an_empty_catalogue_are_empty(tmp_path: Path) -> None:
    columns = Catalog.open(tmp_path).columns()
    assert len(columns) == len(columns.artist) == len(columns.released) == 0
    assert columns.artists == []


def test_a_text_with_the_separator_in_it_stays_whole(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    odd = [item("a", artists=("one\x1fname", "two")), item("b", artists=("three",))]
    catalog.upsert(odd)
    assert list(catalog.items()) == odd


any_item = st.builds(
    Item,
    item_id=st.sampled_from(["i", "j", "k", "l"]),
    kind=st.sampled_from(Kind),
    title=st.none() | st.sampled_from(["t", "u"]),
    artists=st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple),
    released=st.none() | st.sampled_from([0.0, 1.5]),
    explicit=st.booleans(),
    attributes=st.dictionaries(st.sampled_from(["tempo_bpm", "energy"]), st.sampled_from([0.0, 2.0])),
)


@given(st.lists(st.lists(any_item, max_size=5), max_size=4))
def test_any_imports_equal_laying_one_item_over_another(
    tmp_path_factory: pytest.TempPathFactory, imports: list[list[Item]]
) -> None:
    folder = tmp_path_factory.mktemp("catalog")
    expected: dict[str, Item] = {}
    for items in imports:
        before = dict(expected)
        for one in items:
            old = expected.get(one.item_id, one)
            expected[one.item_id] = Item(
                one.item_id,
                one.kind,
                title=one.title or old.title,
                artists=one.artists or old.artists,
                released=old.released if one.released is None else one.released,
                explicit=one.explicit,
                attributes=old.attributes | one.attributes,
            )
        with Catalog.changing(folder) as catalog:
            report = catalog.upsert(items)
        assert report.new == len(expected) - len(before)
        assert report.changed == sum(expected[item_id] != one for item_id, one in before.items())
    assert list(Catalog.open(folder).items()) == list(expected.values())


def test_changing_saves_only_a_block_that_ends_well(tmp_path: Path) -> None:
    with Catalog.changing(tmp_path) as catalog:
        catalog.upsert([SONG])

    def fail() -> None:
        with Catalog.changing(tmp_path) as catalog:
            catalog.upsert([EPISODE])
            raise KeyError("half-way")

    with pytest.raises(KeyError):
        fail()
    assert Catalog.open(tmp_path).ids == ["song"]


def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "items.parquet").write_bytes(b"PAR1 this is no parquet PAR1")
    with pytest.raises(Corrupt, match="restore it from a backup"):
        Catalog.open(tmp_path)


def test_a_file_of_a_newer_palate_is_refused(tmp_path: Path) -> None:
    with Catalog.changing(tmp_path) as catalog:
        catalog.upsert([SONG])
    path = tmp_path / "items.parquet"
    pl.read_parquet(path, memory_map=False).with_columns(pl.lit(2, pl.UInt8).alias("format")).write_parquet(path)
    with pytest.raises(Corrupt, match="upgrade Palate"):
        Catalog.open(tmp_path)


def test_ten_thousand_items_keep_their_rows_through_many_imports(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    for start in range(0, 10_000, 2_500):
        catalog.upsert([item(str(i), title=f"{start}") for i in range(max(start - 500, 0), start + 2_500)])
    assert catalog.ids == [str(i) for i in range(10_000)]
    assert catalog.item(2_400).title == "2500"
    assert catalog.item(1_999).title == "0"
