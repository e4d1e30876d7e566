"""A trained home in which one listener has left traces everywhere that there are."""

import time
from pathlib import Path

import numpy as np
import pytest

from jobs.conftest import world
from jobs.small_homes import copied, filled
from palate.core.home import Home
from palate.core.ids import ItemId, PlaylistId, UserId
from palate.core.items import Membership
from palate.core.listens import Event, Listen, in_columns
from palate.core.slate import Slate, SlateItem
from palate.jobs.batch import recommend
from palate.jobs.chain import train
from palate.jobs.importing import import_listeners, import_listens
from palate.lab.listening_tests.answers import Answer
from palate.lab.listening_tests.design import Case, ListeningTest, Stimulus
from palate.lab.listening_tests.shelf import make, new_keys
from palate.listening.daily import DayTaste, DayTastes
from palate.listening.exposures import Exposure, ExposureLog
from palate.listening.log import ListeningLog
from palate.listening.slates import Answered, SlateLog
from palate.listening.weekly import WeeklyLists

from .places import ITEMS, VICTIM

__all__ = ["home", "lived_in", "world"]


def live(home: Home, listens: int = 40) -> None:
    """The victim listens, keeps a playlist, is described and shown things."""
    from palate.catalog.playlists import PlaylistTable

    with ListeningLog(home.log) as log:
        end = log.last_time or 0.0
        mine = [
            Listen(UserId(VICTIM), ItemId(ITEMS[i % 5]), end - 3_600.0 * i, context_id=f"of {VICTIM}")
            for i in range(listens)
        ]
        mine.append(Listen(UserId(VICTIM), ItemId(ITEMS[0]), end, event=Event.ONBOARDING))
        log.append(in_columns(mine))
    with PlaylistTable.changing(home.catalog) as playlists:
        playlists.add(
            [Membership(PlaylistId(f"{VICTIM}-mix"), ItemId(ITEMS[0]), name=f"{VICTIM}'s", owner=UserId(VICTIM))]
        )
    described = home.root.parent / "described.csv"
    described.write_text(f"user_id,country\n{VICTIM},SE\nsomebody-else,DE\n")
    import_listeners(home, [described], {}, True, time.time())
    with ExposureLog(home.listening / "exposures.sqlite") as shown:
        shown.append([Exposure(end, UserId(VICTIM), "trial", "a", "for_you", "slate-1", (ITEMS[1],))])
        shown.append([Exposure(end, UserId("somebody-else"), "trial", "b", "for_you", "slate-2", (ITEMS[1],))])
    with SlateLog(home.listening / "slates.sqlite") as answers:
        answers.append([slate("slate-1", VICTIM), slate("slate-2", "somebody-else"), slate("slate-3", "bo", (VICTIM,))])
    with WeeklyLists(home.listening / "weekly.sqlite") as weekly:
        for user in (VICTIM, "somebody-else"):
            weekly.keep(user, "2026-W47", np.array([1, 2], np.int32), end)
    with DayTastes(home.listening / "daily.sqlite") as days:
        for user in (VICTIM, "somebody-else"):
            days.keep(DayTaste(user, "taste@1", 20_000, 7, f"the taste of {user}".encode()), end)
    wrong = home.root.parent / "wrong.csv"
    wrong.write_text(f"user_id,item_id,timestamp\n{VICTIM},{ITEMS[0]},yesterday\n")
    import_listens(home, [wrong], {}, False, time.time())


def slate(slate_id: str, user: str, others: tuple[str, ...] = ()) -> Answered:
    """An answer to somebody, perhaps together with others."""
    item = SlateItem(
        ITEMS[1], "track", 1.0, "again", "You two know it.", [{"type": "shared", "plays": dict.fromkeys(others, 1)}]
    )
    row, score = np.array([1], np.int32), np.ones(1, np.float32)
    told = Slate(slate_id, "blend", user, "taste@1", None, False, [item])
    return Answered(told, 1e9, 1e9, row, score, row, ("again",), {"others": others} if others else {}, others)


@pytest.fixture(scope="session")
def lived_in(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Trained with the victim, who is also in a recommendations file and a listening test. Not to be written to."""
    home = filled(tmp_path_factory.mktemp("lived") / "home", world)
    live(home)
    train(home)
    recommend(home, [VICTIM, "somebody-else"], 5, None, "for_you", False, home.root / "recs.parquet")
    key, join = new_keys()
    songs = {name: Stimulus(items=(("A song", "A band"),)) for name in ("for_you", "random")}
    cases = (Case(VICTIM, songs), Case("somebody-else", songs))
    conditions, questions = ("for_you", "random"), ("Which list?",)
    test = ListeningTest("lists", "slates", "ab", conditions, cases, questions, 1, 0, 0, key, join, 0.0)
    shelved = make(home, test, {})
    shelved.book.append(Answer("1", "rater", "t0", VICTIM, conditions, ("left",)))
    shelved.book.append(Answer("2", "rater", "t1", "somebody-else", conditions, ("right",)))
    return home


@pytest.fixture
def home(lived_in: Home, tmp_path: Path) -> Home:
    """A copy of one's own."""
    return copied(lived_in, tmp_path / "home")
