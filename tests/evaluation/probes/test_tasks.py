"""Each open task on a log small enough to label by hand: days 0 to 100, the week asked about begins on day 93."""

from dataclasses import replace

import numpy as np
import pytest

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS as DAY
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.probes.open import open_tasks
from palate.evaluation.probes.settings import ProbeSettings
from palate.evaluation.probes.tasks import (
    Absent,
    AccountAge,
    Active,
    AtNight,
    Attribute,
    Churn,
    Discovers,
    Hears,
    Heavy,
    Plays,
    Relistens,
    Searches,
    Skips,
)
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns

from ..worlds import history_of, skipped_at

NAN = float("nan")
WEEK = (93.0 * DAY, 100.0 * DAY)
# u0 comes back to item 0 and finds item 1; u1 was here lately and stays away; u2 has been gone for long; u3 is new.
PLAYS = [(0, 0, 10.0), (0, 0, 94.1), (0, 1, 94.2), (0, 0, 95.1), (1, 1, 80.0), (2, 2, 20.0), (3, 3, 99.9)]


def labels(task, inputs: Inputs) -> list[float]:
    users = np.arange(len(inputs.history.users), dtype=np.int32)
    return task.labels(inputs.until(WEEK[1]), users, *WEEK).tolist()


def home(history: History | None = None, **listeners: list[str | None]) -> Inputs:
    """Items 0 and 1 are by artist a, 2 by b, 3 by nobody known; 0 is jazz, 1 is folk, 3 is an episode."""
    columns = replace(
        ItemColumns.unknown(4),
        artist=np.array([0, 0, 1, -1], np.int32),
        artists=["a", "b"],
        genre=np.array([0, 1, -1, -1], np.int32),
        genres=["jazz", "folk"],
        kind=np.array([0, 0, 0, 1], np.uint8),
    )
    return Inputs(history or history_of(PLAYS), Playlists.none(), columns, ListenerColumns(listeners))


@pytest.mark.parametrize(
    ("task", "answers"),
    [
        (Active(), [1.0, 0.0, 0.0, 1.0]),
        (Churn(), [NAN, 1.0, NAN, NAN]),  # u0 was last here on day 10
        (Heavy(above=2.0), [1.0, NAN, NAN, 0.0]),
        (Plays(), np.log1p([3, 0, 0, 1]).tolist()),
        (Hears("genre", 1, "folk"), [1.0, NAN, NAN, 0.0]),
        (Hears("artist", 0, "a"), [1.0, NAN, NAN, 0.0]),
        (Hears("kind", 1, "episode"), [0.0, NAN, NAN, 1.0]),
        (Hears("item", 0, "row 0"), [1.0, NAN, NAN, 0.0]),
        (Discovers("item"), [1.0, NAN, NAN, 1.0]),
        (Discovers("artist"), [0.0, NAN, NAN, 0.0]),  # item 1 is by a known artist, item 3 by nobody known
        (Relistens(above=0.5), [1.0, NAN, NAN, 0.0]),  # two of three plays are of item 0
        (Relistens(above=2 / 3), [0.0, NAN, NAN, 0.0]),
        (AtNight(above=0.5), [1.0, NAN, NAN, 0.0]),  # 2:24, 4:48 and 2:24; 21:36
        (AccountAge(), np.log1p([83.0, 13.0, 73.0, NAN]).tolist()),
    ],
)
def test_labels_by_hand(task, answers: list[float]) -> None:
    assert labels(task, home()) == pytest.approx(answers, nan_ok=True)


def test_a_skip_is_no_listen_and_one_is_no_share() -> None:
    plays = [(0, 0, 94.0), (1, 0, 94.1), (0, 0, 95.0), (0, 0, 96.0), (0, 0, 97.0)]
    inputs = home(skipped_at(history_of(plays), [0, 1]))
    assert labels(Active(), inputs) == [1.0, 0.0]
    assert labels(Skips(), inputs) == pytest.approx([1 / 4, NAN], nan_ok=True)


