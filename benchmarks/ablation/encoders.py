"""Other ways from what was heard to a vector, or to scores, than the learnt encoder."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablation.half_lives import DEFAULT
from ablation.ranked import Ranked, Score, by_taste, records_of
from ablation.workshop import Shared, Workshop
from palate.embeddings.inputs import Inputs
from palate.embeddings.situations import draw_situations
from palate.embeddings.weights import taste_weights
from palate.evaluation.baselines import PureSvd
from palate.evaluation.baselines.scored import Scores
from palate.evaluation.method import Fitted
from palate.listening.history import History

HERE = Path(__file__).parent
CODE = (HERE / "encoders.py", HERE / "ranked.py")


@dataclass(frozen=True)
class WindowMean:
    """The mean vector of what was heard, each listen fading with one half-life of the record.

    learnt  True: the mean of the learnt `offered` vectors; False: of the factorization, the usual average of tracks
    """

    name: str
    workshop: Workshop = field(repr=False)
    half_life_days: float
    learnt: bool = False
    code: tuple[Path, ...] = field(default=CODE, repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        source = shared.foundation.vectors if self.learnt else shared.models[0].vectors
        vectors = unit(source[:, :-1])
        window = DEFAULT.index(self.half_life_days)

        def score(history: History, users: NDArray[np.int32]) -> Scores:
            records = records_of(history, users, vectors, known.columns.kind)
            sums = np.stack([record.sums[window].sum(axis=0) for record in records])
            return np.asarray(sums @ vectors.T, np.float32)  # a mean has the order of its sum

        return Ranked.seeing(score, shared.rankable, known.history)


@dataclass(frozen=True)
class FoldIn:
    """The default factorization, the listener solved for exactly from all she heard, a fixed share of popularity."""

    name: str
    workshop: Workshop = field(repr=False)
    half_life_days: float = 18.0  # the teacher's
    code: tuple[Path, ...] = field(default=CODE, repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        return Ranked.seeing(folded(shared, self.half_life_days), shared.rankable, known.history)


@dataclass(frozen=True)
class Both:
    """The taste and the exact fold-in: two vectors, each one's scores over their highest for the listener, added."""

    name: str
    workshop: Workshop = field(repr=False)
    share: float = 0.5  # of the fold-in
    half_life_days: float = 18.0
    code: tuple[Path, ...] = field(default=CODE, repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        one, two = by_taste(shared.foundation, known.columns.kind), folded(shared, self.half_life_days)

        def score(history: History, users: NDArray[np.int32]) -> Scores:
            first, second = (over_highest(part(history, users), shared.rankable) for part in (one, two))
            return np.asarray((1.0 - self.share) * first + self.share * second)

        return Ranked.seeing(score, shared.rankable, known.history)


@dataclass(frozen=True)
class Svd:
    """The baseline PureSVD."""

    name: str
    workshop: Workshop = field(repr=False)
    method: PureSvd = field(default_factory=PureSvd)
    code: tuple[Path, ...] = field(default=CODE, repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        return self.method.fit(known, at)


def folded(shared: Shared, half_life_days: float) -> Score:
    """Scores of the first factorization, each listener solved for exactly, with popularity as of the training."""
    model = shared.models[0]
    kept = model.settings.popularity_share

    def score(history: History, users: NDArray[np.int32]) -> Scores:
        wanted = np.zeros(len(history.users), np.bool_)
        wanted[users] = True
        mine = history.take(wanted[history.user])
        tastes = np.zeros((len(users), model.vectors.shape[1]), np.float32)
        who = np.unique(mine.user[taste_weights(mine) > 0])
        if len(who):
            present = draw_situations(mine, 0, len(who), 0)  # of each listener the present, by row
            solved = model.solved(present.windows().profiles(half_life_days, every_play=False))
            place = np.minimum(np.searchsorted(who, users), len(who) - 1)
            tastes = np.where((who[place] == users)[:, None], solved[place], np.float32(0.0))
        tastes[:, -1] = kept
        return np.asarray(tastes @ model.vectors.T)

    return score


def over_highest(scores: Scores, rankable: NDArray[np.bool_]) -> Scores:
    """Each row over its highest score among what may be listed; rows without a positive one stay as they are."""
    highest = scores[:, rankable].max(axis=1, initial=0.0, keepdims=True)
    return np.asarray(scores / np.where(highest > 0, highest, 1.0), np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows with length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0), np.float32)
