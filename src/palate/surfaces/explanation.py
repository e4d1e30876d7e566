"""Why an item stands where it stands in an answer, or where it fell: every stage of the path, with numbers."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Offer, Removed
from palate.core.slate import Slate
from palate.ranking.actions import ACTION_NAMES
from palate.ranking.features import NAMES, features
from palate.retrieval.filters import name_of
from palate.retrieval.retrievers import RETRIEVERS
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from palate.surfaces.shelves.fates import fate, furthest, verdict
from palate.surfaces.watched import Pass, WatchedPath, Witness, watched

LOOKED_AT = 100  # a slate this long or shorter has the same candidates, and so the same places; shelves are of its size
DEEPEST = 20_000  # how far down a retriever's list an item is looked for that it did not offer


@dataclass(frozen=True)
class Standing:
    """How one retriever stands to the item.

    quota   how many items it may offer
    place   of the item in its list, from 1; None when it is not among the first DEEPEST
    score   the retriever's own, comparable within it only; None without a place
    because id of the item that led here, None for none
    """

    source: str
    quota: int
    place: int | None
    score: float | None = None
    because: str | None = None

    @property
    def offered(self) -> bool:
        """Whether the item is within the quota."""
        return self.place is not None and self.place <= self.quota


def explanation(live: LiveHome, surface: str, ask: Ask, item_id: str, n: int | None = None) -> dict[str, Any]:
    """The way of an item through a surface's answer to `ask`, asked for n items; None: LOOKED_AT, or what `ask` wants.

    offered        retrievers that offered it: source, place in their list from 1, quota, score, because
    not_offered    the other retrievers of the recipe, with the place at which they have it, None for none
    filters        by name in order: passed True, False with the reason, or None where it never came
    score          and score_rank of `scored`; of an item that did not come so far, as if it had
    contributions  what each feature adds to how soon it will be heard, the largest first; with `base` they sum to that,
                   which is the score where no weights are set; actions: the probability of each
    position       from 1 in the answer, None when it is not there; held_back: why arranging left it out

    A surface in shelves makes a pass for each. `shelves` then holds, of each that was offered the item, how far it came
    (`stage`) and why (`verdict`); stages are told of the one on which it came furthest, `shelf`. Of several passes
    without shelves it is the one that shows the item, else the first that was offered it.
    Raises UnknownItem, and what the surface raises.
    """
    ask = replace(ask, n=max(ask.n, LOOKED_AT) if n is None else n)
    row = live.row(item_id)
    open_home, path = watched(live)
    slate = answer(open_home, surface, ask)
    position = next((place for place, one in enumerate(slate.items, 1) if one.item_id == item_id), None)
    told: dict[str, Any] = {
        "user_id": ask.user_id, "item_id": item_id, "label": live.items.get(row).label, "surface": surface,
        "space": live.space.label, "stranger": slate.stranger, "position": position, "passes": len(path.passes),
        "n": ask.n, "shelf": None, "shelves": [],
    }  # fmt: skip
    if not path.passes:
        return told | {"removed": None, "verdict": _verdict_without_a_path(position, surface)}
    if any(one.recipe.shelf for one in path.passes):
        return told | _on_shelves(path, row, live, slate, position)
    return told | _stages(_telling(path.passes, row), row, live, slate, position)


def _on_shelves(path: WatchedPath, row: int, live: LiveHome, slate: Slate, position: int | None) -> dict[str, Any]:
    """The stages on the shelf where it came furthest; where none was offered it, on the one that looks the widest."""
    offered = [one for one in path.passes if row in one.ranked.offered.items]
    if not offered:
        return _stages(_widest(path.passes, row), row, live, slate, position)
    rows = {shelf.name: [live.row(item.item_id) for item in shelf.items] for shelf in slate.shelves}
    fates = [fate(one, row, rows, path.fillings) for one in offered]
    best = furthest(fates)
    told = _stages(offered[best], row, live, slate, position)
    return told | {
        "held_back": fates[best].held_back, "verdict": verdict(fates, slate.surface, position),
        "shelf": fates[best].shelf, "shelves": [asdict(one) for one in fates],
    }  # fmt: skip


def _widest(passes: list[Pass], row: int) -> Pass:
    """The pass whose retrievers may offer most, of those that may offer the item at all."""
    open_to_it = [one for one in passes if not one.given and (one.query.only is None or one.query.only[row])]
    return max(open_to_it or passes, key=lambda one: sum(one.recipe.quotas.values()))


def _telling(passes: list[Pass], row: int) -> Pass:
    """The pass that shows the item, else the first that was offered it, else the first."""
    shown = [one for one in passes if row in one.ranked.candidates.items]
    offered = [one for one in passes if row in one.ranked.offered.items]
    return (shown or offered or passes)[0]


def _stages(one: Pass, row: int, live: LiveHome, slate: Slate, position: int | None) -> dict[str, Any]:
    """Each stage of one pass, and the sentence."""
    ranked = one.ranked
    standings = _standings(one, row, live)
    removed, held = (_reason(parts, row) for parts in (ranked.filtered, ranked.held_back))
    scored = _scored(one, row, live)
    shown = next((item for item in slate.items if position and item.item_id == str(live.items.id(row))), None)
    return {
        "removed": removed.reason if removed else None, "held_back": held.reason if held else None,
        "verdict": _verdict(one, row, position, standings, removed, held, scored),
        "reason": shown.reason if shown else None, "evidence": shown.evidence if shown else [],
        "offered": [asdict(part) for part in standings if part.offered],
        "not_offered": [{"source": p.source, "quota": p.quota, "place": p.place} for p in standings if not p.offered],
        "filters": _filters(one, row, removed), **scored,
    }  # fmt: skip


def _standings(one: Pass, row: int, live: LiveHome) -> list[Standing]:
    """How each retriever of the recipe stands to the item, in the order in which their evidence counts."""
    if one.given:
        return _given(one.ranked.offered, row, live)
    quotas = one.recipe.quotas_for(one.n + len(one.query.exclude))
    out = []
    for source in (name for name in RETRIEVERS if quotas.get(name, 0) > 0):
        offer, place = _found(source, quotas[source], one, row, live)
        if place is None:
            out.append(Standing(source, quotas[source], None))
            continue
        because = int(offer.because[place])
        led = None if because < 0 else str(live.items.id(because))
        out.append(Standing(source, quotas[source], place + 1, float(offer.scores[place]), led))
    return out


def _given(offered: Candidates, row: int, live: LiveHome) -> list[Standing]:
    """The same of candidates that no retriever was asked for: of each source as many as came, in the order given."""
    out = []
    for place in np.flatnonzero(offered.items == row).tolist():
        for column in np.flatnonzero(~np.isnan(offered.offered[place])).tolist():
            among = np.flatnonzero(~np.isnan(offered.offered[:, column]))
            because, score = int(offered.because[place, column]), float(offered.offered[place, column])
            led = None if because < 0 else str(live.items.id(because))
            at = 1 + int(np.searchsorted(among, place))
            out.append(Standing(offered.sources[column], len(among), at, score, led))
    return out


def _found(source: str, quota: int, one: Pass, row: int, live: LiveHome) -> tuple[Offer, int | None]:
    """The retriever's list as far down as the item, and its place from 0; None when it is not there."""
    before, n = -1, quota
    while True:
        offer = RETRIEVERS[source](one.query, live.path.stock, n)
        places = np.flatnonzero(offer.items == row)
        if len(places):
            return offer, int(places[0])
        if len(offer.items) == before or n >= DEEPEST:
            return offer, None
        before, n = len(offer.items), min(4 * n, DEEPEST)


