"""What a surface promises for a day or a week holds in every worker, whatever is heard in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.homes import copy_of
from palate.core.clock import DAY_SECONDS, Clock
from palate.core.home import Home
from palate.core.ids import ItemId, UserId
from palate.core.listens import Event, Listen, in_columns
from palate.embeddings.space import Spaces
from palate.fresh.engine import open_store
from palate.fresh.fold import Folder
from palate.listening.attributes import Attributes
from palate.listening.daily import FILE, DayTastes
from palate.listening.deleted import DeletedUsers
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore
from palate.surfaces.ask import Ask
from palate.surfaces.freshness import FreshnessSettings, Tastes
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.screens.discover_weekly import week_of

pytestmark = pytest.mark.slow
USER = "sim-user-0003"


class House:
    """A home with a clock of its own, whose workers share nothing but its files, and a log that is folded at once."""

    def __init__(self, home: Home) -> None:
        self.home, self.log, self.store = home, ListeningLog(home.log), open_store(home, readonly=False)
        calendar = self.log.calendar()
        week = 7 * DAY_SECONDS
        monday = 4 * DAY_SECONDS  # 1970-01-05
        home_now = ((self.log.last_time or 0.0) - monday) // week * week + week + monday
        self.unix = calendar.unix_time(home_now + 0.3 * DAY_SECONDS)
        self.clock = Clock(calendar, lambda: self.unix)
        self.items = ItemStore(home.online / "items")
        space = Spaces(home.spaces).live
        self.folder = Folder.of(space, self.log, self.store, self.items, calendar, Attributes(home.listeners))

    def worker(self) -> LiveHome:
        tastes = Tastes(FreshnessSettings(), DeletedUsers.of(self.home), lambda: self.unix)
        attributes = Attributes(self.home.listeners)
        return LiveHome(
            self.home, Spaces(self.home.spaces).live, self.clock, self.store, self.items, attributes, tastes
        )

    def hears(self, *item_ids: str, event: Event = Event.PLAY) -> None:
        self.unix += 60.0
        self.log.append(in_columns([Listen(UserId(USER), ItemId(one), self.unix, event=event) for one in item_ids]))
        self.folder.catch_up()

    def close(self) -> None:
        for one in (self.items, self.store, self.log):
            one.close()


@pytest.fixture
def house(live: LiveHome, tmp_path: Path) -> Iterator[House]:
    home = copy_of(live.home, tmp_path)
    (home.listening / FILE).unlink(missing_ok=True)  # other tests may have asked for a mix
    opened = House(home)
    yield opened
    opened.close()


def told(worker: LiveHome, name: str = "daily_mix", **ask: object) -> list[tuple[str, str, list[tuple[str, float]]]]:
    """Each shelf: its title, its sentence, its items with their scores; one without a title where it has none."""
    slate = answer(worker, name, Ask(USER, 30, **ask))  # type: ignore[arg-type]
    shelves = slate.shelves or [None]
    return [
        ("", "", [(item.item_id, item.score) for item in slate.items])
        if shelf is None
        else (shelf.title, shelf.reason, [(item.item_id, item.score) for item in shelf.items])
        for shelf in shelves
    ]


def unheard(house: House, n: int) -> list[str]:
    """Items that would move anybody's taste: n that the listener never met."""
    known = set(house.worker().read(USER).state.record.items.tolist())
    return [str(house.items.id(row)) for row in range(700, 800) if row not in known][:n]


def test_a_mix_is_the_same_all_day_in_two_workers_and_after_a_restart(house: House) -> None:
    one, other = house.worker(), house.worker()
    morning = told(one)
    assert len(morning) >= 1
    for item_id in unheard(house, 20):
        house.hears(item_id, item_id, item_id)
    house.unix += 0.4 * DAY_SECONDS
    assert told(one) == morning
    assert told(other) == morning, "a worker that is asked for the first time after the plays"
    assert told(house.worker()) == morning, "a server that was started again"


def test_what_is_said_counts_what_was_played_since(house: House) -> None:
    first = answer(house.worker(), "daily_mix", Ask(USER, 30)).shelves[0]
    artist, plays = first.evidence[0]["artist"], first.evidence[0]["plays"]
    house.hears(next(item.item_id for item in first.items if artist in item.artists))
    later = answer(house.worker(), "daily_mix", Ask(USER, 30)).shelves[0]
    assert (later.title, [item.item_id for item in later.items]) == (first.title, [one.item_id for one in first.items])
    assert later.evidence[0] == {"type": "artist", "artist": artist, "plays": plays + 1}
    assert f"{artist} {plays + 1} times" in later.reason


def test_the_next_day_has_heard_what_was_played(house: House) -> None:
    one = house.worker()
    morning = told(one)
    for item_id in unheard(house, 20):
        house.hears(item_id, item_id, item_id)
    house.unix += 0.7 * DAY_SECONDS  # next day, less than 24 hours later
    assert told(one) != morning
    assert told(one) == told(house.worker())


@pytest.mark.parametrize("event", [Event.HIDE, Event.NOT_NOW])
def test_what_is_not_wanted_leaves_at_once_in_both(house: House, event: Event) -> None:
    one, other = house.worker(), house.worker()
    gone = told(one)[0][2][0][0]
    house.hears(gone, event=event)
    for worker in (one, other):
        assert gone not in [item_id for _, _, items in told(worker) for item_id, _ in items]


def test_a_private_request_keeps_nothing_and_sees_what_is_kept(house: House) -> None:
    told(house.worker(), private=True)
    assert not (house.home.listening / FILE).exists()
    morning = told(house.worker())
    house.hears(*unheard(house, 20))
    assert told(house.worker(), private=True) == morning


def test_of_a_stranger_nothing_is_kept(house: House) -> None:
    assert answer(house.worker(), "daily_mix", Ask("nobody", 30)).items == []
    assert not (house.home.listening / FILE).exists()


def test_of_who_was_deleted_nothing_is_read_or_kept(house: House) -> None:
    told(house.worker())
    DeletedUsers.of(house.home).delete([USER])
    with DayTastes(house.home.listening / FILE) as days:
        assert days.erase([USER]) == {USER: 1}
        house.store.delete(USER)
        assert answer(house.worker(), "daily_mix", Ask(USER, 30)).items == []


def test_a_week_is_the_same_in_two_workers(house: House) -> None:
    one, other = house.worker(), house.worker()
    monday, week = told(one, "discover_weekly"), week_of(house.clock.now())
    for item_id in unheard(house, 20):
        house.hears(item_id, item_id, item_id)
    house.unix += 6 * DAY_SECONDS
    assert week_of(house.clock.now()) == week
    assert told(one, "discover_weekly") == monday
    assert told(other, "discover_weekly") == monday
    assert told(house.worker(), "discover_weekly") == monday