def test_what_listeners_are() -> None:
    inputs = home(
        country=["SE", None, "DE", "SE"],
        languages=["en|sv", "sv", None, "de"],
        account_created=[repr(73.0 * DAY), repr(200.0 * DAY), None, "1970-04-02"],
    )
    assert labels(Attribute("country", "SE"), inputs) == pytest.approx([1.0, NAN, 0.0, 1.0], nan_ok=True)
    assert labels(Attribute("languages", "sv"), inputs) == pytest.approx([1.0, 1.0, NAN, 0.0], nan_ok=True)
    # u1's account is dated later than the moment, u2's is unknown, u3's is from day 91.
    assert np.expm1(labels(AccountAge(), inputs)) == pytest.approx([20.0, 0.0, 73.0, 2.0])


def test_the_next_search_counts_and_no_later_one() -> None:
    history = history_of([(0, 2, 92.0), (0, 0, 94.0), (0, 2, 95.0), (1, 2, 96.0), (2, 3, 97.0), (3, 0, 101.0)])
    searched = replace(history, event=np.full(len(history), Event.SEARCH, np.uint8))
    assert labels(Searches(1, "b"), home(searched)) == pytest.approx([0.0, 1.0, 0.0, NAN], nan_ok=True)


def test_nothing_after_the_week_changes_a_label() -> None:
    inputs, later = home(), home(history_of([*PLAYS, (1, 0, 100.5), (2, 3, 101.0), (3, 1, 150.0)]))
    tasks = [Active(), Churn(), Plays(), Discovers("item"), Relistens(0.1), Hears("genre", 0, "jazz"), AccountAge()]
    for task in tasks:
        assert labels(task, later) == pytest.approx(labels(task, inputs), nan_ok=True), task.name


def week_by_week(days: int = 120) -> list[tuple[int, int, float]]:
    """Four listeners who each play their own item every day."""
    return [(user, user, day + user / 10) for day in range(days) for user in range(4)]


def test_open_tasks_of_a_home_with_metadata() -> None:
    settings = ProbeSettings(train_weeks=2, test_weeks=2, top=1)
    found = open_tasks(home(history_of(week_by_week()), country=["SE", "SE", "DE", None]), settings)
    assert [task.name for task in found if not isinstance(task, Absent)] == [
        "active", "churn", "heavy", "plays", "genre: jazz", "artist: a", "kind: episode",
        "discovers", "repeats", "night", "account age", "country: SE",
    ]  # fmt: skip
    assert [task.name for task in found if isinstance(task, Absent)] == ["skips", "languages", "search"]
    assert Heavy(7.0) in found
    assert Discovers("artist") in found


def test_open_tasks_of_a_home_without_metadata() -> None:
    history = history_of(week_by_week())
    inputs = Inputs(history, Playlists.none(), ItemColumns.unknown(4), ListenerColumns({}))
    found = open_tasks(inputs, ProbeSettings(train_weeks=2, test_weeks=2, top_items=3))
    assert [task for task in found if isinstance(task, Hears)] == [Hears("item", row, f"row {row}") for row in range(3)]
    assert Discovers("item") in found
    assert {task.name for task in found if isinstance(task, Absent)} >= {"genre", "artist", "kind", "country"}


def test_what_is_asked_is_decided_before_the_first_label() -> None:
    settings = ProbeSettings(train_weeks=2, test_weeks=2, top_items=1)
    plays = week_by_week()
    changed = [(user, 3 if day > 120 - 35 else item, day) for user, item, day in plays]
    assert open_tasks(home(history_of(changed)), settings) == open_tasks(home(history_of(plays)), settings)


def test_most_heard_is_by_listeners_and_not_by_one_binge() -> None:
    binge = [(0, 2, 70.0 + n / 1000) for n in range(500)]
    settings = ProbeSettings(train_weeks=2, test_weeks=2, top=1)
    found = open_tasks(home(history_of([*week_by_week(), *binge, (3, 0, 60.0)])), settings)
    assert Hears("artist", 0, "a") in found
