"""Several tastes for one listener: her items in a few groups, each group a record of its own."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablation.encoders import unit
from ablation.ranked import Ranked, Score, by_taste, records_of
from ablation.workshop import Workshop
from palate.embeddings.foundation import Foundation
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.scored import Scores
from palate.evaluation.method import Fitted
from palate.listening.history import History

HERE = Path(__file__).parent
LATELY = 200  # latest listens that the groups are found in
ROUNDS = 10


@dataclass(frozen=True)
class Interests:
    """Up to `count` tastes, an item's score the best of theirs; with `whole` the one taste of everything competes too.

    The groups are those of spherical k-means over the directions of the items heard lately. What was heard before
    belongs to the nearest group.
    """

    name: str
    workshop: Workshop = field(repr=False)
    count: int
    whole: bool = False
    code: tuple[Path, ...] = field(default=(HERE / "interests.py", HERE / "ranked.py"), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        several = best_of(shared.foundation, known.columns.kind, self.count)
        single = by_taste(shared.foundation, known.columns.kind)

        def score(history: History, users: NDArray[np.int32]) -> Scores:
            found = several(history, users)
            return np.maximum(found, single(history, users)) if self.whole else found

        return Ranked.seeing(score, shared.rankable, known.history)


def best_of(foundation: Foundation, kinds: NDArray[np.uint8], count: int) -> Score:
    """Each item's best score among a listener's interests."""
    directions = unit(foundation.vectors[:, :-1])

    def score(history: History, users: NDArray[np.int32]) -> Scores:
        parts = split(history, users, directions, count)
        rows = np.arange(len(users) * count, dtype=np.int32)
        records = records_of(parts, rows, foundation.listened, kinds)
        tastes = foundation.encoder.encode(records).reshape(len(users), count, -1)
        used = np.array([record.counts.any() for record in records]).reshape(len(users), count)
        used[:, 0] |= ~used.any(axis=1)  # of whom nothing is known has a stranger's taste
        best = np.full((len(users), len(foundation.vectors)), -np.inf, np.float32)
        for place in range(count):
            scores = tastes[:, place] @ foundation.vectors.T
            np.maximum(best, np.where(used[:, place, None], scores, -np.inf), out=best)
        return best

    return score


def split(history: History, users: NDArray[np.int32], directions: NDArray[np.float32], count: int) -> History:
    """The listens of `users` (q,) as those of q * count listeners: row place * count + group."""
    order = np.argsort(history.user, kind="stable")
    bounds = np.searchsorted(history.user[order], np.arange(len(history.users) + 1))
    taken, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for place, user in enumerate(users.tolist()):
        mine = order[bounds[user] : bounds[user + 1]]
        if not len(mine):
            continue
        items = history.item[mine]
        centres = groups(directions[np.unique(items[-LATELY:])], count)
        taken.append(mine)
        owners.append((place * count + np.argmax(directions[items] @ centres.T, axis=1)).astype(np.int32))
    rows, owner = np.concatenate(taken), np.concatenate(owners)
    in_time = np.argsort(rows, kind="stable")
    parts = history.take(rows[in_time])
    return replace(parts, user=owner[in_time], users=[""] * (len(users) * count))


def groups(directions: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """(up to count, d) centres of length 1 by spherical k-means, begun with the middle and what is farthest from it."""
    centres = unit(directions.mean(axis=0, keepdims=True))
    begun = directions[[int(np.argmax(directions @ centres[0]))]]
    while len(begun) < min(count, len(directions)):
        begun = np.concatenate([begun, directions[[int(np.argmin((directions @ begun.T).max(axis=1)))]]])
    centres = begun
    for _ in range(ROUNDS):
        nearest = np.argmax(directions @ centres.T, axis=1)
        means = np.stack([directions[nearest == group].sum(axis=0) for group in range(len(centres))])
        centres = np.where(means.any(axis=1, keepdims=True), unit(means), centres)
    return np.asarray(centres, np.float32)