def _reason(parts: list[Removed], row: int) -> Removed | None:
    return next((part for part in parts if row in part.items), None)


def _filters(one: Pass, row: int, removed: Removed | None) -> list[dict[str, Any]]:
    """By name, whether the item passed: true, false with the reason, null where it never came."""
    out: list[dict[str, Any]] = []
    came = row in one.ranked.offered.items
    for name in map(name_of, one.recipe.filters):
        reason = removed.reason if came and removed is not None and removed.by == name else None
        out.append({"filter": name, "passed": reason is None if came else None, "reason": reason})
        came = came and reason is None
    return out


def _scored(one: Pass, row: int, live: LiveHome) -> dict[str, Any]:
    """Its score among the scored, what made it, and its features; of an item that did not come so far, as if it had."""
    ranker, stock = Witness(live.path.ranker_of(one.recipe)), live.path.stock
    among = one.ranked.scored
    if row not in among.items:
        among = _joined(among, _only(one.ranked.offered, row))
    place = int(np.flatnonzero(among.items == row)[0])
    scores = one.recipe.score(among, one.query, stock, ranker)
    better = (scores > scores[place]) | ((scores == scores[place]) & (among.items < row))
    table = features(among, one.query, stock) if ranker.seen is None else ranker.seen
    told: dict[str, Any] = {
        "score": float(scores[place]), "score_rank": 1 + int(better.sum()), "scored": len(among),
        "features": dict(zip(NAMES, table[place].tolist(), strict=True)), "base": None, "contributions": {},
        "actions": {},
    }  # fmt: skip
    if ranker.seen is not None:
        given = ranker.contributions(table[place : place + 1])[0]
        by_size = np.argsort(-np.abs(given[:-1]), kind="stable").tolist()
        told |= {"base": float(given[-1]), "contributions": {NAMES[i]: float(given[i]) for i in by_size if given[i]}}
        actions = ranker.predict(table[place : place + 1])
        told["actions"] = {name: float(getattr(actions, name)[0]) for name in ACTION_NAMES}
    return told


