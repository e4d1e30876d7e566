"""Splits of the log at a moment: what came before teaches, what came after judges.

A random split lets a model learn from the future of the same listener (Ji et al., "A Critical Study on Data Leakage
in Recommender System Offline Evaluation", 2023). Here every model is cut at one moment for all listeners, and a gap
keeps a sitting that was under way at that moment from being half known.
"""

from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import Playlists
from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.embeddings.inputs import Inputs
from palate.listening.history import History

T = TypeVar("T")
MIN_LOG_DAYS = 56.0  # two months before the split: less says more about a young log than about a method


@dataclass(frozen=True)
class EvalSettings:
    """How much is evaluated, and where.

    windows         how many moments to split at, the latest first placed
    spacing_days    between two moments; at least the horizon, so that no listen is a target twice
    horizon_days    how long after the moment a listen counts as a target
    gap_hours       between the moment and the first target; what happens there is seen by nobody
    min_train_plays listeners with fewer heard plays before the moment are cold, and have a table of their own
    k               list lengths, ascending; the last one is how many items are asked for
    seeds           how often a method whose training is random is trained, each time with another seed
    seed, bootstrap seed and number of draws of the confidence intervals
    """

    SECTION: ClassVar[str] = "eval"
    windows: int = 8
    spacing_days: float = 28.0
    horizon_days: float = 7.0
    gap_hours: float = 0.5
    min_train_plays: int = 5
    k: tuple[int, ...] = (10, 100)
    seeds: int = 3
    seed: int = 0
    bootstrap: int = 1000

    def __post_init__(self) -> None:
        for name in ("windows", "bootstrap", "seeds", "min_train_plays"):
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} = {getattr(self, name)} must be at least 1")
        if not (self.horizon_days > 0.0 and 0.0 <= self.gap_hours * HOUR_SECONDS < DAY_SECONDS):
            raise BadSettings(
                f"horizon_days = {self.horizon_days:g} must be above 0, and gap_hours = {self.gap_hours:g} from 0 "
                "to below 24"
            )
        if self.horizon_days + self.gap_hours * HOUR_SECONDS / DAY_SECONDS > self.spacing_days:
            raise BadSettings(
                f"horizon_days = {self.horizon_days:g} and the gap must fit into spacing_days = "
                f"{self.spacing_days:g}, or one listen would be a target twice"
            )
        if not self.k or self.k[0] < 1 or list(self.k) != sorted(set(self.k)):
            raise BadSettings(f"k = {list(self.k)} must be list lengths of at least 1, ascending, e.g. [10, 100]")


@dataclass(frozen=True)
class Window:
    """One split, in home seconds: known is what came before `at`, targets lie in start <= time < end."""

    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Split:
    """One window cut out of everything.

    known     what a method may see, and nothing else: all that was known before `window.at`; its arrays are read-only
    following every event in the window
    added     what was put on playlists in the window
    catalogue # (c,) int32, item rows with at least one heard play in known, ascending
    heard     # (p,) int64, `pair_keys` of what each listener heard in known, ascending and distinct
    """

    window: Window
    known: Inputs
    following: History
    added: Playlists
    catalogue: NDArray[np.int32]
    heard: NDArray[np.int64]

    @property
    def n_items(self) -> int:
        return self.known.history.n_items

    @cached_property
    def plays(self) -> NDArray[np.int64]:
        """(users,) how many heard plays each listener has in known."""
        heard = self.known.history.heard()
        return np.bincount(heard.user, minlength=len(heard.users))

    @cached_property
    def everything(self) -> History:
        """What is known and what followed, one after the other: all but the gap; its arrays are read-only."""
        first, second = self.known.history, self.following
        names = [field.name for field in fields(History) if isinstance(getattr(first, field.name), np.ndarray)]
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(one, name) for one in (first, second)]) for name in names
        }
        return frozen(replace(first, **columns))


def planned(inputs: Inputs, settings: EvalSettings) -> tuple[list[Window], list[Window]]:
    """The windows to use and those dropped because less than MIN_LOG_DAYS of log precede them, earliest first.

    The latest ends at the end of the log. BadInput when the log is too short for a single window. A home without
    listens is cut by the dates of its playlists.
    """
    end, begin = inputs.end, _begin(inputs)
    kept: list[Window] = []
    dropped: list[Window] = []
    for back in reversed(range(settings.windows)):
        start = end - settings.horizon_days * DAY_SECONDS - back * settings.spacing_days * DAY_SECONDS
        at = start - settings.gap_hours * HOUR_SECONDS
        enough = at - begin >= MIN_LOG_DAYS * DAY_SECONDS
        (kept if enough else dropped).append(Window(at, start, start + settings.horizon_days * DAY_SECONDS))
    if not kept:
        raise BadInput(
            f"the log spans {(end - begin) / DAY_SECONDS:.1f} days but an evaluation needs "
            f"{MIN_LOG_DAYS + settings.horizon_days:g}; import a longer log"
        )
    return kept, dropped


def windows(inputs: Inputs, settings: EvalSettings) -> list[Window]:
    """The windows to use, earliest first; `planned` also gives those that were dropped."""
    return planned(inputs, settings)[0]


def pair_keys(users: NDArray[np.int32], items: NDArray[np.int32], n_items: int) -> NDArray[np.int64]:
    """One number for each (listener, item) pair, ordered by listener, then item; any shape that broadcasts."""
    return users.astype(np.int64) * n_items + items


def split(inputs: Inputs, window: Window) -> Split:
    """Cuts everything at one window."""
    known = frozen(inputs.until(window.at))
    before = known.history.heard()
    in_window = (inputs.playlists.added >= window.start) & (inputs.playlists.added < window.end)
    return Split(
        window=window,
        known=known,
        following=inputs.history.between(window.start, window.end),
        added=inputs.playlists.take(in_window),
        catalogue=np.unique(before.item).astype(np.int32),
        heard=np.unique(pair_keys(before.user, before.item, before.n_items)),
    )


def frozen(thing: T) -> T:
    """The same dataclass with arrays that cannot be written to: one method must not change what the next one sees."""
    changed: dict[str, Any] = {}
    for field in fields(thing):  # type: ignore[arg-type]  # a dataclass, and one with dataclasses in it
        value = getattr(thing, field.name)
        if isinstance(value, np.ndarray):
            view = value.view()
            view.flags.writeable = False
            changed[field.name] = view
        elif is_dataclass(value):
            changed[field.name] = frozen(value)
        else:
            changed[field.name] = value
    return type(thing)(**changed)


def _begin(inputs: Inputs) -> float:
    """The first listen; without any, the first dated place on a playlist; else 0.0."""
    if len(inputs.history):
        return float(inputs.history.timestamp[0])
    dated = inputs.playlists.added[np.isfinite(inputs.playlists.added)]
    return float(dated.min()) if len(dated) else 0.0
