"""What a task is: questions with known answers, cut out of one window."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate.evaluation.method import Fitted
from palate.evaluation.splits import EvalSettings, Split

LISTENERS, PLAYLISTS, ITEMS = "listeners", "playlists", "items"


@dataclass(frozen=True)
class Questions:
    """Who or what is asked about, and the right answers.

    rows   # (q,) int32, ascending: rows of listeners, playlists or items, as the task says
    indptr # (q + 1,) int64: the answers to rows[i] are items[indptr[i]:indptr[i + 1]], at least one
    items  # (m,) int32, item rows, ascending and distinct within a question
    """

    rows: NDArray[np.int32]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(q,) how many right answers each question has."""
        return np.diff(self.indptr)


class Task(Protocol):
    """One kind of question. A new task is one file with one such class, and a line in `standard_tasks`."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...

    @property
    def about(self) -> str:
        """One sentence: who is asked, what counts as right, what is left out."""
        ...

    @property
    def of(self) -> str:
        """What a row is: LISTENERS, PLAYLISTS or ITEMS."""
        ...

    @property
    def missing(self) -> str:
        """Why a home has no question of this kind, if it has none."""
        ...

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        """The questions of one window; none is no error."""
        ...

    def able(self, fitted: Fitted) -> bool:
        """Whether a method can be asked this."""
        ...

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        """(q, n) int32, the method's lists in the shape of `Fitted.recommend`."""
        ...

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        """(q, n) True where a list holds what this task has masked for every method."""
        ...


def from_pairs(keys: NDArray[np.int64], n_items: int) -> Questions:
    """Questions from `pair_keys`, in any order, repeated or not."""
    owner, item = np.divmod(np.unique(keys), max(n_items, 1))
    rows, sizes = np.unique(owner, return_counts=True)
    indptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Questions(rows.astype(np.int32), indptr, item.astype(np.int32))


def nothing_forbidden(lists: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(q, n) False: for tasks that mask nothing."""
    return np.zeros(lists.shape, np.bool_)
