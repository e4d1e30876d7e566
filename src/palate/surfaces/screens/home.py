"""home: which shelves, in which order, and what on each; across music, podcasts and audiobooks.

Each maker drafts its shelves or none; `fill` orders them by what they are worth to this listener and keeps every item
to one shelf. To add a shelf, write a maker and name it in MAKERS.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.slate import Slate
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.onboarding import Onboarding
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.shelves.draft import Draft, Drafting, Told
from palate.surfaces.shelves.filling import fill, slate, width_of
from palate.surfaces.shelves.others import made_for_you, new_for_you, popular_here, popular_in_country, spoken
from palate.surfaces.shelves.own import because_you_played, jump_back_in, more_by_artists, own_genres, rediscover
from palate.surfaces.surface import Surface

NAME = "home"
HOME, HOME_UNHEARD = replace(FOR_YOU, name=NAME), replace(FOR_YOU_UNHEARD, name=NAME)
Maker = Callable[[Drafting], list[Draft]]
MAKERS: tuple[Maker, ...] = (
    jump_back_in, made_for_you, because_you_played, more_by_artists, own_genres, rediscover, new_for_you, spoken,
    popular_in_country, popular_here,
)  # fmt: skip
SPARE = 4  # times the width of a shelf: how much a draft keeps, since others may take from it
FIRST_PICKS = 20  # artists and shows, one item of each, on a stranger's shelf
STRANGER = (
    "Nothing is known of you yet, so this is what others here listen to; a few picks at onboarding, or the first "
    "things you play, make it yours."
)


def drafts_of(on: Drafting) -> list[Draft]:
    """Every maker's drafts, in the order of MAKERS."""
    return [draft for make in MAKERS for draft in make(on)]


def first_picks(on: Drafting, onboarding: Onboarding) -> list[Draft]:
    """For a stranger: the most heard item of each artist and show that onboarding would offer."""
    rows = [int(onboarding.choices.items(place)[0]) for place in onboarding.offered_places(FIRST_PICKS)]

    def tell(shown: list[int]) -> Told:
        ever = on.stock.trends.ever
        counts = [
            {"type": "popular", "item_id": on.item_id(row), "plays": int(ever[row]), "days": None} for row in shown
        ]
        reason = "One of each: what you play or skip of these tells most about what you like."
        return Told("Start with one of these", reason, counts)

    return [on.draft("first_picks", on.offered(np.array(rows, np.int32)), tell)]


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The listener's home; a stranger's is marked and says what would make it theirs."""
    user_id, query, path = ask.listener, live.query(ask, NAME), live.path
    on = Drafting(path, query, SPARE * width_of(ask.n), HOME_UNHEARD if ask.unheard else HOME)
    drafts = [*(first_picks(on, live.onboarding) if query.stranger else []), *drafts_of(on)]
    items = np.unique(np.concatenate([draft.candidates.items for draft in drafts]))
    opinion = live.opinion(NAME, query, items, user_id)
    judge = None if opinion.values is None else partial(liked, items, opinion.values)
    filled = fill(drafts, query, path, ask.n, judge)
    return opinion.told(slate(NAME, path, query, user_id, filled, drafts, STRANGER if query.stranger else None))


def liked(items: NDArray[np.int32], values: NDArray[np.float32], shown: Candidates) -> float:
    """What a shelf is worth to a head: the mean of what it says of those shown that it knows; below all, if none.

    items, values # (i,) ascending rows, every one of `shown` among them, and what the head says of each, NaN unknown
    """
    said = values[np.searchsorted(items, shown.items)]
    known = said[~np.isnan(said)]
    return float(known.mean(dtype=np.float64)) if len(known) else -math.inf


SURFACE = Surface(NAME, "shelves of music, podcasts and audiobooks, in the order of what they are worth", answer)
