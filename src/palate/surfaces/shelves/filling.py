"""From drafts to an answer: which shelves, in which order, no item on two; and a sentence where nothing is left."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.slate import Shelf, Slate
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.explain import explain
from palate.surfaces.notes import counted, nothing_left
from palate.surfaces.path import RequestPath
from palate.surfaces.shelves.draft import Draft

MOST_SHELVES = 12
LEAST_ITEMS = 3  # a shelf of two looks like a mistake
WIDEST = 50


@dataclass(frozen=True)
class Filled:
    """A draft with the candidates that are shown of it, and what arranging them held back."""

    draft: Draft
    shown: Candidates
    held_back: list[Removed] = field(default_factory=list)


def width_of(n: int) -> int:
    """Items of a shelf when n are asked for: somewhat fewer than there are shelves.

    >>> [width_of(n) for n in (1, 4, 20, 60, 1_000)]
    [1, 3, 4, 6, 26]
    """
    return min(max(round(math.sqrt(0.7 * n)), min(n, LEAST_ITEMS)), WIDEST)


def fill(
    drafts: Sequence[Draft],
    query: Query,
    path: RequestPath,
    n: int,
    worth_of: Callable[[Candidates], float] | None = None,
) -> list[Filled]:
    """The shelves of greatest value first, n items in all at most, none on two shelves.

    What is worth most is chosen and arranged as its recipe says; what it shows is taken from the others, and these are
    judged anew: a shelf of which less than LEAST_ITEMS is left is not shown. Ties by the order of the drafts.
    worth_of: what a shelf is worth that shows these; None for `worth`.
    """
    width, left = width_of(n), n
    waiting = [(draft, draft.candidates) for draft in drafts]
    best = max((float(found.scores.max()) for _, found in waiting if len(found)), default=0.0)
    filled: list[Filled] = []
    while left and len(filled) < MOST_SHELVES:
        least = min(LEAST_ITEMS, n)
        waiting = [(draft, found) for draft, found in waiting if len(found) >= least]
        if not waiting or left < least:
            break
        fronts = [found.take(np.arange(min(width, len(found)))) for _, found in waiting]
        values = [worth_of(one) if worth_of else worth(one, best, query, path.stock) for one in fronts]
        draft, found = waiting.pop(int(np.argmax(values)))
        shown, held_back = path.arranged(draft.recipe, found, query, min(width, left))
        filled.append(Filled(draft, shown, held_back))
        left -= len(shown)
        waiting = [(one, others.take(~np.isin(others.items, shown.items))) for one, others in waiting]
    return filled


def worth(shown: Candidates, best: float, query: Query, stock: Stock) -> float:
    """The mean, over what is shown, of the chance that it is played next times the listener's share of its kind.

    The ranker is taught by a softmax over each list (XE_NDCG), so chances of one request are as exp(score); `best` is
    the highest score among all shelves, which keeps them from overflowing.
    """
    chance = np.exp(shown.scores.astype(np.float64) - best)
    return float((chance * kind_shares(query)[stock.columns.kind[shown.items]]).mean())


def kind_shares(query: Query) -> NDArray[np.float64]:
    """(kinds,) the listener's share of each kind in the half-year window; even for a stranger, none at 0."""
    counts = query.record.counts[-1] + 1.0
    return np.asarray(counts / counts.sum(), np.float64)


def slate(
    surface: str, path: RequestPath, query: Query, user_id: str | None, filled: Sequence[Filled],
    drafts: Sequence[Draft], note: str | None = None,
) -> Slate:  # fmt: skip
    """The answer in words, with the `note`; an empty one says why it is empty instead."""
    shelves = []
    for one in filled:
        told = one.draft.tell(one.shown.items.tolist())
        items = explain(one.shown, query, path.stock, path.labels)
        shelves.append(Shelf(one.draft.name, told.title, told.reason, items, told.evidence))
    retrieved = len(np.unique(np.concatenate([np.zeros(0, np.int32), *(draft.retrieved for draft in drafts)])))
    taken = {row for one in filled for row in one.shown.items.tolist()}
    out = [part for draft in drafts for part in draft.removed] + [part for one in filled for part in one.held_back]
    removed = counted(out, taken)
    items = [item for shelf in shelves for item in shelf.items]
    return Slate(
        slate_id=slate_id(surface, path.stock.space, user_id, query, shelves), surface=surface, user_id=user_id,
        space=path.stock.space, taste_age_seconds=query.taste_age_seconds,
        stranger=query.stranger and user_id is not None, items=items,
        stages={"retrieved": retrieved, "answered": len(items), "shelves": len(shelves)}, removed=removed,
        taste_offset=query.offset, shelves=shelves, note=note if items else nothing_left(retrieved, removed),
    )  # fmt: skip


def slate_id(surface: str, space: str, user_id: str | None, query: Query, shelves: Sequence[Shelf]) -> str:
    """Equal for equal answers to the same listener in the same state."""
    parts = [f"{surface}|{space}|{user_id}|{query.record.at}|{query.seeds.tolist()}"]
    parts += [f"{shelf.name}:{','.join(item.item_id for item in shelf.items)}" for shelf in shelves]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest()
