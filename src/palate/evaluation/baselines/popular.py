"""What everybody plays, the same list for each listener: who does not beat it has learned nobody's taste."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.catalog.columns import Playlists
from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.profiles import heard_matrix, playlist_rows, rows_of
from palate.evaluation.baselines.scored import Scores, best, positive, recommended
from palate.listening.history import History


@dataclass(frozen=True)
class PopularAll:
    """Items by their plays in the whole log; a playlist goes on with what is on most playlists, then most played."""

    @property
    def name(self) -> str:
        return "popular-all"

    def fit(self, known: Inputs, at: float) -> "Popular":
        return Popular.of(known.history, known.playlists, heard_matrix(known.history.heard()))


@dataclass(frozen=True)
class PopularRecent:
    """Items by their plays in the last `days` before the moment: on a log with new releases the stronger of the two.

    A playlist goes on with what was put on most playlists in these days, then with the plays.
    """

    days: float = 7.0

    @property
    def name(self) -> str:
        return f"popular-{self.days:g}d"

    def fit(self, known: Inputs, at: float) -> "Popular":
        start, playlists = at - self.days * DAY_SECONDS, known.playlists
        lately = playlists.take((playlists.added >= start) & (playlists.added < at))
        return Popular.of(known.history.between(start, at), lately, heard_matrix(known.history.heard()))


@dataclass(frozen=True)
class Popular:
    """One order for all listeners and one for all playlists: `Fitted`, `Refreshes` and `Continues`.

    plays  # (n_items,) how often each item was heard
    placed # (n_items,) on how many playlists it is; a fraction for the plays settles ties
    heard  # (users, n_items) sparse, non-zero where the listener heard the item
    """

    plays: NDArray[np.float64]
    placed: NDArray[np.float64]
    heard: sparse.csr_array

    @classmethod
    def of(cls, history: History, playlists: Playlists, heard: sparse.csr_array) -> "Popular":
        """The orders that these listens and these places on playlists make."""
        plays, on_lists = item_plays(history), playlist_rows(playlists, history.n_items)
        on_how_many = np.bincount(on_lists.indices, minlength=history.n_items)
        return cls(plays, on_how_many + plays / (plays.max(initial=0.0) + 1.0), heard)

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`; an item that nobody played is never recommended."""
        scores = positive(self.plays)
        return recommended(
            lambda part: np.broadcast_to(scores, (len(part), len(scores))), self.heard, users, n, exclude_heard, only
        )

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Popular":
        """The same orders; what was heard is that of `known`."""
        return replace(self, heard=heard_matrix(known.heard()))

    def continued(
        self, lists: Sequence[NDArray[np.int32]], n: int, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Continues.continued`."""
        return _same_for_all(self.placed, n, rows_of(lists, len(self.placed)), only)


def item_plays(history: History) -> NDArray[np.float64]:
    """(n_items,) how often each item was heard."""
    return np.bincount(history.heard().item, minlength=history.n_items).astype(np.float64)


def _same_for_all(
    plays: NDArray[np.float64], n: int, hidden: sparse.csr_array, only: NDArray[np.bool_] | None
) -> NDArray[np.int32]:
    row = positive(plays)

    def score(part: slice) -> Scores:
        return np.broadcast_to(row, (hidden[part].shape[0], len(row)))

    return best(score, n, hidden, only)