def _only(offered: Candidates, row: int) -> Candidates:
    """The item as a candidate by itself, without offers when nobody offered it."""
    place = np.flatnonzero(offered.items == row)
    if len(place):
        return offered.take(place)
    width = len(offered.sources)
    nothing = np.full((1, width), np.nan, np.float32)
    nobody = np.full((1, width), -1, np.int32)
    return Candidates(np.array([row], np.int32), offered.sources, nothing, nobody, np.full(1, np.nan, np.float32))


def _joined(some: Candidates, one: Candidates) -> Candidates:
    """Both, which have the same sources."""

    def both(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(some, name), getattr(one, name)])

    return Candidates(both("items"), some.sources, both("offered"), both("because"), both("scores"))


def _verdict(
    one: Pass, row: int, position: int | None, standings: list[Standing], removed: Removed | None,
    held: Removed | None, scored: dict[str, Any],
) -> str:  # fmt: skip
    """Where it stands, or where it fell, in a sentence."""
    rank = f"its score is rank {scored['score_rank']:,} of {scored['scored']:,}"
    if position is not None:
        return f"It stands at {position} of {one.recipe.name}; {rank}."
    if removed is not None:
        return f"A filter removed it: {removed.reason}; of those that passed, {rank}."
    if held is not None:
        return f"It was held back after scoring: {held.reason}; {rank}."
    if row in one.ranked.candidates.items:
        return f"It came through the path, but the surface did not show it; {rank}."
    if row in one.ranked.offered.items:
        shown = len(one.ranked.candidates)
        return f"It was offered, but {rank}, and {shown:,} are shown."
    return _never_offered(standings, one.recipe.shelf)


def _never_offered(standings: list[Standing], shelf: str) -> str:
    if shelf and not standings:
        return "No shelf was offered it: each begins with items of its own, and it is none of these."
    known = [part for part in standings if part.place is not None]
    where = f"No shelf was offered it; for {shelf}" if shelf else "No retriever offered it:"
    if not known:
        return f"{where} no retriever has it among its first {DEEPEST:,}."
    closest = min(known, key=lambda part: (part.place or 0) / part.quota)
    return (
        f"{where} the closest is {closest.source}, which offers {closest.quota:,} "
        f"and has it at place {closest.place:,}."
    )


def _verdict_without_a_path(position: int | None, surface: str) -> str:
    stands = f"It stands at {position} of {surface}" if position is not None else f"It is not in {surface}"
    return f"{stands}; this answer was not made by the request path, so there are no stages to show."
