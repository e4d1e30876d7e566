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
from palate.surfaces.live import LiveHome
from palate.surfaces.path import RequestPath
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.shelves.draft import Drafting
from palate.surfaces.shelves.filling import WIDEST, slate
from palate.surfaces.shelves.mixes import mixes, of_the_day
from palate.surfaces.surface import Surface

NAME = "daily_mix"
MIX = replace(FOR_YOU, name=NAME)
TOO_FEW = "There is no mix yet: it takes a few played tracks that go together. for_you and home answer meanwhile."


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The mixes of a listener, about the same number of items each; a note when too little was played for one.

    A private request keeps no taste, and is answered from the one that is kept.
    """
    user_id, query = ask.listener, live.query(ask, NAME)
    day, file = round(of_the_day(query).now / DAY_SECONDS) - 1, live.home.listening / FILE  # .now is where it ends
    if file.is_file():
        with DayTastes(file) as days:
            kept = days.of(user_id, live.space.label, day)
        if kept is not None:
            return mixed(live.path, query, user_id, ask.n, _as_of(kept, query, live))
    taken = live.taken(user_id, NAME)
    mine = DayTaste(user_id, live.space.label, day, taken.offset, taken.state.pack())
    found = mixed(live.path, query, user_id, ask.n, _as_of(mine, query, live))
    if ask.private or not found.items:
        return found
    with DayTastes(file) as days:
        kept = days.keep(mine, live.clock.wall())
    return found if kept == mine else mixed(live.path, query, user_id, ask.n, _as_of(kept, query, live))


def mixed(path: RequestPath, query: Query, user_id: str, n: int, kept: Query | None = None) -> Slate:
    """The same of a query.

    kept: the same listener as of the day's first answer, from whom the mixes are made. What is said of them is true of
    `query`, unless its record is behind `kept`, as it is while records are built anew.
    """
    then = query if kept is None else kept
    now = query if (query.offset or 0) >= (then.offset or 0) else then
    on, by_now = (Drafting(path, of_the_day(one), WIDEST, MIX) for one in (then, now))
    filled = mixes(on, n, by_now)
    found = slate(NAME, path, now, user_id, filled, [one.draft for one in filled])
    found = replace(found, taste_age_seconds=then.taste_age_seconds, taste_offset=then.offset)
    return found if filled else replace(found, note=TOO_FEW)


def _as_of(kept: DayTaste, query: Query, live: LiveHome) -> Query:
    """The request of the listener as they were then, but for what they said of items since."""
    state, marks = UserState.unpack(kept.state), query.record.marks
    taste = leaned(state.taste, marks, of_the_day(query).now, live.path.stock)
    return replace(query, record=replace(state.record, marks=marks), taste=taste, offset=kept.offset)


SURFACE = Surface(NAME, "several mixes, one for each cluster of what the listener plays", answer)
