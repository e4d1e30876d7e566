"""daily_mix: several mixes, one for each cluster of what the listener plays, called after who is most played in it.

Still for a day: `[freshness] daily_mix` is "1d", so that what is played meanwhile does not move it. What is hidden
leaves with the next answer all the same.
"""

from dataclasses import replace

from palate.core.slate import Slate
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
    """The mixes of a listener, about the same number of items each; a note when too little was played for one."""
    user_id, query = ask.listener, live.query(ask, NAME)
    marks = live.read(user_id).state.record.marks  # what is hidden goes at once, however old the taste may be
    return mixed(live.path, replace(query, record=replace(query.record, marks=marks)), user_id, ask.n)


def mixed(path: RequestPath, query: Query, user_id: str, n: int) -> Slate:
    """The same of a query."""
    filled = mixes(Drafting(path, of_the_day(query), WIDEST, MIX), n)
    found = slate(NAME, path, query, user_id, filled, [one.draft for one in filled])
    return found if filled else replace(found, note=TOO_FEW)


SURFACE = Surface(NAME, "several mixes, one for each cluster of what the listener plays", answer)
