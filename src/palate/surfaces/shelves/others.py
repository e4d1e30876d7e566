"""Shelves made from the catalogue and from everybody: by kind, what is new, what is popular, where to begin."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS, Kind
from palate.retrieval.filters import not_heard
from palate.retrieval.query import Query
from palate.retrieval.stock import NEW_DAYS, Stock
from palate.surfaces.explain import _times
from palate.surfaces.shelves.draft import Draft, Drafting, Evidence, Told, says

WHOLE = {"again": 60, "company": 60, "near_taste": 60, "new": 10, "popular": 60}  # of one kind
SPOKEN = {Kind.EPISODE: ("Podcasts", "podcast episodes"), Kind.AUDIOBOOK: ("Audiobooks", "audiobooks")}


def made_for_you(on: Drafting) -> list[Draft]:
    """The best of what was never played."""

    def tell(rows: list[int]) -> Told:
        plays = int(on.query.record.heard.sum())
        reason = f"Chosen by your {plays:,} {'play' if plays == 1 else 'plays'} here; you played none of these yet."
        return Told("Made for you", reason, [{"type": "window", "plays": plays, "days": None}])

    if not on.plays:
        return []
    return [on.draft("made_for_you", on.recipe.quotas, tell, (not_heard,))]


def new_for_you(on: Drafting) -> list[Draft]:
    """What somebody here heard for the first time of late, or nobody yet; by taste, for a stranger by plays."""

    def tell(rows: list[int]) -> Told:
        reason = f"First heard here in the last {NEW_DAYS:.0f} days, or by nobody yet."
        return Told("New for you" if on.plays else "New here", reason, [_newness(on, row) for row in rows])

    return [on.draft("new", {"new": 100}, tell, (not_heard, _first_heard_lately))]


def spoken(on: Drafting) -> list[Draft]:
    """A shelf for each kind but music: what goes on, and what else is close."""
    drafts = []
    kinds = on.stock.columns.kind
    heard = on.heard_by(kinds.astype(np.int32))[0]
    for kind, (title, noun) in SPOKEN.items():
        code = KINDS.index(kind)
        rows = kinds == code
        if not rows.any():
            continue
        plays = int(heard[code])
        told: Evidence = {"type": "kind", "kind": kind.value, "plays": plays}
        reason = f"You played {noun} {_times(plays)}." if plays else f"You have not played any {noun} here yet."
        only = rows if on.query.only is None else rows & on.query.only
        said = Told(title if plays else f"{title} to start with", reason, [told])
        drafts.append(on.draft(f"{kind.value}s", WHOLE, says(said), query=replace(on.query, only=only)))
    return drafts


def popular_in_country(on: Drafting) -> list[Draft]:
    """What the listener's country hears, where it is known."""
    crowds = on.stock.crowds
    place = None if crowds is None else crowds.country(on.query.country)
    if crowds is None or place is None:
        return []
    name, listed = crowds.countries[place], crowds.country_items[place]
    counted = dict(zip(listed.tolist(), crowds.country_plays[place].tolist(), strict=True))

    def tell(rows: list[int]) -> Told:
        cohort = [
            {"type": "cohort", "item_id": on.item_id(row), "country": name, "plays": counted[row], "days": 28}
            for row in rows
        ]
        return Told(f"Popular in {name}", f"Each of these was played in {name} in 28 days.", cohort)

    rows = listed[(listed >= 0) & (listed < on.stock.n_items)]
    return [on.draft("country", on.offered(rows.astype(np.int32)), tell, (not_heard,))]


def popular_here(on: Drafting) -> list[Draft]:
    """What everybody hears, without what the listener knows; the first shelf of a stranger."""
    week, ever = on.stock.trends.week, on.stock.trends.ever
    unheard = "; you played none of these yet" if on.plays else ""

    def tell(rows: list[int]) -> Told:
        plays, days, when = (week, 7, " in a week") if all(week[row] for row in rows) else (ever, None, "")
        counts: list[Evidence] = [
            {"type": "popular", "item_id": on.item_id(row), "plays": int(plays[row]), "days": days} for row in rows
        ]
        return Told("Popular here", f"All of these were played here{when}{unheard}.", counts)

    return [on.draft("popular", {"popular": 100}, tell, (not_heard,))]


def _newness(on: Drafting, row: int) -> Evidence:
    plays, first = int(on.stock.trends.ever[row]), float(on.stock.trends.first_heard[row])
    days = round(max(on.query.now - first, 0.0) / DAY_SECONDS, 2) if plays else None
    return {"type": "new", "item_id": on.item_id(row), "plays": plays, "days": days}


def _first_heard_lately(candidates: Candidates, query: Query, stock: Stock) -> tuple[NDArray[np.bool_], str]:
    """Not what was released of late and known here for longer: of it the sentence would be false."""
    first = stock.trends.first_heard[candidates.items]
    return (first > query.now - NEW_DAYS * DAY_SECONDS) | ~np.isfinite(first), "not of this shelf"
