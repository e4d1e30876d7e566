"""Skips subtracted from the sums of a record, instead of being counted beside them."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ablation.ranked import Ranked, Score, records_of
from ablation.students import _learnt, _rows, _start, _teach
from ablation.workshop import Workshop
from palate.core.listens import Event
from palate.embeddings.foundation import Foundation
from palate.embeddings.inputs import Inputs
from palate.embeddings.situations import Situations
from palate.embeddings.student import Batch, Vectors
from palate.embeddings.teacher import Lesson
from palate.embeddings.weights import event_weights
from palate.evaluation.baselines.scored import Scores
from palate.evaluation.method import Fitted
from palate.listening.history import History

HERE = Path(__file__).parent


@dataclass(frozen=True)
class SubtractedSkips:
    """A skip takes `share` of its item's vector off every window, fading as a play does; counts are of plays alone.

    The encoder and the vectors are learnt with it; the teacher's lists are the default ones.
    """

    name: str
    workshop: Workshop = field(repr=False)
    share: float
    code: tuple[Path, ...] = field(default=(HERE / "skips.py", HERE / "students.py", HERE / "ranked.py"), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        taught = replace(shared)
        taught.models, taught.lesson = shared.models, with_skips(shared.lesson, known.history)
        vectors = Subtracting(_start(shared), self.share)
        _teach(taught, vectors, shared.settings)
        learnt = _learnt(shared, vectors, shared.settings)
        return Ranked.seeing(by_both(learnt, known, self.share), shared.rankable, known.history)


class Subtracting(Vectors):
    """Item rows from n on are skips of row - n."""

    def __init__(self, start: Foundation, share: float) -> None:
        super().__init__(start)
        self.share = share

    def tastes(self, batch: Batch, count_power: float) -> torch.Tensor:
        """As `Vectors.tastes`, less the skips."""
        table = torch.cat([self.listened, -self.share * self.listened])
        played, row, size = batch.items < len(self.listened), _rows(batch), len(batch.starts)
        windows, counts = [], []
        for share in batch.shares:
            count = torch.zeros(size).index_add(0, row, share * played)
            bag = functional.embedding_bag(batch.items, table, batch.starts, mode="sum", per_sample_weights=share)
            windows.append(bag / count.clamp_min(1e-9)[:, None] ** count_power)
            counts.append(torch.log1p(count)[:, None])
        return torch.cat([*windows, *counts, torch.ones(size, 1)], dim=1) @ self.weights

    def groups(self) -> list[dict[str, object]]:
        """What the optimizer learns, and how fast."""
        sides = {"params": [self.listened, self.offered], "speed": 1.0}
        return [{"params": [self.weights], "speed": 2.0}, sides]


def with_skips(lesson: Lesson, history: History) -> Lesson:
    """The lesson whose situations hold the skips too, as items n_items + row, between a listener's plays.

    A skip before the first play that a situation holds, or after its last, is not in it.
    """
    weights, skipped = event_weights(history.event, history.seconds_played, history.duration_seconds)
    chosen = np.flatnonzero((weights > 0) | skipped)
    order = chosen[np.argsort(history.user[chosen], kind="stable")]
    plays = np.flatnonzero(weights[order] > 0)  # where the listens of the lesson stand now
    items = history.item[order] + history.n_items * (weights[order] <= 0)
    old = lesson.situations
    merged = Situations(
        items.astype(np.int32), history.timestamp[order], plays[old.first], plays[old.last - 1] + 1, 2 * old.n_items
    )
    none = np.zeros_like(lesson.popularity)
    return replace(lesson, situations=merged, popularity=np.concatenate([lesson.popularity, none], axis=1))


def by_both(foundation: Foundation, known: Inputs, share: float) -> Score:
    """Scores of records from whose sums the skips are taken."""
    kinds = known.columns.kind

    def score(history: History, users: np.ndarray) -> Scores:
        records = records_of(history, users, foundation.listened, kinds)
        left = history.take(np.flatnonzero(history.skipped()))
        unknown = np.full(len(left), np.nan, np.float32)  # how long: so that none of them is a skip any more
        as_plays = replace(left, event=np.full(len(left), Event.PLAY, np.uint8), seconds_played=unknown)
        for record, away in zip(records, records_of(as_plays, users, foundation.listened, kinds), strict=True):
            if len(away.items):
                moved = away.copy()
                moved._advance(record.at)
                record.sums -= share * moved.sums
        return np.asarray(foundation.encoder.encode(records) @ foundation.vectors.T)

    return score
