"""The teacher: what a listener will hear next, by the strongest mixture that needs the whole history.

Four opinions, each divided by its highest score for the listener: what she plays already (faded plays), who her items
keep company with (cosine of sittings and playlists), the mean of several matrix factorizations folded in exactly, and
what everybody hears this week. No single vector has such scores, and no request could wait for them; a student learns
to give nearly the same order with one dot product (student.py). On weeks of 30Music that nothing was chosen on, the
mixture is ahead of each of its parts (docs/log.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.clock import DAY_SECONDS
from palate.core.progress import progress
from palate.core.settings import Range
from palate.embeddings.company import Company
from palate.embeddings.items import ItemModel
from palate.embeddings.records import decay
from palate.embeddings.situations import Situations, Windows
from palate.embeddings.weights import taste_weights
from palate.listening.history import History

BLOCK_CELLS = 8_000_000  # scores held at once: 32 MB for each opinion
FOLDED_AT_ONCE = 2_048  # situations: a fold-in begins with a pass over all factors, too much for each block of scores
SAMPLED_EVERY = 16  # of the scores, to guess which of them can be among the best


@dataclass(frozen=True)
class TeacherSettings:
    """How the teacher mixes its opinions ([teacher] in palate.toml). Only the proportions of the weights matter."""

    SECTION: ClassVar[str] = "teacher"

    own: Annotated[float, Range(0.0, 1.0)] = 0.5
    company: Annotated[float, Range(0.0, 1.0)] = 0.25
    factors: Annotated[float, Range(0.0, 1.0)] = 0.25
    popularity: Annotated[float, Range(0.0, 0.2)] = 0.025
    own_half_life_days: Annotated[float, Range(2.0, 90.0, log=True)] = 14.0
    company_half_life_days: Annotated[float, Range(5.0, 180.0, log=True)] = 30.0
    factors_half_life_days: Annotated[float, Range(5.0, 180.0, log=True)] = 18.0
    # factorizations that differ in their seed; three are 2% better than one, five like three
    ensemble: Annotated[int, Range(1, 5)] = 3
    listed: Annotated[int, Range(50, 500)] = 200  # items that the teacher orders for a situation


@dataclass(frozen=True)
class Teacher:
    """Scores items for situations.

    models   factorizations of the same matrix, at least one
    company  who is heard together, of the same items
    """

    models: Sequence[ItemModel]
    company: Company
    settings: TeacherSettings = field(default_factory=TeacherSettings)

    def scores(
        self, windows: Windows, popularity: NDArray[np.float32], tastes: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """(n, items) float32, higher is sooner.

        popularity # (n, items): log(1 + plays of the week), as of each situation, or of the end of its week
        tastes     # (n, all factors): those of `windows`, where they are known already
        """
        s = self.settings
        mixed = self._folded(windows, popularity, tastes)
        mixed *= s.factors * _over_highest(mixed)
        mixed += popularity * (s.popularity * _over_highest(popularity))
        lately = windows.profiles(s.company_half_life_days, every_play=False)
        _add_shares(mixed, (lately @ self._closeness).tocsr(), s.company)
        # What is added is scaled as a whole: it weighs the same beside a listener's own plays, whatever it agrees on.
        mixed *= (s.company + s.factors) * _over_highest(mixed)
        _add_shares(mixed, windows.profiles(s.own_half_life_days, every_play=True), s.own)
        return mixed

    def tastes(self, windows: Windows) -> NDArray[np.float32]:
        """(n, all factors): what each factorization says of the situations, over their number: a sum is then a mean."""
        profiles = windows.profiles(self.settings.factors_half_life_days, every_play=False)
        solved = [model.solved(profiles)[:, :-1] for model in self.models]
        return np.asarray(np.concatenate(solved, axis=1) / len(self.models), np.float32)

    def _folded(
        self, windows: Windows, popularity: NDArray[np.float32], tastes: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """(n, items): the mean over the factorizations, and their share of popularity."""
        mean: NDArray[np.float32] = (self.tastes(windows) if tastes is None else tastes) @ self._factors.T
        mean += np.float32(self.models[0].settings.popularity_share) * popularity
        return mean

    @cached_property
    def _factors(self) -> NDArray[np.float32]:
        """(items, all factors) of all factorizations side by side: one product instead of several."""
        return np.concatenate([model.vectors[:, :-1] for model in self.models], axis=1)

    @cached_property
    def _closeness(self) -> sp.csr_matrix:
        """(items, items): the company table, and each item its own closest company."""
        n_items, width = self.company.items.shape
        there = self.company.items.ravel() >= 0
        row = np.repeat(np.arange(n_items), width)[there]
        table = (self.company.scores.ravel()[there], (row, self.company.items.ravel()[there]))
        return (sp.csr_matrix(table, (n_items, n_items)) + sp.identity(n_items, np.float32)).tocsr()


def _over_highest(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 1): 1 over each row's highest score; 1 for rows without a positive one."""
    highest = scores.max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(1.0 / np.where(highest > 0, highest, 1.0), np.float32)


def _add_shares(scores: NDArray[np.float32], more: sp.csr_matrix, weight: float) -> None:
    """Adds `weight` times each row of `more` over its highest value, in place."""
    more.sum_duplicates()
    row = np.repeat(np.arange(more.shape[0]), np.diff(more.indptr))
    highest = np.zeros(more.shape[0], np.float32)
    np.maximum.at(highest, row, more.data)
    scores[row, more.indices] += weight * more.data / np.where(highest > 0, highest, 1.0)[row]


