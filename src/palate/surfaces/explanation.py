"""Why an item stands where it stands in somebody's for_you, or why it is not there."""

from dataclasses import replace
from typing import Any

import numpy as np

from palate.core.candidates import Candidates
from palate.ranking.features import NAMES, features
from palate.retrieval.filters import apply
from palate.retrieval.retrieve import retrieve
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.screens.for_you import FOR_YOU

LOOKED_AT = 100  # a slate this long or shorter has the same candidates, and so the same places


def explanation(live: LiveHome, user_id: str, item_id: str) -> dict[str, Any]:
    """Who offered the item and how strongly, its features and score, its position from 1 or what removed it.

    An item that no retriever offered is scored all the same, as it would have been. Raises UnknownItem.
    """
    row, query, stock = live.row(item_id), live.query(Ask(user_id), FOR_YOU.name), live.path.stock
    offered = retrieve(FOR_YOU.quotas_for(LOOKED_AT), query, stock)
    kept, removed = apply(FOR_YOU.filters, offered, query, stock)
    scored = replace(kept, scores=FOR_YOU.score(kept, query, stock, live.path.ranker))
    shown = live.path.arranged(FOR_YOU, scored, query, LOOKED_AT)[0].items.tolist()
    one = _only(offered, row)
    reason = next((part.reason for part in removed if row in part.items), None)
    position = shown.index(row) + 1 if row in shown else None
    offers = _offers(one, live)
    return {
        "user_id": user_id, "item_id": item_id, "label": live.items.get(row).label, "surface": FOR_YOU.name,
        "space": live.space.label, "stranger": query.stranger, "position": position, "removed": reason,
        "verdict": _verdict(position, reason, bool(offers)), "offered": offers,
        "score": float(FOR_YOU.score(one, query, stock, live.path.ranker)[0]),
        "features": dict(zip(NAMES, features(one, query, stock)[0].tolist(), strict=True)),
    }  # fmt: skip


def _only(offered: Candidates, row: int) -> Candidates:
    """The item as a candidate by itself, without offers when nobody offered it."""
    place = np.flatnonzero(offered.items == row)
    if len(place):
        return offered.take(place)
    width = len(offered.sources)
    nothing = np.full((1, width), np.nan, np.float32)
    nobody = np.full((1, width), -1, np.int32)
    return Candidates(np.array([row], np.int32), offered.sources, nothing, nobody, np.full(1, np.nan, np.float32))


def _offers(one: Candidates, live: LiveHome) -> list[dict[str, Any]]:
    """source, score and the item that led here, for each retriever that offered it."""
    return [
        {"source": source, "score": score, "because": None if because < 0 else live.items.id(because)}
        for source, score, because in zip(one.sources, one.offered[0].tolist(), one.because[0].tolist(), strict=True)
        if not np.isnan(score)
    ]


def _verdict(position: int | None, reason: str | None, was_offered: bool) -> str:
    if position is not None:
        return f"It stands at {position} of for_you."
    if reason is not None:
        return f"A filter removed it: {reason}."
    if was_offered:
        return f"It was offered, but {LOOKED_AT} others have a better score."
    return "No retriever offered it: it is neither heard, nor near, nor new, nor popular enough."
