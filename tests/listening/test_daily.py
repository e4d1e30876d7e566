"""The tastes of the day: the first of a day is kept, for every process, until the day is over."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from palate.listening.daily import DayTaste, DayTastes
from palate.listening.deleted import FILE as DELETED
from palate.listening.deleted import DeletedUsers


def taste(user: str = "ann", day: int = 20_000, offset: int = 7, space: str = "taste@1") -> DayTaste:
    return DayTaste(user, space, day, offset, f"{user} {space} {day} {offset}".encode())


def test_the_first_of_a_day_is_the_one_that_is_kept(tmp_path: Path) -> None:
    with DayTastes(tmp_path / "daily.sqlite") as days, DayTastes(tmp_path / "daily.sqlite") as others:
        assert days.keep(taste(offset=7), 0.0) == taste(offset=7)
        assert others.keep(taste(offset=9), 0.0) == taste(offset=7)
        assert others.of("ann", "taste@1", 20_000) == taste(offset=7)
        assert days.of("ann", "taste@1", 20_001) is None
        assert days.of("ann", "taste@2", 20_000) is None
        assert days.of("bob", "taste@1", 20_000) is None


def test_each_space_has_its_own_and_a_new_day_drops_the_old_ones(tmp_path: Path) -> None:
    with DayTastes(tmp_path / "daily.sqlite") as days:
        for one in (taste(), taste(space="taste@2"), taste("bob")):
            days.keep(one, 0.0)
        assert days.kept("ann") == [taste(), taste(space="taste@2")]
        assert days.keep(taste(day=20_002, offset=30), 0.0) == taste(day=20_002, offset=30)
        assert days.kept("ann") == [taste(day=20_002, offset=30)]
        assert days.kept("bob") == []


def test_nothing_is_kept_of_who_was_deleted(tmp_path: Path) -> None:
    DeletedUsers(tmp_path / DELETED).delete(["ann"])
    with DayTastes(tmp_path / "daily.sqlite") as days:
        assert days.keep(taste(), 1e12) == taste()
        days.keep(taste("bob"), 1e12)
        assert (days.kept("ann"), days.kept("bob")) == ([], [taste("bob")])
        assert days.erase(["ann", "bob"]) == {"ann": 0, "bob": 1}
        assert days.kept("bob") == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 99)), max_size=20))
def test_what_is_given_is_the_first_of_that_day_in_two_days_whatever_the_order(
    tmp_path_factory, asked: list[tuple[str, int, int]]
) -> None:
    first: dict[tuple[str, int], DayTaste] = {}
    latest: dict[str, int] = {}
    with DayTastes(tmp_path_factory.mktemp("daily") / "daily.sqlite") as days:
        for user, day, offset in asked:
            given_back = days.keep(taste(user, day, offset), 0.0)
            if day < latest.get(user, 0):  # a worker whose clock is behind: its own, and the later day's stays
                assert given_back == taste(user, day, offset)
            else:
                latest[user] = day
                assert given_back == first.setdefault((user, day), taste(user, day, offset))
