"""Listeners who go through slates, and what is counted of what surfaces showed: by hand."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import airing_days
import planted_feedback
from palate.core.clock import DAY_SECONDS, Calendar
from palate.listening.airing import Airing
from planted_feedback import MEASURES, Outcome, cells, visit
from served import copied

MONDAY = 4 * DAY_SECONDS  # 1970-01-05
SKIPS, HEARS = 0.0, 1.0  # dice: whatever the chance of a skip is, between the two


@dataclass
class Alike:
    """A world in which everybody likes everything somewhat."""

    def affinity(self, user: int, items: np.ndarray, now: float) -> np.ndarray:
        return np.full(len(items), 0.5)


@pytest.fixture
def planted() -> SimpleNamespace:
    return SimpleNamespace(truth=Alike(), users=np.arange(2), items=np.arange(10))


def test_a_listener_leaves_after_three_skips_in_a_row(planted: SimpleNamespace) -> None:
    outcome, met = Outcome(1), {1 * 10 + 4}
    coins = np.array([SKIPS, SKIPS, HEARS, HEARS, SKIPS, SKIPS, SKIPS, HEARS])
    events = visit(1, [7, 6, 5, 4, 3, 2, 1, 0], coins, planted, met, 1_000.0, outcome)
    assert [item for _, item, _, _ in events] == [7, 6, 5, 4, 3, 2, 1]
    assert [skip for _, _, skip, _ in events] == [True, True, False, False, True, True, True]
    assert [when for _, _, _, when in events][:2] == [1_000.0, 1_000.0 + planted_feedback.SECONDS_EACH]
    assert (outcome.shown, outcome.skipped, outcome.heard, outcome.discovered) == (7, 5, 2, 1)  # item 4 was known
    assert met == {14, 15}


def test_a_policy_is_told_as_means_and_ranges_over_seeds() -> None:
    one = Outcome(10, shown=80, skipped=20, heard=60, discovered=5, came=[1.0, 0.5])
    other = Outcome(10, shown=100, skipped=35, heard=65, discovered=15, came=[1.0, 0.7])
    assert one.measures == [20 / 80, 0.5, 1.0 + 0.5, 60 / 10, 5 / 10]
    told = cells(np.array([one.measures, other.measures]))
    assert dict(zip(MEASURES, told, strict=True)) == {
        "skipped": "30.0% [25.0%, 35.0%]",
        "returning": "60.0% [50.0%, 70.0%]",
        "visits": "1.60 [1.50, 1.70]",
        "heard": "6.25 [6.00, 6.50]",
        "discovered": "1.00 [0.50, 1.50]",
    }


def shown(user: str, surface: str, days: float, *rows: int) -> Airing:
    return Airing(user, surface, MONDAY + days * DAY_SECONDS, np.array(rows, np.int32))


def test_the_share_of_a_surface_is_of_what_it_showed_to_anybody() -> None:
    aired = [shown("a", "home", 0, 1, 2), shown("a", "home", 1, 2, 3), shown("b", "home", 0, 3), shown("b", "x", 0, 9)]
    assert airing_days.row("home", aired, [0.5, 1.0], 10) == "home | 30.0% | 2 | 0.75"  # 1, 2, 3; (3 + 1) / 2
    assert airing_days.row("all", aired, [], 10) == "all | 40.0% | 2 | "


def test_a_week_is_compared_with_the_week_before() -> None:
    aired = [shown("a", "discover_weekly", days, *rows) for days, rows in ((0, (1, 2)), (6.9, (1, 2)), (7, (2, 3)))]
    aired += [shown("b", "discover_weekly", 7, 4), shown("a", "home", 7, 1)]
    assert airing_days.weekly_overlap(aired, Calendar()) == 1 / 2
    assert np.isnan(airing_days.weekly_overlap(aired[3:], Calendar()))


def test_a_copy_of_a_home_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "palate.toml").write_text("")
    with copied(tmp_path, "lab") as home:
        assert [path.name for path in home.root.iterdir()] == ["palate.toml"]
        home.settings.write_text("[arrange]\n")
    assert not home.root.exists()
    assert (tmp_path / "palate.toml").read_text() == ""
