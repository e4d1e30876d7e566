"""Item vectors from company: what is heard by the same listeners and put on the same playlists.

Implicit-feedback ALS over a matrix with one row a listener (each item weighted by how long ago it was last heard) and
one row a playlist. Hu, Koren and Volinsky 2008; tuning advice from Rendle et al., arXiv 2110.14037. Measured against
the other candidate, positive PMI of sessions factored by SVD: .108 against .095 NDCG@100 on 30Music (docs/log.md).

The last coordinate of every vector is not a factor: it is log(1 + plays, decayed with a half-life of a week), so that a
taste can say how much of its owner's listening is what everybody hears now. It lifts *discover* by 3 to 5%.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from palate.catalog.columns import ItemColumns, Playlists
from palate.core import recording
from palate.core.clock import DAY_SECONDS
from palate.core.settings import Range
from palate.embeddings.records import decay
from palate.embeddings.weights import taste_weights
from palate.listening.history import History


@dataclass(frozen=True)
class ItemSettings:
    """How item vectors are learnt ([items] in palate.toml)."""

    SECTION: ClassVar[str] = "items"

    # with 64, NDCG@100 on 30Music is 4% lower; the design keeps d <= 128
    dim: Annotated[int, Range(32, 128, log=True)] = 128
    # how fast a listen stops counting; with 30 *discover* is 2 to 3% lower
    half_life_days: Annotated[float, Range(20.0, 400.0, log=True)] = 90.0
    confidence: Annotated[float, Range(2.0, 200.0, log=True)] = 40.0  # alpha of Hu et al.
    regularization: Annotated[float, Range(0.01, 100.0, log=True)] = 1.0
    iterations: Annotated[int, Range(5, 30)] = 15
    # a place on a playlist counts like half a fresh listen
    playlist_weight: Annotated[float, Range(0.05, 2.0, log=True)] = 0.5
    popularity_half_life_days: Annotated[float, Range(1.0, 60.0, log=True)] = 7.0
    popularity_share: Annotated[float, Range(0.0, 0.4)] = 0.1  # how much of a taste is what everybody hears now
    seed: int = 0


@dataclass(frozen=True)
class ItemModel:
    """vectors # (items, dim) float32, zeros where nothing at all is known; factors alone are `vectors[:, :-1]`."""

    vectors: NDArray[np.float32]
    settings: ItemSettings

    def solved(self, profiles: sp.csr_matrix) -> NDArray[np.float32]:
        """(q, dim) float32: the vectors that explain the rows best, by the equations that the items were learnt with.

        profiles # (q, items) float32, 1 for an item that was heard just now, less for one that was heard before. The
        last coordinate is 0: how much is popularity is not solved for.
        """
        filled = np.flatnonzero(self.vectors[:, :-1].any(axis=1))  # rows of zeros add nothing but rounding
        solved = np.zeros((profiles.shape[0], self.settings.dim), np.float32)
        with threadpool_limits(1, "blas"):  # implicit has threads of its own and wants BLAS to have one
            als = _als(self.settings)
            als.item_factors = np.ascontiguousarray(self.vectors[filled, :-1])
            als.user_factors = np.zeros((len(solved), self.settings.dim - 1), np.float32)
            solved[:, :-1] = als.recalculate_user(np.arange(len(solved)), profiles[:, filled])
        return solved


def _als(settings: ItemSettings) -> AlternatingLeastSquares:
    return AlternatingLeastSquares(
        factors=settings.dim - 1, regularization=settings.regularization, alpha=settings.confidence,
        iterations=settings.iterations, random_state=settings.seed,
    )  # fmt: skip


def listening_matrix(history: History, reference: NDArray[np.float64], half_life_days: float) -> sp.csr_matrix:
    """(users, items) float32: 2^(-age / half-life) of each listener's latest listen of each item.

    reference # (users,) home seconds that ages are counted back from. Skips do not count.
    """
    rows = np.flatnonzero(taste_weights(history) > 0)
    pair = history.user[rows].astype(np.int64) * history.n_items + history.item[rows]
    _, first = np.unique(pair[::-1], return_index=True)
    latest = rows[len(rows) - 1 - first]
    user = history.user[latest]
    weight = decay(reference[user] - history.timestamp[latest], half_life_days * DAY_SECONDS)
    shape = (len(history.users), history.n_items)
    return sp.csr_matrix((weight.astype(np.float32), (user, history.item[latest])), shape)


