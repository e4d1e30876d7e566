"""Splits of the log at a moment: what came before teaches, what came after judges.

A random split lets a model learn from the future of the same listener (Ji et al., "A Critical Study on Data Leakage
in Recommender System Offline Evaluation", 2023). Here every model is cut at one moment for all listeners.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.listening.history import History

MIN_LOG_DAYS = 56.0  # two months before the split: less says more about a young log than about a method
NEXT, DISCOVER = "next", "discover"


@dataclass(frozen=True)
class EvalSettings:
    """How much is evaluated, and where.

    windows         how many moments to split at, the latest first placed
    spacing_days    between two moments; at least the horizon, so that no listen is a target twice
    horizon_days    how long after the moment a listen counts as a target
    min_train_plays listeners with fewer heard plays before the moment are left out
    k               list lengths, ascending; the last one is how many items are asked for
    seed, bootstrap seed and number of draws of the confidence intervals
    """

    SECTION: ClassVar[str] = "eval"
    windows: int = 4
    spacing_days: float = 28.0
    horizon_days: float = 7.0
    min_train_plays: int = 5
    k: tuple[int, ...] = (10, 100)
    seed: int = 0
    bootstrap: int = 1000

    def __post_init__(self) -> None:
        if self.windows < 1 or self.bootstrap < 1:
            raise BadSettings(f"windows = {self.windows} and bootstrap = {self.bootstrap} must be at least 1")
        if not 0.0 < self.horizon_days <= self.spacing_days:
            raise BadSettings(
                f"horizon_days = {self.horizon_days:g} must be above 0 and at most spacing_days = "
                f"{self.spacing_days:g}, or one listen would be a target twice"
            )
        if not self.k or self.k[0] < 1 or list(self.k) != sorted(set(self.k)):
            raise BadSettings(f"k = {list(self.k)} must be list lengths of at least 1, ascending, e.g. [10, 100]")


@dataclass(frozen=True)
class Window:
    """One split: train is before `start`, targets are in start <= time < end (home seconds)."""

    start: float
    end: float


@dataclass(frozen=True)
class Targets:
    """What each listener of one task went on to hear.

    users  # (q,) int32, user rows, ascending
    indptr # (q + 1,) int64: the targets of users[i] are items[indptr[i]:indptr[i + 1]], at least one
    items  # (m,) int32, item rows, ascending and distinct within a listener
    """

    users: NDArray[np.int32]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]


@dataclass(frozen=True)
class Split:
    """One window cut out of a log.

    train     everything before the window, skips and saves included: what a method may see
    catalogue # (c,) int32, item rows with at least one heard play in train, ascending
    heard     # (p,) int64, `pair_keys` of what each listener heard in train, ascending and distinct
    tasks     targets by task: `next` counts re-listens, `discover` only items that the listener had never heard
    """

    window: Window
    train: History
    catalogue: NDArray[np.int32]
    heard: NDArray[np.int64]
    tasks: dict[str, Targets]


def planned(history: History, settings: EvalSettings) -> tuple[list[Window], list[Window]]:
    """The windows to use and those dropped because less than MIN_LOG_DAYS of log precede them, earliest first.

    The latest ends at the end of the log. BadInput when the log is too short for a single window.
    """
    latest = history.end - settings.horizon_days * DAY_SECONDS
    starts = [latest - back * settings.spacing_days * DAY_SECONDS for back in reversed(range(settings.windows))]
    begin = float(history.timestamp[0]) if len(history) else 0.0
    kept: list[Window] = []
    dropped: list[Window] = []
    for start in starts:
        enough = start - begin >= MIN_LOG_DAYS * DAY_SECONDS
        (kept if enough else dropped).append(Window(start, start + settings.horizon_days * DAY_SECONDS))
    if not kept:
        raise BadInput(
            f"the log spans {(history.end - begin) / DAY_SECONDS:.1f} days but an evaluation needs "
            f"{MIN_LOG_DAYS + settings.horizon_days:g}; import a longer log"
        )
    return kept, dropped


def windows(history: History, settings: EvalSettings) -> list[Window]:
    """The windows to use, earliest first; `planned` also gives those that were dropped."""
    return planned(history, settings)[0]


def pair_keys(users: NDArray[np.int32], items: NDArray[np.int32], n_items: int) -> NDArray[np.int64]:
    """One number for each (listener, item) pair, ordered by listener, then item; any shape that broadcasts."""
    return users.astype(np.int64) * n_items + items


def split(history: History, window: Window, settings: EvalSettings) -> Split:
    """Cuts the log at one window.

    Targets are distinct items heard in the window (plays that were no skips) that were also heard by somebody before
    it. Listeners need `min_train_plays` heard plays before it and one target. A task may end up without listeners.
    """
    train = history.until(window.start)
    before = train.heard()
    after = history.between(window.start, window.end).heard()
    plays_by_user = np.bincount(before.user, minlength=len(history.users))
    plays_by_item = np.bincount(before.item, minlength=history.n_items)
    counts = (plays_by_user[after.user] >= settings.min_train_plays) & (plays_by_item[after.item] > 0)
    wanted = np.unique(pair_keys(after.user[counts], after.item[counts], history.n_items))
    heard = np.unique(pair_keys(before.user, before.item, history.n_items))
    return Split(
        window=window,
        train=train,
        catalogue=np.flatnonzero(plays_by_item).astype(np.int32),
        heard=heard,
        tasks={
            NEXT: _targets(wanted, history.n_items),
            DISCOVER: _targets(np.setdiff1d(wanted, heard, assume_unique=True), history.n_items),
        },
    )


def _targets(keys: NDArray[np.int64], n_items: int) -> Targets:
    """Targets from ascending pair keys."""
    owner, item = np.divmod(keys, max(n_items, 1))
    users, sizes = np.unique(owner, return_counts=True)
    indptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Targets(users.astype(np.int32), indptr, item.astype(np.int32))
