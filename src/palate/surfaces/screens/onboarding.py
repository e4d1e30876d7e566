"""onboarding: which artists and shows to offer a newcomer, and what they would see after their picks.

Nothing is kept: picks come as seeds and are folded into a stranger's record for this one answer. To keep them, send
them to POST /v1/users/{id}/onboarding.
"""

from dataclasses import replace

import numpy as np

from palate.core.slate import Slate
from palate.embeddings.records import UserRecord
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.choices import ARTIST, SHOW
from palate.surfaces.live import LiveHome
from palate.surfaces.onboarding import Pick, Said
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.shelves.draft import Draft, Drafting, Evidence, Told, says, says_of_each
from palate.surfaces.shelves.filling import Filled, slate, slate_id
from palate.surfaces.surface import Surface

NAME = "onboarding"
PICKED = replace(FOR_YOU, name=NAME)
PICK_WEIGHT = 1.0  # as much as a play (embeddings/weights.py)
OFFERED_SHARE = 0.4  # of an answer to picks: what to ask next
TITLES = {ARTIST: "Artists to choose from", SHOW: "Shows to choose from"}


def answer(ask: Ask, live: LiveHome) -> Slate:
    """Offers, one item of each; with picks as seeds (`artist:NAME`, `show:NAME`, item ids) what these would lead to.

    UnknownItem for an item, BadInput for an artist or show that the catalogue does not hold.
    """
    picks = _picks(ask.seeds, live)
    unknown = _unknown(ask, live)
    query = with_picks(unknown, picks, live) if picks else unknown
    on = Drafting(live.path, query, ask.n, PICKED)
    n_offered = ask.n - round((1 - OFFERED_SHARE) * ask.n) if picks else ask.n
    drafts = [*_after(on, picks), *_offers(on, live, [pick.name for pick in picks], n_offered)]
    filled, taken = [], np.zeros(0, np.int32)
    left = ask.n
    for draft in drafts:
        room = left if draft.name != "after_picks" else ask.n - n_offered
        fresh = draft.candidates.take(~np.isin(draft.candidates.items, taken))
        shown = fresh.take(np.arange(min(len(fresh), room)))
        if len(shown):
            filled.append(Filled(draft, shown))
            taken, left = np.concatenate([taken, shown.items]), left - len(shown)
    found = slate(NAME, live.path, query, ask.user_id, filled, drafts)
    # The picks were made this moment; by the record that holds them every second would have another id.
    return replace(found, slate_id=slate_id(NAME, found.space, ask.user_id, unknown, found.shelves))


def with_picks(query: Query, picks: list[Pick], live: LiveHome) -> Query:
    """The request of one of whom nothing is known but these picks."""
    stock, record = live.path.stock, UserRecord.empty(live.space.encoder.listened_dim)
    record.marks = query.record.marks
    for row in dict.fromkeys(row for pick in picks for row in pick.rows if row < stock.n_items):
        kind = int(stock.columns.kind[row])
        record.add(row, kind, stock.listened[row], query.now, PICK_WEIGHT, skip=False, play=False)
    return replace(query, record=record, taste=live.space.encoder.encode([record], now=query.now)[0])


def _unknown(ask: Ask, live: LiveHome) -> Query:
    """The request of one of whom nothing is known but what they do not want."""
    unknown = live.query(replace(ask, user_id=None, seeds=()), NAME)
    if ask.user_id is None:
        return unknown
    own, record = live.query(replace(ask, seeds=()), NAME), UserRecord.empty(live.space.encoder.listened_dim)
    record.marks = own.record.marks
    return replace(unknown, record=record, limits=own.limits)


def _picks(seeds: tuple[str, ...], live: LiveHome) -> list[Pick]:
    found = []
    for seed in seeds:
        kind, _, name = seed.partition(":")
        if kind in (ARTIST, SHOW) and name:
            found += live.onboarding.found(Said(artists=(name,)) if kind == ARTIST else Said(shows=(name,)))
        else:
            found.append(Pick("item", live.items.get(live.row(seed)).label, (live.row(seed),)))
    return found


def _after(on: Drafting, picks: list[Pick]) -> list[Draft]:
    """What for_you would begin with."""
    if not picks:
        return []
    told: list[Evidence] = [{"type": "choice", "item_id": on.item_id(row)} for pick in picks for row in pick.rows]
    names = ", ".join(pick.name for pick in picks[:3]) + (" and more" if len(picks) > 3 else "")
    draft = on.draft(
        "after_picks", FOR_YOU.quotas, says(Told("What you would hear", f"From your picks: {names}.", told))
    )
    arranged, _ = on.path.arranged(draft.recipe, draft.candidates, on.query, on.most)
    return [replace(draft, candidates=arranged)]


def _offers(on: Drafting, live: LiveHome, picked: list[str], n: int) -> list[Draft]:
    """A shelf of artists and one of shows, the most telling first, the item most heard of each."""
    choices, places = live.onboarding.choices, live.onboarding.offered_places(n, picked) if n else []
    drafts = []
    for kind, title in TITLES.items():
        chosen = [place for place in places if choices.kinds[place] == kind]
        rows: dict[int, int] = {}
        for place in chosen:
            rows.setdefault(int(choices.items(place)[0]), place)
        offered = on.draft(f"{kind}s", on.offered(np.array(list(rows), np.int32)), says(Told("", "", [])))
        order = np.argsort([list(rows).index(row) for row in offered.candidates.items.tolist()])
        counts: dict[int, Evidence] = {
            row: {
                "type": "offer", "kind": kind, "name": choices.names[place], "item_id": on.item_id(row),
                "plays": int(choices.plays[place]),
            }
            for row, place in rows.items()
        }  # fmt: skip
        reason = f"One item of each; a yes or a no to these {kind}s tells most of a taste here."
        drafts.append(
            replace(offered, candidates=offered.candidates.take(order), tell=says_of_each(title, reason, counts))
        )
    return drafts


SURFACE = Surface(NAME, "what to offer a newcomer, and what they would see after their picks", answer)
