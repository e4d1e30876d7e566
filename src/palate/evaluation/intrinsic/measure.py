"""The nearest others of a sample, how many of them are alike, and how many strangers would be.

For each sampled row and heuristic: share = the part of its nearest others that is alike; random = the part of all
others that is alike, which is what neighbours drawn at random would give on average, counted and not drawn; lift = the
mean share over the mean random.

Only rows of which every space and the heuristic know something take part, as the sampled row and as neighbour, so that
spaces are compared on the same rows and an unknown label is neither alike nor different. Near is the cosine by default:
the length of a taste or of an item's vector tells how much was heard, so by dot product the same few popular items and
heavy listeners are near to everybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput, BadSettings
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.scored import block_rows, top
from palate.evaluation.intervals import CONFIDENCE, Interval
from palate.evaluation.intrinsic.alike import Alike, Rows
from palate.evaluation.intrinsic.items import item_heuristics
from palate.evaluation.intrinsic.listeners import Heuristic, listener_heuristics
from palate.evaluation.intrinsic.result import Intrinsic, Lift
from palate.listening.history import History

RANDOM = "random vectors"
RANDOM_DIM = 32

Vectors = NDArray[np.floating[Any]]
Spaces = Mapping[str, tuple[Vectors | None, Vectors | None]]


@dataclass(frozen=True)
class IntrinsicSettings:
    """What is compared with what.

    nearest    how many neighbours are looked at
    listeners  how many listeners are sampled, of those with `min_plays` heard plays; neighbours need as many
    items      how many items are sampled, of those that somebody heard or that are on a playlist
    min_plays  heard plays that a listener needs
    similarity what near means: "cosine" or "dot"
    columns    attributes of the listeners to compare, where they are known
    seed       of the sample, the random vectors and the intervals
    bootstrap  redraws of the intervals
    """

    SECTION: ClassVar[str] = "intrinsic"
    nearest: int = 50
    listeners: int = 1000
    items: int = 2000
    min_plays: int = 5
    similarity: Literal["cosine", "dot"] = "cosine"
    columns: tuple[str, ...] = ("country", "language", "languages")
    seed: int = 0
    bootstrap: int = 1000

    def __post_init__(self) -> None:
        for name in ("nearest", "listeners", "items", "min_plays", "bootstrap"):
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} = {getattr(self, name)} must be at least 1")


def intrinsic(
    known: Inputs, spaces: Spaces, settings: IntrinsicSettings | None = None, later: History | None = None
) -> Intrinsic:
    """Measures every space by every heuristic that the data allows.

    known  # what the vectors were made from
    spaces # by name: listener vectors (users, d) by `known.history.users`, item vectors (n_items, d) by catalogue row;
           either may be None. Rows of zeros are unknown. A space RANDOM of normal draws is added: its lift is 1
    later  # listens from after `known`, for the heuristic of sittings that nothing was trained on; None leaves it out

    BadInput when vectors have the wrong shape or are not finite. The same seed gives the same result.
    """
    settings = settings or IntrinsicSettings()
    people = _Side("listeners", _eligible_listeners(known.history, settings.min_plays), settings.listeners)
    things = _Side("items", _eligible_items(known), settings.items)
    about_people = listener_heuristics(settings.columns, settings.nearest)
    left_out: dict[str, str] = {}
    return Intrinsic(
        _measured(known, people, {name: pair[0] for name, pair in spaces.items()}, about_people, settings, left_out),
        _measured(
            known, things, {name: pair[1] for name, pair in spaces.items()}, item_heuristics(later), settings, left_out
        ),
        left_out,
    )


@dataclass(frozen=True)
class _Side:
    """Listeners or items: which take part, (n,) bool, and how many are sampled."""

    what: str
    eligible: NDArray[np.bool_]
    sample: int


Group = list[tuple[Heuristic, Alike]]


def _measured(
    known: Inputs, side: _Side, given: Mapping[str, Vectors | None], heuristics: Sequence[Heuristic],
    settings: IntrinsicSettings, left_out: dict[str, str],
) -> list[Lift]:  # fmt: skip
    """The lifts of one side; says in `left_out` what could not be measured."""
    n = len(side.eligible)
    rng = np.random.default_rng([settings.seed, n])  # listeners and items do not share a stream
    vectors = {name: _checked(name, side.what, one, n) for name, one in given.items() if one is not None}
    vectors[RANDOM] = rng.standard_normal((n, RANDOM_DIM), np.float32)
    priority = rng.permutation(n)  # who is sampled first: the same for every heuristic
    eligible = side.eligible & np.logical_and.reduce([one.any(axis=1) for one in vectors.values()])
    if settings.similarity == "cosine":
        vectors = {name: _unit(one) for name, one in vectors.items()}
    pools: dict[bytes, tuple[Rows, Group]] = {}  # heuristics that know the same rows share one search
    for heuristic in heuristics:
        if not heuristic.applies(known):
            left_out[f"{side.what}: {heuristic.name}"] = "the data does not hold it"
            continue
        alike = heuristic.labels(known)
        others = np.flatnonzero(eligible & alike.known)
        if len(others) <= settings.nearest:
            reason = f"known of {len(others)} {side.what} that have vectors, more than {settings.nearest} are needed"
            left_out[f"{side.what}: {heuristic.name}"] = reason
            continue
        pools.setdefault(others.tobytes(), (others, []))[1].append((heuristic, alike))
    lifts: list[Lift] = []
    for pool, group in pools.values():
        rows = np.sort(pool[np.argsort(priority[pool])[: side.sample]])
        lifts += _lifts(rows, pool, group, vectors, settings)
    return lifts


def _lifts(
    rows: Rows, others: Rows, group: Group, vectors: Mapping[str, Vectors], settings: IntrinsicSettings
) -> list[Lift]:
    """Every space by every heuristic of one group."""
    share, random = _shares(rows, others, group, vectors, settings.nearest)
    redrawn = np.random.default_rng(settings.seed).integers(0, len(rows), (settings.bootstrap, len(rows)))
    lifts = []
    for number, (heuristic, _) in enumerate(group):
        expected = random[number][redrawn].mean(axis=1)
        for name in vectors:
            values = share[name][number]
            means = values[redrawn].mean(axis=1)
            lifts.append(
                Lift(
                    space=name,
                    heuristic=heuristic.name,
                    about=heuristic.about,
                    trained_on=heuristic.trained_on,
                    share=_interval(values.mean(), means),
                    random=float(random[number].mean()),
                    lift=_interval(_ratio(values.mean(), random[number].mean()), _ratio(means, expected)),
                    n=len(rows),
                )
            )
    return lifts


def _shares(
    rows: Rows, others: Rows, group: Group, vectors: Mapping[str, Vectors], nearest: int
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """By space (heuristics, rows): the part of the nearest that is alike; and (heuristics, rows) of all others."""
    random = np.zeros((len(group), len(rows)))
    share = {name: np.zeros(random.shape) for name in vectors}
    step = block_rows(len(others))
    for first in range(0, len(rows), step):
        block = slice(first, first + step)
        itself = rows[block, None] == others[None, :]
        near = {name: _nearest(one, rows[block], others, itself, nearest) for name, one in vectors.items()}
        for number, (_, alike) in enumerate(group):
            same = alike.among(rows[block], others) & ~itself
            random[number, block] = same.sum(axis=1) / (len(others) - 1)
            for name, places in near.items():
                share[name][number, block] = np.take_along_axis(same, places, axis=1).mean(axis=1)
    return share, random


def _nearest(vectors: Vectors, rows: Rows, others: Rows, itself: NDArray[np.bool_], n: int) -> NDArray[np.int32]:
    """(rows, n) places in `others` of the nearest, never the row itself; exact."""
    scores = vectors[rows] @ vectors[others].T
    scores[itself] = -np.inf
    return top(scores, n)


def _ratio(share: Any, random: Any) -> NDArray[np.float64]:
    """share / random, NaN where nobody at all is alike."""
    below = np.asarray(random, np.float64)
    return np.asarray(np.where(below > 0, share / np.where(below > 0, below, 1.0), np.nan), np.float64)


def _interval(value: Any, redrawn: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(redrawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(float(value), float(low), float(high))


def _unit(vectors: Vectors) -> NDArray[np.float32]:
    """float32 rows of length one; zeros stay zeros."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)


def _checked(space: str, what: str, vectors: Vectors, n: int) -> Vectors:
    if vectors.ndim != 2 or len(vectors) != n:
        raise BadInput(f"space {space} gave {what} of shape {vectors.shape}; one row for each of {n} was needed")
    if not np.isfinite(vectors).all():
        raise BadInput(f"space {space} gave {what} with values that are not finite; give zeros for unknown rows")
    return np.asarray(vectors)


def _eligible_listeners(history: History, min_plays: int) -> NDArray[np.bool_]:
    return np.asarray(np.bincount(history.heard().user, minlength=len(history.users)) >= min_plays, np.bool_)


def _eligible_items(known: Inputs) -> NDArray[np.bool_]:
    """Items with company of their own: others got their vector from their artist or genre, which would be a circle."""
    met = np.zeros(known.history.n_items, np.bool_)
    met[known.history.heard().item] = True
    met[known.playlists.item[known.playlists.item >= 0]] = True
    return met
