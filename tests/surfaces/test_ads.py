"""ads: targeted as declared, the likeliest first, and never more often than the cap."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadSettings
from palate.listening.impressions import FILE, KEPT_SECONDS, Impressions
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.screens.ads import NONE_HERE, NONE_LEFT, PRIVATE, answer
from palate.surfaces.shelves.campaigns import read_campaigns

DAY = 86_400.0


class Wall:
    """A clock that stands until it is set."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def served(live: LiveHome, wall: Wall) -> Iterator[LiveHome]:
    yield replace(live, clock=replace(live.clock, wall=wall))
    for name in ("ads.toml", f"listening/{FILE}", f"listening/{FILE}-wal", f"listening/{FILE}-shm"):
        (live.home.root / name).unlink(missing_ok=True)


def declare(live: LiveHome, text: str) -> None:
    (live.home.root / "ads.toml").write_text(text, encoding="utf-8")


def busiest(live: LiveHome) -> tuple[str, str, int]:
    """A listener with the genre that they play most, and how often."""
    user = max(live.store.users(live.space.label), key=lambda one: int(live.state(one).record.heard.sum()))
    record, columns = live.state(user).record, live.path.stock.columns
    plays = np.bincount(columns.genre[record.items], record.heard, minlength=len(columns.genres))
    return user, columns.genres[int(np.argmax(plays))], int(plays.max())


def test_never_more_than_the_cap_in_any_day(served: LiveHome, wall: Wall) -> None:
    declare(served, '[[campaign]]\nid = "a"\ntext = "Hear, hear"\ncap_per_day = 2\n')
    shown = []
    for step in range(40):
        wall.now = 1_800_000_000.0 + step * 3 * 3_600.0
        shown += [wall.now for _ in answer(Ask("u", 5), served).items]
    assert len(shown) == 10
    assert all(sum(start <= one < start + DAY for one in shown) <= 2 for start in shown)
    assert answer(Ask("somebody else", 5), served).items, "a cap is each listener's own"


def test_the_cap_holds_among_threads(tmp_path: Path) -> None:
    def ask(_: int) -> bool:
        with Impressions(tmp_path / FILE) as counts:
            return counts.claim("u", "a", 7, 0.0, 1_000.0)

    Impressions(tmp_path / FILE).close()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(40))) == 7


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.lists(st.floats(0, 3 * DAY), min_size=1, max_size=12))
def test_whatever_the_moments(tmp_path_factory: pytest.TempPathFactory, cap: int, moments: list[float]) -> None:
    given_out: list[float] = []
    with Impressions(tmp_path_factory.mktemp("ads") / FILE) as counts:
        for now in sorted(moments):
            since = now - DAY
            assert counts.shown("u", "a", since) == sum(one > since for one in given_out)
            if counts.claim("u", "a", cap, since, now):
                given_out.append(now)
            assert sum(one > since for one in given_out) <= cap


def test_the_file_names_nobody_and_forgets(tmp_path: Path) -> None:
    with Impressions(tmp_path / FILE) as counts:
        assert counts.claim("victim-of-ads", "a", 1, 0.0, 0.0)
        assert counts.claim("other", "a", 1, KEPT_SECONDS, KEPT_SECONDS + 1.0)
        assert counts.shown("victim-of-ads", "a", -1.0) == 0
    assert all(b"victim-of-ads" not in path.read_bytes() for path in tmp_path.iterdir())


def test_who_plays_a_genre_sees_its_campaign_first_and_why(served: LiveHome) -> None:
    user, genre, plays = busiest(served)
    item = served.items.id(0)
    declare(served, f'[[campaign]]\nid = "all"\ntext = "For all"\n[[campaign]]\nid = "own"\ntext = "Yours"\n'
                    f'genres = ["{genre}"]\n[[campaign]]\nid = "item"\nitem = "{item}"\n')  # fmt: skip
    found = answer(Ask(user, 5), served)
    assert {one.evidence[0]["campaign"] for one in found.items} == {"all", "own", "item"}
    own = next(one for one in found.items if one.item_id == "ad:own")
    assert own.evidence[1]["plays"] == plays
    assert genre in own.reason
    assert found.items[-1].item_id == "ad:all"
    stranger = {one.item_id for one in answer(Ask("nobody", 5), served).items}
    assert stranger == {"ad:all", item}


def test_countries_dates_and_gone_items_are_kept_to(served: LiveHome, wall: Wall) -> None:
    declare(served, '[[campaign]]\nid = "early"\ntext = "t"\nstart = 2027-01-15\nend = 2027-01-16\n'
                    '[[campaign]]\nid = "far"\ntext = "t"\ncountries = ["no such country"]\n'
                    '[[campaign]]\nid = "gone"\nitem = "no such item"\n')  # fmt: skip
    wall.now = 1_799_971_200.0 - 1.0  # a second before 2027-01-15 in UTC
    assert answer(Ask("u", 5), served).note == NONE_LEFT
    wall.now += 1.0
    assert [one.item_id for one in answer(Ask("u", 5), served).items] == ["ad:early"]
    wall.now += DAY
    assert answer(Ask("u", 5), served).items == []


def test_no_campaigns_and_private_sessions_are_said(served: LiveHome) -> None:
    assert answer(Ask("u"), served).note == NONE_HERE
    declare(served, '[[campaign]]\nid = "a"\ntext = "t"\ncap_per_day = 1\n')
    assert answer(Ask("u", private=True), served).note == PRIVATE
    assert len(answer(Ask("u"), served).items) == 1, "the private request counted nothing"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[campaign]]\n", "has no id"),
        ('[[campaign]]\nid = "a"\n', "either item or text"),
        ('[[campaign]]\nid = "a"\ntext = "t"\nbudget = 3\n', "budget is not a setting"),
        ('[[campaign]]\nid = "a"\ntext = "t"\ncap_per_day = 0\n', "at least 1"),
        ('[[campaign]]\nid = "a"\ntext = "t"\nkinds = ["film"]\n', "is no kind"),
        ('[[campaign]]\nid = "a"\ntext = "t"\ngenres = "jazz"\n', "must be a list"),
        ('[[campaign]]\nid = "a"\ntext = "t"\nstart = "soon"\n', "must be a date"),
        ('[[campaign]]\nid = "a"\ntext = "t"\nstart = 5\nend = 5\n', "start must be before end"),
        ('[[campaign]]\nid = "a"\ntext = "t"\n[[campaign]]\nid = "a"\ntext = "t"\n', "two campaigns"),
        ("id = 3\n", "more than"),
        ("[[campaign]\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "ads.toml").write_text(text)
    with pytest.raises(BadSettings, match=said):
        read_campaigns(tmp_path / "ads.toml")
