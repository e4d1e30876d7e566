"""Where an item fell on the shelves of an answer: of each shelf that was offered it, how far it came, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from palate.surfaces.shelves.filling import LEAST_ITEMS
from palate.surfaces.watched import Filling, Pass

# How far an item came on a shelf, what is nearest to being shown first.
STAGES = ("shown", "held back", "below", "on another shelf", "shelf not shown", "not drafted", "filtered")


@dataclass(frozen=True)
class Fate:
    """What became of an item on one shelf that was offered it.

    stage      one of STAGES
    verdict    why, in words that follow the name of the shelf
    held_back  why arranging the shelf left it out; None where it did not
    """

    shelf: str
    stage: str
    verdict: str
    held_back: str | None = None


def fate(one: Pass, row: int, shelves: Mapping[str, Sequence[int]], fillings: Sequence[Filling]) -> Fate:
    """How far the item came that this pass was offered; shelves: the rows that are shown, by shelf."""
    shelf, drafted, shown = one.recipe.shelf, one.ranked.candidates.items, shelves.get(one.recipe.shelf, ())
    filtered = [part.reason for part in one.ranked.filtered if row in part.items]
    if filtered:
        return Fate(shelf, "filtered", f"a filter removed it: {filtered[0]}")
    rank = _rank(one, row)
    if row not in drafted:
        return Fate(shelf, "not drafted", f"its score is {rank}, and {len(drafted):,} are drafted")
    if row in shown:
        return Fate(shelf, "shown", f"at {list(shown).index(row) + 1:,}; its score is {rank}")
    other = next((name for name, rows in shelves.items() if row in rows), None)
    if other is not None:
        return Fate(shelf, "on another shelf", f"it stands on {other} already")
    held = [part.reason for each in fillings if each.shelf == shelf for part in each.held_back if row in part.items]
    if held:
        return Fate(shelf, "held back", f"it was held back after scoring: {held[0]}; its score is {rank}", held[0])
    if len(shown):
        return Fate(shelf, "below", f"its score is {rank}, and {len(shown):,} are shown")
    taken = np.array([each for rows in shelves.values() for each in rows], np.int32)
    left = int((~np.isin(drafted, taken)).sum())
    few = f"{left} of its items are on no other shelf, and {LEAST_ITEMS} make one"
    return Fate(
        shelf, "shelf not shown", f"it is not shown, since {few if left < LEAST_ITEMS else 'others came first'}"
    )


def furthest(fates: Sequence[Fate]) -> int:
    """The place of the shelf on which it came furthest; the first of equals."""
    return min(range(len(fates)), key=lambda place: STAGES.index(fates[place].stage))


def verdict(fates: Sequence[Fate], surface: str, position: int | None) -> str:
    """What became of an item that at least one shelf was offered, in a sentence; position: from 1 in the answer."""
    best = fates[furthest(fates)]
    if position is not None:
        return f"It stands at {position:,} of {surface}, on the shelf {best.shelf} {best.verdict}."
    if len(fates) == 1:
        return f"One shelf was offered it, {best.shelf}: {best.verdict}."
    return f"{len(fates):,} shelves were offered it; it came furthest on {best.shelf}: {best.verdict}."


def _rank(one: Pass, row: int) -> str:
    scored = one.ranked.scored
    score = scored.scores[scored.items == row][0]
    better = (scored.scores > score) | ((scored.scores == score) & (scored.items < row))
    return f"rank {1 + int(better.sum()):,} of {len(scored):,}"
