"""The order that is shown: scores first, then what a list needs as a whole.

Everything is counted in standard deviations of the candidates' own scores, so that a knob means the same whatever the
surface scores by. The scores themselves stay as they are; only the order changes.
"""

import zlib
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Removed
from palate.core.clock import DAY_SECONDS
from palate.core.settings import Range
from palate.ranking.variety import IN_A_ROW_OF, SAME_ARTIST, in_turn
from palate.retrieval.leaning import lean_of
from palate.retrieval.query import Aired, Query
from palate.retrieval.stock import Stock

EXPLORATION = "exploration"  # the source of what was drawn by chance
AIRED_HALF_LIFE_SECONDS = 14.0 * DAY_SECONDS  # of being shown without being played
MOST_AIRED = 5  # days; who passed over an item five times has said it
SAFE, NEW, OBSCURE = (
    4.0,
    2.0,
    0.5,
)  # what adventure of -1 adds to the familiar, +1 to the unheard and takes from the popular
MORE_DIVERSE, MORE_EXPLORED = 0.5, 0.1  # what adventure of +1 adds to the two knobs

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ArrangeSettings:
    """What comes after the scores ([arrange] in palate.toml); all but shares in standard deviations of the scores."""

    SECTION: ClassVar[str] = "arrange"

    diversity: Annotated[float, Range(0.0, 1.0)] = 0.3  # taken for a cosine of 1 to anything already shown (MMR)
    same_artist: int = SAME_ARTIST  # at most so many of one artist
    in_a_row_of: int = IN_A_ROW_OF  # among so many neighbouring places
    aired: Annotated[float, Range(0.0, 1.0)] = (
        0.05  # taken for each earlier day on which it was shown and left unplayed
    )
    exploration: Annotated[float, Range(0.0, 0.2)] = 0.02  # share of the places, rounded down, that chance fills
    lean: float = 1.5  # given for a cosine of 1 to what the listener wants more of
    energy: float = 4.0  # taken for an energy that is 1 away from the wish
    seed: int = 0  # of the draw

    def __post_init__(self) -> None:
        if self.same_artist < 1 or self.in_a_row_of < 1 or not 0.0 <= self.exploration <= 1.0:
            raise ValueError("same_artist and in_a_row_of must be 1 or more, exploration from 0 to 1")


@dataclass(frozen=True)
class Arranger:
    """Orders scored candidates: what a Recipe does after scoring, unless it has a way of its own.

    settings  None for those of the home, or the defaults where there is none
    """

    settings: ArrangeSettings | None = None

    def under(self, settings: ArrangeSettings) -> "Arranger":
        """The same with the home's settings, unless it has its own."""
        return self if self.settings is not None else Arranger(settings)

    def __call__(self, candidates: Candidates, query: Query, stock: Stock, n: int) -> tuple[Candidates, list[Removed]]:
        """The first n in the order shown, and what was held back with the reason; none of nothing.

        Each (1 / exploration)-th place is filled by chance, and says so by the source "exploration", whose offered
        score is the probability of the draw. Nobody in particular gets none.
        """
        knobs = steered(self.settings or ArrangeSettings(), query.steer.adventure)
        wishes = adjusted(candidates, query, stock, knobs)
        order = np.lexsort((candidates.items, -wishes))
        single = _first_of_each(stock.columns.song[candidates.items[order]])
        doubles, order = order[~single], order[single]
        shown, crowded = in_turn(
            wishes[order], candidates.items[order], stock, n, knobs.diversity, knobs.same_artist, knobs.in_a_row_of
        )
        removed = [
            Removed(candidates.items[rows], reason)
            for rows, reason in ((doubles, "another version of the song"), (order[crowded], "same artist too often"))
            if len(rows)
        ]
        if query.listener is None or knobs.exploration * n < 1.0:
            return candidates.take(order[shown]), removed
        return _explored(candidates, order, shown, query, stock, knobs), removed


arrange = Arranger()


def steered(settings: ArrangeSettings, adventure: float) -> ArrangeSettings:
    """The knobs as the listener turns them: play it safe takes diversity and exploration away, surprise me adds."""
    more = max(adventure, 0.0)
    return replace(
        settings,
        diversity=settings.diversity * (1.0 + min(adventure, 0.0)) + more * MORE_DIVERSE,
        exploration=0.0 if adventure < 0.0 else settings.exploration + more * MORE_EXPLORED,
    )


def adjusted(candidates: Candidates, query: Query, stock: Stock, settings: ArrangeSettings) -> Floats:
    """(n,) float32 the scores in standard deviations, with what the listener asked for and was shown before.

    A candidate without a score gets the lowest. Scores that are all alike count as 0.
    """
    wishes, items = _standardised(candidates.scores), candidates.items
    lean = lean_of(query.record.marks, query.now, stock)
    if lean.any():
        wishes += settings.lean * (stock.directions[items] @ lean)
    if query.steer.adventure:
        wishes += _adventure(items, query, stock)
    if query.steer.energy is not None:
        wishes -= settings.energy * _distance(stock.columns.energy[items], query.steer.energy)
    if query.aired is not None and len(query.aired.items):
        wishes -= settings.aired * _passed_over(items, query.aired, query)
    return wishes


