"""genre_mix: one genre, familiar and new in turn."""

from dataclasses import replace

import numpy as np

from palate.core.candidates import Candidates, Removed
from palate.core.errors import BadInput
from palate.core.slate import Slate
from palate.ranking.variety import spread
from palate.retrieval.filters import ALWAYS, not_just_skipped
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.lists import by_score, heard_by, interleaved, noted
from palate.surfaces.live import LiveHome
from palate.surfaces.path import Recipe
from palate.surfaces.screens.for_you import score
from palate.surfaces.surface import Surface

FAMILIAR_EVERY = 2  # each second one was heard before, as far as there are such


def in_turn(candidates: Candidates, query: Query, stock: Stock, n: int) -> tuple[Candidates, list[Removed]]:
    """New and familiar in turn, the best of each first; then the artists kept apart as everywhere."""
    best, _ = by_score(candidates, query, stock, len(candidates))
    order = best.take(interleaved(heard_by(query.record, best.items), FAMILIAR_EVERY))
    turns = replace(order, scores=-np.arange(len(order), dtype=np.float32))
    shown = spread(turns, stock, n)
    return replace(shown, scores=order.scores[(-shown.scores).astype(np.intp)]), []


GENRE_MIX = Recipe(
    "genre_mix",
    {"again": 100, "company": 150, "near_taste": 150, "new": 20, "popular": 150},
    (*ALWAYS, not_just_skipped),
    score,
    in_turn,
)


def answer(ask: Ask, live: LiveHome) -> Slate:
    """One genre for a listener, or for anybody. BadInput without a genre, or for one that there is not."""
    if not ask.genre.strip():
        raise BadInput("genre_mix needs a genre; add genre=NAME")
    stock = live.path.stock
    code = live.seeds.genre(ask.genre)
    query = replace(live.query(replace(ask, seeds=()), GENRE_MIX.name), only=stock.columns.genre == code)
    slate = live.path.answer(GENRE_MIX, query, ask.n, ask.user_id)
    return noted(slate, f"Nothing of {stock.columns.genres[code]} can be shown.")


SURFACE = Surface("genre_mix", "one genre, familiar and new in turn", answer)
