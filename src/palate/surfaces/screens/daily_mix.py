"""daily_mix: several mixes, one for each cluster of what the listener plays, called after who is most played in it.

Still for a home day, in every process: the taste from which the day's mixes are first made is kept
(listening/daily.py), so that what is played meanwhile does not move them. What is hidden leaves with the next answer
all the same, and what the listener wants more or less of counts at once.
"""

from dataclasses import replace

from palate.core.clock import DAY_SECONDS
from palate.core.slate import Slate
from palate.embeddings.states import UserState
from palate.listening.daily import FILE, DayTaste, DayTastes
from palate.retrieval.leaning import leaned
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.freshness import Taken
from palate.surfaces.live import LiveHome
from palate.surfaces.path import RequestPath
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.shelves.draft import Drafting
from palate.surfaces.shelves.filling import WIDEST, slate
from palate.surfaces.shelves.mixes import mixes, of_the_day
from palate.surfaces.surface import Surface

NAME = "daily_mix"
TOO_FEW = "There is no mix yet: it takes a few played tracks that go together. for_you and home answer meanwhile."


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The mixes of a listener, about the same number of items each; a note when too little was played for one.

    A private request keeps no taste, and is answered from the one that is kept.
    """
    user_id, query = ask.listener, of_the_day(live.query(ask, NAME))
    day, file = round(query.now / DAY_SECONDS) - 1, live.home.listening / FILE  # query.now is where the day ends
    if file.is_file():
        with DayTastes(file) as days:
            kept = days.of(user_id, live.space.label, day)
        if kept is not None:
            return mixed(live.path, _as_of(_taken(kept), query, live), user_id, ask.n)
    now = live.taken(user_id, NAME)
    found = mixed(live.path, _as_of(now, query, live), user_id, ask.n)
    if ask.private or not found.items:
        return found
    with DayTastes(file) as days:
        mine = DayTaste(user_id, live.space.label, day, now.offset, now.state.pack())
        kept = days.keep(mine, live.clock.wall())
    return found if kept == mine else mixed(live.path, _as_of(_taken(kept), query, live), user_id, ask.n)


def mixed(path: RequestPath, query: Query, user_id: str, n: int) -> Slate:
    """The same of a query."""
    filled = mixes(Drafting(path, of_the_day(query), WIDEST, FOR_YOU), n)
    found = slate(NAME, path, query, user_id, filled, [one.draft for one in filled])
    return found if filled else replace(found, note=TOO_FEW)


def _as_of(taken: Taken, query: Query, live: LiveHome) -> Query:
    """The request of the listener as they were then, but for what they said of items since."""
    state, marks = taken.state, query.record.marks
    taste = leaned(state.taste, marks, query.now, live.path.stock)
    return replace(query, record=replace(state.record, marks=marks), taste=taste, offset=taken.offset)


def _taken(kept: DayTaste) -> Taken:
    return Taken(UserState.unpack(kept.state), kept.offset)


SURFACE = Surface(NAME, "several mixes, one for each cluster of what the listener plays", answer)
