"""The inputs: what a moment knew, stubs for what was only heard, names of any length."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from palate.catalog.catalog import Catalog
from palate.catalog.columns import ItemColumns, Playlists
from palate.catalog.playlists import PlaylistTable
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.items import Item, Membership
from palate.embeddings.inputs import Inputs, is_simulated
from palate.jobs.inputs import gather, moment_of, settle
from palate.listening.history import History
from palate.listening.log import ListeningLog

from .small_homes import empty_home, listens_of

DAY = DAY_SECONDS


def history_of(rows: list[tuple[int, int, float]], users: list[str], n_items: int) -> History:
    """Plays from (user row, item row, seconds)."""
    user, item, timestamp = (np.array(column) for column in zip(*rows, strict=True))
    unknown = np.full(len(rows), np.nan, np.float32)
    event, session = np.zeros(len(rows), np.uint8), np.arange(len(rows), dtype=np.int64)
    return History(
        user.astype(np.int32), item.astype(np.int32), timestamp.astype(float), event, unknown, unknown, session, users,
        n_items,
    )  # fmt: skip


def test_saved_then_loaded_equals_and_one_long_name_costs_its_own_length(tmp_path: Path) -> None:
    users = [f"user {number}" for number in range(1_000)] + ["ü" * 512, "\ud800"]
    long_name = "x" * 100_000
    columns = replace(
        ItemColumns.unknown(2),
        artist=np.array([0, 1], np.int32),
        artists=["A", long_name],
        genres=[""],
        languages=["é"],
    )
    one = np.zeros(1, np.int32)
    playlists = Playlists(one, one, one, np.array([5.0]), np.array([np.nan]), ["p"], [None], [""])
    inputs = Inputs(history_of([(0, 1, 3.0)], users, 2), playlists, columns)
    inputs.save(tmp_path)
    again = Inputs.load(tmp_path)
    for part in ("history", "playlists", "columns"):
        before, after = getattr(inputs, part), getattr(again, part)
        for field in fields(before):
            np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name), field.name)
    assert (again.history.users, again.columns.artists) == (users, ["A", long_name])
    assert (again.playlists.names, again.playlists.owners) == ([None], [""])
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 150_000


def test_until_knows_what_was_dated_before_and_nothing_else() -> None:
    # Items by row: heard at 5; heard at 20; described and released at 1; described and released at 20; only an id, and
    # on a playlist since 8; only an id, and on a playlist since 12; only an id, on a playlist since nobody knows when.
    nan = np.nan
    columns = replace(ItemColumns.unknown(7), released=np.array([nan, nan, 1.0, 20.0, nan, nan, nan]))
    place = np.arange(3, dtype=np.int32)
    playlists = Playlists(
        place, place + 4, place, np.array([8.0, 12.0, nan]), np.full(3, nan), ["p", "q", "r"], [None] * 3, [None] * 3
    )
    inputs = Inputs(history_of([(0, 0, 5.0), (0, 1, 20.0)], ["ana"], 7), playlists, columns)
    known = inputs.until(10.0)
    assert known.history.item.tolist() == [0]
    assert known.playlists.item.tolist() == [4, 6]
    assert known.columns.available.tolist() == [True, False, True, False, True, False, True]
    assert inputs.columns.available.all()
    assert known.until(10.0).columns.available.tolist() == known.columns.available.tolist()


def test_what_is_off_the_shelf_stays_off() -> None:
    columns = replace(ItemColumns.unknown(1), available=np.zeros(1, np.bool_))
    inputs = Inputs(history_of([(0, 0, 5.0)], ["ana"], 1), Playlists.none(), columns)
    assert not inputs.until(10.0).columns.available.any()


def test_a_home_ends_with_its_last_listen_or_with_its_last_dated_place_on_a_playlist() -> None:
    nothing, columns = history_of([(0, 0, 1.0)], ["ana"], 1).until(0.0), ItemColumns.unknown(1)
    one = np.zeros(2, np.int32)
    playlists = Playlists(one, one, one, np.array([7.0, np.nan]), np.full(2, np.nan), ["p"], [None], [None])
    assert Inputs(history_of([(0, 0, 3.0)], ["ana"], 1), playlists, columns).end == 4.0
    assert Inputs(nothing, playlists, columns).end == 8.0
    assert Inputs(nothing, Playlists.none(), columns).end == 0.0


@pytest.mark.parametrize(("user", "simulated"), [("sim-user-0001", True), ("simone", False)])
def test_a_simulated_listener_marks_the_inputs(user: str, simulated: bool) -> None:
    inputs = Inputs(history_of([(0, 0, 3.0)], [user], 1), Playlists.none(), ItemColumns.unknown(1))
    assert is_simulated(inputs) is simulated


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return empty_home(tmp_path / "home")


def heard(home: Home, *rows: tuple[str, str, float]) -> None:
    with ListeningLog(home.log) as log:
        log.append(listens_of(list(rows)))


def test_what_was_heard_and_never_imported_gets_a_row_and_nothing_else_changes(home: Home) -> None:
    with Catalog.changing(home.catalog) as catalog:
        catalog.upsert([Item("b", title="B")])
    heard(home, ("ana", "a", 10.0), ("ana", "b", 20.0))
    settle(home)
    assert Catalog.open(home.catalog).ids == ["b", "a"]
    before = (home.catalog / "items.parquet").stat()
    settle(home)
    assert (home.catalog / "items.parquet").stat() == before


def test_a_home_without_listens_and_playlists_has_nothing_to_learn_from(home: Home) -> None:
    with pytest.raises(BadInput, match="has no listens yet; run `palate import listens FILE`"):
        settle(home)
    with PlaylistTable.changing(home.catalog) as playlists:
        playlists.add([Membership("p", "a")])
    settle(home)


def test_what_is_logged_after_the_last_offset_is_left_out_to_the_listen(home: Home) -> None:
    heard(home, *(("ana", "a", float(at)) for at in range(5)))
    heard(home, ("bo", "a", 2.5))
    settle(home)
    assert gather(home, last_offset=3).history.timestamp.tolist() == [0.0, 1.0, 2.0]
    assert gather(home, last_offset=5).history.timestamp.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert gather(home).history.timestamp.tolist() == [0.0, 1.0, 2.0, 2.5, 3.0, 4.0]
    assert len(gather(home, last_offset=0).history) == 0


def test_at_a_moment_in_a_pause_the_pause_had_not_been_found_yet(home: Home) -> None:
    """Log: a day-long start, silence from day 1 to day 101 that was found to be a pause, one listen on day 101."""
    heard(home, ("ana", "a", 0.0), ("ana", "a", DAY - 1))
    with ListeningLog(home.log) as log:
        log.add_pause(DAY, 101 * DAY)
    heard(home, ("ana", "a", 101 * DAY))
    settle(home)
    for at, listens, moment in (
        (DAY / 2, 1, DAY / 2),
        (5 * DAY, 2, 5 * DAY),  # four days of silence, as anybody would have said on that day
        (99 * DAY, 2, DAY),  # by now it is a pause
        (102 * DAY, 3, 2 * DAY),
        (None, 3, DAY + 1.0),
    ):
        inputs = gather(home, at=at)
        assert (len(inputs.history), moment_of(home, inputs, at)) == (listens, moment), at