def _standardised(scores: Floats) -> Floats:
    known = np.isfinite(scores)
    if not known.any():
        return np.zeros(len(scores), np.float32)
    filled = np.where(known, scores, scores[known].min() - np.float32(1e-3))
    spread = float(scores[known].std())
    counted: Floats = ((filled - scores[known].mean()) / (spread if spread > 1e-9 else 1.0)).astype(np.float32)
    return counted


def _adventure(items: NDArray[np.int32], query: Query, stock: Stock) -> Floats:
    """Safe: what the listener played before. Adventurous: what they did not, and what fewer others play."""
    heard, bold = np.isin(items, query.record.items[query.record.plays > 0]), query.steer.adventure
    if bold < 0.0:
        return (-bold * SAFE * heard).astype(np.float32)
    return (bold * (NEW * ~heard - OBSCURE * _standardised(np.log1p(stock.trends.month[items])))).astype(np.float32)


def _distance(energy: Floats, wish: float) -> Floats:
    """(n,) how far from the wish; of what nobody knows, as far as the candidates are on average."""
    away = np.abs(energy - np.float32(wish))
    known = np.isfinite(away)
    return np.where(known, away, away[known].mean() if known.any() else 0.0).astype(np.float32)


def _passed_over(items: NDArray[np.int32], aired: Aired, query: Query) -> Floats:
    """(n,) on how many earlier days it was shown and not played since, MOST_AIRED at most, halved every two weeks."""
    record = query.record
    place = np.minimum(np.searchsorted(aired.items, items), len(aired.items) - 1)
    known = aired.items[place] == items
    if len(record.items):
        own = np.minimum(np.searchsorted(record.items, items), len(record.items) - 1)
        known &= (record.items[own] != items) | (record.heard_last[own] < aired.last[place])
    fade = np.exp2(-np.maximum(query.now - aired.last[place], 0.0) / AIRED_HALF_LIFE_SECONDS)
    return np.where(known, np.minimum(aired.times[place], MOST_AIRED) * fade, 0.0).astype(np.float32)


def _first_of_each(songs: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n,) True for the first of each song, and for what is of no known song."""
    if (songs < 0).all():
        return np.ones(len(songs), np.bool_)
    first = np.zeros(len(songs), np.bool_)
    first[np.unique(songs, return_index=True)[1]] = True
    return first | (songs < 0)


def _explored(
    candidates: Candidates, order: NDArray[np.intp], shown: NDArray[np.intp], query: Query, stock: Stock,
    knobs: ArrangeSettings,
) -> Candidates:  # fmt: skip
    """The candidates at order[shown], but each (1 / exploration)-th place is given to what chance draws.

    Drawn is among what the listener never played and half of that is played more than: of these nothing else can tell
    whether they are liked. Each has its number for the listener and the home day, and the lowest that is not shown yet
    is drawn: the draw stays the same for a day even where other candidates come and go.
    """
    unheard = order[~np.isin(candidates.items[order], query.record.items[query.record.plays > 0])]
    plays = stock.trends.ever[candidates.items[unheard]]
    middle = (len(plays) - 1) // 2
    pool = unheard[plays <= np.partition(plays, middle)[middle]] if len(unheard) else unheard
    told = f"{knobs.seed}|{query.listener}|{int(query.now // DAY_SECONDS)}"
    pool = pool[np.argsort(_numbers(candidates.items[pool], zlib.crc32(told.encode())), kind="stable")]
    line, chances = order[shown].tolist(), dict[int, float]()
    for place in _places(len(line), knobs.exploration):
        taken = set(line[:place])
        left = [one for one in pool.tolist() if one not in taken]
        if not left:
            break
        line = [*line[:place], left[0], *(one for one in line[place:] if one != left[0])]
        chances[left[0]] = 1.0 / len(left)
    line = line[: len(shown)]
    return _with_chances(candidates.take(np.array(line, np.intp)), [chances.get(one, np.nan) for one in line])


def _places(n: int, exploration: float) -> list[int]:
    """Of n places, counted from 0, each (1 / exploration)-th."""
    sums = np.floor(np.arange(n + 1) * exploration + 1e-9)
    return np.flatnonzero(np.diff(sums) > 0).tolist()


def _with_chances(shown: Candidates, chances: list[float]) -> Candidates:
    """The same with one more source, the most telling: EXPLORATION, whose score is the probability of the draw."""
    return replace(
        shown,
        sources=(EXPLORATION, *shown.sources),
        offered=np.column_stack([chances, shown.offered]).astype(np.float32),
        because=np.column_stack([np.full(len(shown), -1), shown.because]).astype(np.int32),
    )


def _numbers(items: NDArray[np.int32], key: int) -> NDArray[np.uint64]:
    """(n,) uint64 that look random, the same for the same item and key (splitmix64)."""
    x = items.astype(np.uint64) + np.uint64(key << 31)
    for multiplier, shift in ((0x9E3779B97F4A7C15, 30), (0xBF58476D1CE4E5B9, 27), (0x94D049BB133111EB, 31)):
        x *= np.uint64(multiplier)
        x ^= x >> np.uint64(shift)
    return x
