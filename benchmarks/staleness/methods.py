"""What answers: vectors by dot product (Palate's taste, a transformer), or the surface for_you."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.workshop import Workshop
from palate.embeddings.bulk import build_records
from palate.embeddings.items import recent_popularity
from palate.embeddings.records import UserRecord
from palate.evaluation.baselines.itemknn import ItemKnn
from palate.evaluation.baselines.scored import top
from palate.evaluation.splits import Split
from palate.jobs.fit import FitSettings, fit_ranker, stock_at
from palate.jobs.judge.ours import FittedForYou, Listeners, NoLabels, Trained
from palate.listening.history import History
from palate.surfaces.path import RequestPath
from staleness.moments import EVERYTHING, LENGTHS, UNHEARD, Asked

# What is known of listeners, who (q,), when each is asked (q,), and what they had heard (q, n_items) -> lists by part.
Answer = Callable[[History, Asked], dict[str, NDArray[np.int32]]]
Scores = Callable[[History, Asked], NDArray[np.float32]]
N = LENGTHS[-1]
POPULAR_DAYS = 7.0
NAMES = ("taste", "sasrec", "item-knn", "sitting-knn", "popular", "for_you")
SITTING_DAYS = (
    1 / 24
)  # of plays an hour apart the later one counts twice: what was played before this sitting is nothing


@dataclass
class Makers:
    """Trains a method on what came before a window.

    settings of Palate's own methods; what they share is kept in `folder`
    sequence settings of the transformer that differ from its defaults
    """

    settings: FitSettings
    folder: Path
    sequence: dict[str, Any]

    def made(self, name: str, part: Split) -> Answer:
        """One of NAMES; only what was heard before the window is listed."""
        if name == "for_you":
            return self._for_you(part)
        if name == "popular":
            return by_scores(self._popular(part), part)
        if name == "taste":
            return by_scores(self._taste(part), part)
        return by_scores(self._peer(self._method(name).fit(part.known, part.window.at), part), part)

    def _taste(self, part: Split) -> Scores:
        learnt = Workshop(self.folder, self.settings.foundation).of(part.known).foundation
        kinds, listeners = part.known.columns.kind, part.known.listeners

        def score(known: History, asked: Asked) -> NDArray[np.float32]:
            records = dict(build_records(known, learnt.listened, kinds, asked.users))
            stranger = UserRecord.empty(learnt.encoder.dim)
            told = listeners.take(asked.users.tolist()) if learnt.encoder.reads_attributes else None
            tastes = learnt.encoder.encode([records.get(user, stranger) for user in asked.users.tolist()], told)
            return tastes @ learnt.vectors.T

        return score

    def _method(self, name: str) -> Any:
        if name != "sasrec":
            return ItemKnn() if name == "item-knn" else ItemKnn(SITTING_DAYS)
        from peers.sasrec import SasRec

        return replace(SasRec(), **self.sequence)

    def _peer(self, fitted: Any, part: Split) -> Scores:
        """Of a method that says nothing about strangers: to them it gives what is popular."""
        popular = self._popular(part)

        def score(known: History, asked: Asked) -> NDArray[np.float32]:
            when = np.zeros(len(known.users))
            np.maximum.at(when, known.user, known.timestamp)  # seen from the latest play, so that nothing fades to 0
            scores = np.array(fitted.refreshed(known, when).scores(asked.users), np.float32)
            unknown = ~np.isfinite(scores).any(axis=1)
            scores[unknown] = popular(known, asked)[unknown]
            return scores

        return score

    def _popular(self, part: Split) -> Scores:
        popularity = recent_popularity(part.known.history, POPULAR_DAYS)
        return lambda known, asked: np.repeat(popularity[None], len(asked.users), axis=0)

    def _for_you(self, part: Split) -> Answer:
        at, shared = part.window.at, Workshop(self.folder, self.settings.foundation).of(part.known)
        stock = stock_at(part.known, shared.foundation, shared.company, at, self.settings, "judged")
        path = RequestPath(stock, fit_ranker(part.known, self.settings), NoLabels())
        trained = Trained(path, shared.foundation.encoder, part.known.columns.kind, stock.vectors)
        fitted = FittedForYou(trained, Listeners.of(part.known, at))

        def answer(known: History, asked: Asked) -> dict[str, NDArray[np.int32]]:
            when = np.full(len(known.users), at)
            when[asked.users] = asked.at
            fresh = fitted.refreshed(known, when)
            new = fresh.recommend(asked.users, N, exclude_heard=True)
            return {EVERYTHING: fresh.recommend(asked.users, N, exclude_heard=False), UNHEARD: without(new, asked)}

        return answer


def by_scores(scores: Scores, part: Split) -> Answer:
    """The N best by a score, of everything and of what is unheard; equal scores by row."""
    hidden = np.ones(part.n_items, np.bool_)
    hidden[part.catalogue] = False

    def answer(known: History, asked: Asked) -> dict[str, NDArray[np.int32]]:
        found = np.array(scores(known, asked))
        found[:, hidden] = -np.inf
        everything = top(found, N)
        found[asked.heard] = -np.inf
        return {EVERYTHING: everything, UNHEARD: top(found, N)}

    return answer


def without(lists: NDArray[np.int32], asked: Asked) -> NDArray[np.int32]:
    """Lists less what was heard meanwhile, of which an old record does not know; the rest moves up."""
    gone = (lists < 0) | asked.heard[np.arange(len(lists))[:, None], lists]
    order = np.argsort(gone, axis=1, kind="stable")
    return np.where(np.take_along_axis(gone, order, axis=1), -1, np.take_along_axis(lists, order, axis=1)).astype(
        np.int32
    )