@dataclass(frozen=True)
class Lesson:
    """What the student is to learn, one row a situation.

    liked      # (n, listed) int32, the teacher's best items, best first; -1 where there are fewer
    unheard    # (n, listed) int32, its best among those that the situation does not hold
    week       # (n,) int32, row of `popularity`
    popularity # (weeks, items) float32, log(1 + decayed plays) at the end of each week
    known      # (items,) bool, what was ever heard or put on a playlist: the rest is in no list
    """

    situations: Situations
    liked: NDArray[np.int32]
    unheard: NDArray[np.int32]
    week: NDArray[np.int32]
    popularity: NDArray[np.float32]
    known: NDArray[np.bool_]

    def save(self, path: Path) -> None:
        """One file of arrays; `load` gives it back."""
        rest = {name: value for name, value in vars(self).items() if name != "situations"}
        situations = {f"situations.{name}": np.asarray(value) for name, value in vars(self.situations).items()}
        write_arrays(path, **rest, **situations)

    @classmethod
    def load(cls, path: Path) -> "Lesson":
        arrays = read_arrays(path)
        names = [name for name in arrays if name.startswith("situations.")]
        situations = {name.removeprefix("situations."): arrays.pop(name) for name in names}
        n_items = int(situations.pop("n_items"))
        return cls(Situations(**situations, n_items=n_items), **arrays)


def prepare(
    teacher: Teacher, history: History, situations: Situations, known: NDArray[np.bool_], half_life_days: float
) -> Lesson:
    """Asks the teacher about every situation. Lists are shorter than `listed` where fewer items are known.

    known          # (items,) bool, those that may stand in a list
    half_life_days of popularity
    """
    week_seconds = 7 * DAY_SECONDS
    ends = np.minimum((np.floor(situations.moments / week_seconds) + 1) * week_seconds, history.end)
    weeks, week = np.unique(ends, return_inverse=True)
    shape = (len(situations), min(teacher.settings.listed, int(known.sum())))
    lesson = Lesson(
        situations, np.zeros(shape, np.int32), np.zeros(shape, np.int32), week.astype(np.int32),
        popularity_at(history, weeks, half_life_days), known,
    )  # fmt: skip
    unknown = np.flatnonzero(~known)
    block = max(BLOCK_CELLS // max(history.n_items, 1), 1)
    for rows, tastes in progress(_blocks(teacher, situations, block), "teacher", -(-len(situations) // block)):
        windows = situations.take(rows).windows()
        scores = teacher.scores(windows, lesson.popularity[week[rows]], tastes)
        scores[:, unknown] = -np.inf
        lesson.liked[rows], lesson.unheard[rows] = _lists(scores, windows, shape[1])
    return lesson


def popularity_at(history: History, moments: NDArray[np.float64], half_life_days: float) -> NDArray[np.float32]:
    """(moments, items): recent_popularity of the listens before each of the ascending moments, in one pass.

    What was counted at one moment is decayed to the next: it differs from a pass over everything by roundings of
    float64, which few of the float32 that are given show.
    """
    popularity = np.zeros((len(moments), history.n_items), np.float32)
    counts, before = np.zeros(history.n_items), -np.inf
    for row, moment in enumerate(moments.tolist()):
        new = history.between(before, moment)
        counts *= decay(moment - before, half_life_days * DAY_SECONDS)
        share = taste_weights(new) * decay(moment - new.timestamp, half_life_days * DAY_SECONDS)
        counts += np.bincount(new.item, share, minlength=history.n_items)
        popularity[row], before = np.log1p(counts), moment
    return popularity


def _blocks(
    teacher: Teacher, situations: Situations, block: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows of `situations`, `block` at a time, with their tastes by the teacher."""
    group = block * -(-FOLDED_AT_ONCE // block)
    for first in range(0, len(situations), group):
        rows = np.arange(first, min(first + group, len(situations)))
        tastes = teacher.tastes(situations.take(rows).windows())
        for start in range(0, len(rows), block):
            yield rows[start : start + block], tastes[start : start + block]


def _lists(scores: NDArray[np.float32], windows: Windows, n: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The best of all items and of those not in the windows, each (rows, n) int32; changes `scores`."""
    liked = _best(scores, n)
    scores[windows.rows, windows.items] = -np.inf
    return liked, _best(scores, n)


def _best(scores: NDArray[np.float32], n: int) -> NDArray[np.int32]:
    """(rows, n) int32, best first; equal scores by item row, -1 for those of minus infinity.

    A sample of a row says what its n best are likely to exceed, and only what does is sorted: on 50,000 items a fifth
    of the time of argpartition. Where too few do, all of the row is sorted.
    """
    best = np.zeros((len(scores), n), np.int32)
    if not n:
        return best
    for place, (row, least) in enumerate(zip(scores, _likely(scores, n), strict=True)):
        among = np.flatnonzero(row >= least)
        if len(among) < n:
            among = np.arange(len(row))
        values = row[among]
        among = among[values >= np.partition(values, len(values) - n)[len(values) - n]]  # n, and more of equal scores
        best[place] = among[np.argsort(-row[among], kind="stable")[:n]]
    best[~np.isfinite(np.take_along_axis(scores, best, axis=1))] = -1
    return best


def _likely(scores: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """(rows,) a score that more than n items of a row reach, unless its sample misleads; minus infinity: all do."""
    sample = scores[:, ::SAMPLED_EVERY].copy()
    rank = 2 * n // SAMPLED_EVERY + SAMPLED_EVERY  # twice as many as needed, and some for small n
    if sample.shape[1] <= rank:
        return np.full(len(scores), -np.inf, np.float32)
    sample.partition(sample.shape[1] - rank, axis=1)
    return sample[:, -rank]
