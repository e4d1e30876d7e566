"""What lists are like beside being right: known or obscure, alike or varied, true to the listener's mix.

Everything is measured with the same yardstick for every method: popularity as of the window, and item vectors that no
method is made of (PureSVD of who heard what).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from palate.core.items import KINDS
from palate.evaluation import metrics
from palate.evaluation.splits import Split

YARDSTICK_DIM = 32
SEED = 0


@dataclass(frozen=True)
class Beside:
    """The yardsticks of one window.

    heard_by  # (n_items,) int64, by how many listeners each item was heard
    listeners how many listeners heard anything
    vectors   # (n_items, d) float64, zeros for an item that nobody heard
    labels    # by name ("kind", "genre"): (n_items,) codes, only where the catalogue knows two or more
    mixes     # by the same names: (users, labels) how often each listener heard each
    """

    heard_by: NDArray[np.int64]
    listeners: int
    vectors: NDArray[np.float64]
    labels: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    mixes: dict[str, sparse.csr_array] = field(default_factory=dict)

    @classmethod
    def of(cls, part: Split) -> "Beside":
        """From what was known before the window."""
        heard, columns = part.known.history.heard(), part.known.columns
        users, items = np.divmod(part.heard, max(part.n_items, 1))
        codes = {
            "kind": (columns.kind.astype(np.int32), len(KINDS)),
            "genre": (columns.genre, len(columns.genres)),
        }
        used = {name: found for name, found in codes.items() if len(np.unique(found[0][part.catalogue])) > 1}
        shape = (len(heard.users), part.n_items)
        return cls(
            heard_by=np.bincount(items, minlength=part.n_items),
            listeners=len(np.unique(users)),
            vectors=_directions(users, items, shape),
            labels={name: found for name, (found, _) in used.items()},
            mixes={
                name: metrics.label_counts(heard.user, heard.item, found, (len(heard.users), size))
                for name, (found, size) in used.items()
            },
        )

    def of_listeners(
        self, lists: NDArray[np.int32], users: NDArray[np.int32], k: int
    ) -> dict[str, NDArray[np.float64]]:
        """(q,) by metric ("novelty@10"); `metrics.beyond` defines each."""
        found = {
            f"popularity@{k}": metrics.popularity(lists, self.heard_by, self.listeners, k),
            f"novelty@{k}": metrics.novelty(lists, self.heard_by, self.listeners, k),
            f"diversity@{k}": metrics.diversity(lists, self.vectors, k),
        }
        for name, labels in self.labels.items():
            mix = sparse.csr_array(self.mixes[name][users])
            found[f"{name}_calibration@{k}"] = metrics.calibration(lists, labels, mix, k)
        return found


def _directions(users: NDArray[np.int64], items: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """(n_items, d) right singular vectors of who heard what, scaled by their values; zeros for too little."""
    vectors = np.zeros((shape[1], YARDSTICK_DIM))
    rows, row = np.unique(users, return_inverse=True)
    columns, column = np.unique(items, return_inverse=True)
    dim = min(YARDSTICK_DIM, len(rows) - 1, len(columns) - 1)
    if dim >= 1:
        matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(len(rows), len(columns)))
        start = np.random.default_rng(SEED).standard_normal(min(matrix.shape))
        _, scale, right = svds(matrix, dim, v0=start)
        vectors[columns, :dim] = right.T * scale
    return vectors
