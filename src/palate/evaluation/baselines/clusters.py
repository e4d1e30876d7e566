"""Semi-personalised cold start: a stranger gets what is popular among those whom they resemble on their first day.

Briand, Salha-Galvan, Bontempelli, Morlon and Tran, "A Semi-Personalized System for User Cold Start Recommendation on
Music Streaming Apps", KDD 2021: k-means over the vectors of warm listeners; what is known on the day of registration
predicts the cluster; the list is the cluster's most played. Two things differ (docs/rooms/cold_start.md has why): a
listener belongs to clusters by shares instead of to the likeliest one, and the prediction is a ridge regression.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.embeddings.statics import Statics
from palate.evaluation.baselines.factors import right_factors
from palate.evaluation.baselines.profiles import Fading, heard_matrix, play_matrix, tastes
from palate.evaluation.baselines.scored import Scores, positive, recommended
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns

TAUGHT_WITH = (0, 1, 3, 10)  # first plays that a warm listener is shown with, to teach the prediction
ATTRIBUTE_SCALE = 0.1  # the same penalty holds attributes 100 times as tightly as plays: they are many and weak
STARTS = 3  # of k-means; the best of them counts


@dataclass(frozen=True)
class Clusters:
    """Items by how much they are played in the clusters that a listener belongs to by what a first day tells.

    warm_plays      heard plays from which on a listener teaches, and belongs to the cluster of what they heard
    half_life_days  a play makes its item popular half as much after so long
    smoothing       plays of everybody that each cluster is mixed with
    """

    clusters: int = 50
    dim: int = 32
    warm_plays: int = 20
    half_life_days: float = 60.0
    smoothing: float = 50.0
    ridge: float = 10.0
    seed: int = 0

    @property
    def name(self) -> str:
        return "clusters"

    def fit(self, known: Inputs, at: float) -> "Clustered":
        heard = known.history.heard()
        _, items = right_factors(tastes(known, at, Fading(None)), self.dim)
        plays = np.bincount(heard.user, minlength=len(heard.users))
        warm = np.flatnonzero(plays >= self.warm_plays).astype(np.int32)
        everybody = np.bincount(heard.item, self._weights(heard, at), heard.n_items).astype(np.float64)
        centres, own = self._centres(_unit(heard_matrix(heard)[warm] @ items))
        popular = self._popular(heard, warm, own, everybody, len(centres), at)
        first_days = FirstDays(items, Statics.fit(known.listeners.take(warm)), known.listeners)
        weights = self._predictor(first_days, known.history, at, warm, np.eye(len(centres))[own])
        model = Model(centres, popular, weights, self.warm_plays)
        return Clustered.seeing(model, first_days, known.history, np.full(len(heard.users), at))

    def _centres(self, vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(k, dim) centres and (warm,) to which one each belongs; with too few listeners everybody is one cluster."""
        count = min(self.clusters, len(np.unique(vectors, axis=0)) // 4)
        if count < 2:
            return np.zeros((1, vectors.shape[1])), np.zeros(len(vectors), np.int64)
        with threadpool_limits(1):
            found = KMeans(count, n_init=STARTS, random_state=self.seed).fit(vectors)
        return np.asarray(found.cluster_centers_, np.float64), np.asarray(found.labels_, np.int64)

    def _popular(
        self, heard: History, warm: NDArray[np.int32], own: NDArray[np.int64], everybody: NDArray[np.float64],
        count: int, at: float,
    ) -> NDArray[np.float64]:  # fmt: skip
        """(k, n_items) shares of the plays of each cluster, mixed with those of everybody; rows sum to 1 or are 0."""
        cluster = np.full(len(heard.users), -1)
        cluster[warm] = own
        mine = heard.take(cluster[heard.user] >= 0)
        plays = np.zeros((count, heard.n_items))
        np.add.at(plays, (cluster[mine.user], mine.item), self._weights(mine, at))
        mixed = plays + self.smoothing * everybody / max(everybody.sum(), 1e-300)
        return np.asarray(mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-300), np.float64)

    def _weights(self, heard: History, at: float) -> NDArray[np.float64]:
        return np.asarray(np.exp2((heard.timestamp - at) / (self.half_life_days * DAY_SECONDS)), np.float64)

    def _predictor(
        self, first_days: "FirstDays", history: History, at: float, warm: NDArray[np.int32], own: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(features, k): least squares from first days to cluster shares, each warm listener at several stages."""
        moments = np.full(len(history.users), at)
        silent = history.take(history.event != Event.ONBOARDING)
        seen = [silent] if len(silent) == len(history) else [history, silent]
        rows = [first_days.features(one, moments, warm, most) for one in seen for most in TAUGHT_WITH]
        x, y = np.concatenate(rows), np.concatenate([own] * len(rows))
        return np.linalg.solve(x.T @ x + self.ridge * np.eye(x.shape[1]), x.T @ y)


@dataclass(frozen=True)
class FirstDays:
    """What a first day tells of a listener, as numbers: attributes, onboarding picks, the first plays.

    items     # (n_items, dim) float32
    statics   the vocabulary of the attributes
    listeners # attributes, aligned with the users of the history
    """

    items: NDArray[np.float32]
    statics: Statics
    listeners: ListenerColumns

    def features(
        self, history: History, at: NDArray[np.float64], users: NDArray[np.int32], most: int = TAUGHT_WITH[-1]
    ) -> NDArray[np.float64]:
        """(q, f) float64 of `users`: directions of the first `most` heard plays and of the picks, counts, attributes.

        at # (users,) home seconds, when each is asked
        """
        heard = history.heard()
        picks = history.take(history.event == Event.ONBOARDING)
        first = _first(heard, most)
        played = play_matrix(first, np.ones(len(first)))[users]
        picked = play_matrix(picks, np.ones(len(picks)))[users]
        counts = np.column_stack([played.sum(axis=1), picked.sum(axis=1)]).astype(np.float64)
        # Where somebody lives says less and less once it is known what they hear.
        told = self.statics.features(self.listeners, users, at[users]) / (1.0 + counts.sum(axis=1, keepdims=True))
        directions = [_unit(played @ self.items), _unit(picked @ self.items)]
        return np.hstack([*directions, np.log1p(counts), np.ones((len(users), 1)), ATTRIBUTE_SCALE * told])


@dataclass(frozen=True)
class Model:
    """What was learnt.

    centres    # (k, dim) float64
    popular    # (k, n_items) float64
    weights    # (features, k) float64, from a first day to shares of clusters
    warm_plays # heard plays from which on a listener belongs to one cluster
    """

    centres: NDArray[np.float64]
    popular: NDArray[np.float64]
    weights: NDArray[np.float64]
    warm_plays: int


@dataclass(frozen=True)
class Clustered:
    """`Fitted`, `Refreshes` and `Described`.

    heard  # (users, n_items) sparse, non-zero where the listener heard the item
    at     # (users,) home seconds, when each listener is asked
    """

    model: Model
    first_days: FirstDays
    history: History
    heard: sparse.csr_array
    at: NDArray[np.float64]

    @classmethod
    def seeing(cls, model: Model, first_days: FirstDays, known: History, at: NDArray[np.float64]) -> "Clustered":
        """The listeners of `known`, each asked at a moment of their own."""
        return cls(model, first_days, known, heard_matrix(known.heard()), at)

    def shares(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        """(q, k) of each listener in each cluster, summing to 1: of a warm one all in the nearest centre's."""
        mine = np.zeros(len(self.history.users), np.bool_)
        mine[users] = True
        told = self.first_days.features(self.history.take(mine[self.history.user]), self.at, users)
        found = np.maximum(np.einsum("qf,fk->qk", told, self.model.weights), 1e-9)
        warm = np.asarray(self.heard[users].sum(axis=1)).ravel() >= self.model.warm_plays
        vectors = _unit(self.heard[users[warm]] @ self.first_days.items)
        distance = np.square(vectors[:, None, :] - self.model.centres).sum(axis=2)
        found[warm] = np.eye(len(self.model.centres))[distance.argmin(axis=1)]
        return np.asarray(found / found.sum(axis=1, keepdims=True), np.float64)

    def scores(self, users: NDArray[np.int32]) -> Scores:
        """(q, n_items) float32; -inf for what nobody played."""
        # float32 after sums in float64: an order must not depend on how many are asked at once
        return positive((self.shares(users) @ self.model.popular).astype(np.float32))

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`."""
        return recommended(self.scores, self.heard, users, n, exclude_heard, only)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Clustered":
        """See `Refreshes.refreshed`."""
        return self.seeing(self.model, self.first_days, known, at)

    def described(self, listeners: ListenerColumns) -> "Clustered":
        """See `coldstart.Described.described`."""
        return replace(self, first_days=replace(self.first_days, listeners=listeners))


def _first(heard: History, most: int) -> History:
    """Each listener's first `most` plays."""
    order = np.argsort(heard.user, kind="stable")
    place = np.empty(len(heard), np.int64)
    place[order] = np.arange(len(heard)) - np.searchsorted(heard.user[order], heard.user[order])
    return heard.take(place < most)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    rows = np.asarray(vectors, np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)