def fit_items(history: History, playlists: Playlists, columns: ItemColumns, settings: ItemSettings) -> ItemModel:
    """Learns item vectors from all of `history` and `playlists`.

    Deterministic for the same seed. An item without company takes the mean vector of its artist, else of its genre,
    else zeros (it is then found by search and by being new, not by taste).
    """
    listeners = listening_matrix(history, np.full(len(history.users), history.end), settings.half_life_days)
    matrix = sp.vstack([listeners, _playlist_matrix(playlists, history.n_items, settings.playlist_weight)]).tocsr()
    vectors = np.zeros((history.n_items, settings.dim), np.float32)
    known = np.bincount(matrix.indices, minlength=history.n_items) > 0
    if matrix.nnz:
        # Rows and columns without an entry would shift the random start of the others: listeners and items that came
        # later must not change what was learnt before them.
        matrix = matrix[np.diff(matrix.indptr) > 0][:, known]
        with threadpool_limits(1, "blas"):
            als = _als(settings)
            als.fit(matrix, show_progress=False, callback=_told(als) if recording.current() is not None else None)
        vectors[known, :-1] = als.item_factors
    for group in (columns.artist, columns.genre):
        borrow(vectors, known, group)
    vectors[:, -1] = recent_popularity(history, settings.popularity_half_life_days)
    return ItemModel(vectors, settings)


def _told(als: AlternatingLeastSquares) -> Callable[[int, float, float | None], None]:
    """Tells the run, after each iteration, how far the item factors still move: it flattens where they have settled."""
    before = np.zeros((0, 0), np.float32)

    def tell(iteration: int, seconds: float, _: float | None) -> None:
        nonlocal before
        now = als.item_factors
        told = {"items.iteration_seconds": seconds}
        if before.shape == now.shape:
            told["items.factor_change"] = float(np.linalg.norm(now - before)) / max(float(np.linalg.norm(now)), 1e-12)
        before = now.copy()
        recording.log(told, step=iteration)

    return tell


def recent_popularity(history: History, half_life_days: float, at: float | None = None) -> NDArray[np.float32]:
    """(items,) log(1 + plays decayed to `at`, home seconds, by default the end of `history`)."""
    age = (history.end if at is None else at) - history.timestamp
    weight = taste_weights(history) * decay(age, half_life_days * DAY_SECONDS)
    counts = np.bincount(history.item, weight, minlength=history.n_items)
    return np.log1p(counts).astype(np.float32)


def _playlist_matrix(playlists: Playlists, n_items: int, weight: float) -> sp.csr_matrix:
    there = playlists.item >= 0
    pair = np.unique(playlists.playlist[there].astype(np.int64) * n_items + playlists.item[there])
    values = np.full(len(pair), weight, np.float32)
    return sp.csr_matrix((values, (pair // n_items, pair % n_items)), (len(playlists.ids), n_items))


def borrow(vectors: NDArray[np.float32], known: NDArray[np.bool_], group: NDArray[np.int32]) -> None:
    """Gives items without a vector the mean of their group's known ones, in place; group -1 is no group.

    vectors # (items, any) float32; known # (items,) who lends; group # (items,) int32
    """
    lender = known & (group >= 0)
    n_groups = int(group.max(initial=-1)) + 1
    size = np.bincount(group[lender], minlength=n_groups)
    share = sp.csr_matrix(
        (np.ones(lender.sum(), np.float32), (group[lender], np.flatnonzero(lender))), (n_groups, len(group))
    )
    means = (share @ vectors) / np.maximum(size, 1)[:, None]
    needy = np.flatnonzero(~known & ~vectors.any(axis=1) & (group >= 0))
    vectors[needy] = means[group[needy]]
