"""What the ranker goes by: told into the run that trains it, and compared across runs from what they told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from palate.core import recording
from palate.core.errors import BadInput
from palate.lab.book import Book, RunInfo
from palate.lab.importance import COLUMNS, MEASURES, Measure, importance
from palate.lab.marks import mark_for
from palate.ranking.features import NAMES
from palate.ranking.ranker import Example, Ranker, RankerSettings

TABLE = "importance"
BAR_LETTERS = 40
KEPT_OUT_OF = 20  # one list of so many; on 30Music a ranker without them is as good as with them
# What is measured on the lists kept out; with more, watching would cost over 2% of a training of 150 full trees.
CURVE_POINTS, SHUFFLED_OF, CONTRIBUTED_ROWS = 15, 4, 200
NDCG = "ranker.ndcg_at_10"


def train_watched(examples: Sequence[Example], settings: RankerSettings) -> Ranker:
    """Trains the ranker on all lists but one of 20, and tells the run, if one is kept, how it does on those.

    `ranker.ndcg_at_10` by round, at the end `ranker.trees` and the features' importance, all of the first member. The
    lists kept out also make scores probabilities. The ranker is the same, byte by byte, whether or not anybody keeps a
    run. With fewer than 20 lists that teach anything, none is kept out and nothing is told.
    """
    teaching = [example for example in examples if example.teaches]
    kept_out = teaching[KEPT_OUT_OF - 1 :: KEPT_OUT_OF]
    learnt = [example for place, example in enumerate(teaching, 1) if place % KEPT_OUT_OF]
    if recording.current() is None or not kept_out:
        return Ranker.train(learnt, settings, kept_out=kept_out)
    ranker = Ranker.train(learnt, settings, _Curve(kept_out, settings.rounds), kept_out)
    if ranker.booster is not None:
        recording.summarize({"ranker.trees": ranker.booster.num_trees()})
        measured = importance(
            ranker.booster, *_stacked(kept_out[::SHUFFLED_OF]), names=NAMES, seed=settings.seed, repeats=1,
            most_contributed=CONTRIBUTED_ROWS,
        )  # fmt: skip
        measured.log(TABLE)
    return ranker


class _Curve:
    """Logs NDCG@10 on the lists that were kept out, at up to 15 rounds and the last. Each tree is asked once."""

    def __init__(self, kept_out: Sequence[Example], rounds: int) -> None:
        self._features, labels, groups = _stacked(kept_out)
        self._mark, self._scores = mark_for(labels, groups, top=10), np.zeros(len(labels))
        self._every, self._rounds, self._asked = max(1, -(-rounds // CURVE_POINTS)), rounds, 0

    def __call__(self, rounds: int, booster: lgb.Booster) -> None:
        if rounds % self._every and rounds != self._rounds:
            return
        grown = booster.current_iteration()  # fewer than rounds: one that finds nothing to split adds no tree
        if grown > self._asked:
            new = grown - self._asked
            added = booster.predict(self._features, start_iteration=self._asked, num_iteration=new, num_threads=1)
            self._scores += np.asarray(added, np.float64)
            self._asked = grown
        recording.log({NDCG: self._mark(self._scores)}, step=rounds)


def _stacked(
    examples: Sequence[Example],
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]:
    """Features, labels and list sizes of all lists, one after the other."""
    features = np.concatenate([example.features for example in examples])
    labels = np.concatenate([example.labels for example in examples]).astype(np.float64)
    return features, labels, np.array([len(example.labels) for example in examples], np.int64)


@dataclass(frozen=True)
class Compared:
    """One measure of the features in several runs, oldest first.

    features  greatest first in the latest run
    values, shares, ranks  a row a feature, a cell a run; None where the run does not have the feature. A share is of
              the run's sum over what is above 0; ranks begin at 1, and equal values share the better one.
    """

    by: Measure
    runs: tuple[RunInfo, ...]
    features: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    shares: tuple[tuple[float | None, ...], ...]
    ranks: tuple[tuple[int | None, ...], ...]

    @property
    def moves(self) -> tuple[int | None, ...]:
        """How many ranks each feature rose from the first run to the last; None where one of them lacks it."""
        ends = [(row[0], row[-1]) for row in self.ranks]
        return tuple(None if first is None or last is None else first - last for first, last in ends)


def compare(book: Book, runs: Sequence[str] = (), by: str = "permutation") -> Compared:
    """Features side by side from the tables kept in the runs; no model is needed. Without runs: the latest with one.

    BadInput for a run without the table, and when no run has one.
    """
    if by not in MEASURES:
        raise BadInput(f"{by!r} is no measure of importance; choose from {', '.join(MEASURES)}")
    infos = sorted({book.get(run).id: book.get(run) for run in runs}.values(), key=lambda info: info.created)
    infos = infos or _latest(book)
    columns = [_column(book, info, by) for info in infos]
    everything = dict.fromkeys(name for column in reversed(columns) for name in column)
    last = columns[-1]
    features = sorted(everything, key=lambda name: -(last.get(name, -np.inf)))
    return Compared(
        by, tuple(infos), tuple(features),
        tuple(tuple(column.get(name) for column in columns) for name in features),
        tuple(tuple(_share(column, name) for column in columns) for name in features),
        tuple(tuple(_rank(column, name) for column in columns) for name in features),
    )  # fmt: skip


def _latest(book: Book) -> list[RunInfo]:
    with_one = [info for info in book.runs() if any(file.name == TABLE for file in info.files)]
    if not with_one:
        raise BadInput("no run holds an importance yet; `palate train` makes one with every ranker")
    return with_one[-1:]


def _column(book: Book, info: RunInfo, by: Measure) -> dict[str, float]:
    """One measure by feature, as the run told it; a measure that it does not have is an error that says so."""
    columns, rows = book.table(info, TABLE)
    missing = [name for name in (COLUMNS[0], by) if name not in columns]
    if missing:
        raise BadInput(
            f"the table {TABLE} of the run {info.id} has no column {missing[0]}; it has {', '.join(columns)}"
        )
    name_at, value_at = columns.index(COLUMNS[0]), columns.index(by)
    known = {str(row[name_at]): float(row[value_at]) for row in rows if row[value_at] is not None}
    if not known:
        raise BadInput(f"the model of the run {info.id} has no {by}; choose another of {', '.join(MEASURES)}")
    return known


def _share(column: dict[str, float], name: str) -> float | None:
    total = sum(max(value, 0.0) for value in column.values())
    return None if name not in column else max(column[name], 0.0) / total if total else 0.0


def _rank(column: dict[str, float], name: str) -> int | None:
    return None if name not in column else 1 + sum(value > column[name] for value in column.values())


def as_answer(found: Compared) -> dict[str, Any]:
    """As JSON: the measure, the runs, and one object a feature with values, shares, ranks and how far it rose."""
    runs = [{"id": info.id, "job": info.job, "name": info.name, "space": info.named("space")} for info in found.runs]
    rows = zip(found.features, found.values, found.shares, found.ranks, found.moves, strict=True)
    features = [
        {"feature": name, "values": values, "shares": shares, "ranks": ranks, "rose": rose}
        for name, values, shares, ranks, rose in rows
    ]
    return {"by": found.by, "runs": runs, "features": features}


def as_text(found: Compared) -> str:
    """For people: one run with bars, several with share and rank in each and how far a feature rose or fell."""
    wide = max(map(len, found.features), default=7) + 2
    if len(found.runs) == 1:
        most = max((row[0] or 0.0 for row in found.values), default=0.0)
        lines = [
            f"{name:<{wide}}{'-' if row[0] is None else f'{row[0]:.4f}':>9}  {_bar(row[0], most)}".rstrip()
            for name, row in zip(found.features, found.values, strict=True)
        ]
        return "\n".join([f"{found.by} in {found.runs[0].id}", "", *lines])
    head = f"{'feature':<{wide}}" + "".join(f"{f'run {place}':>13}" for place in range(1, len(found.runs) + 1))
    named = [f"run {place}: {info.id} {info.named('space') or ''}".rstrip() for place, info in enumerate(found.runs, 1)]
    rows = zip(found.features, found.shares, found.ranks, found.moves, strict=True)
    lines = [
        f"{name:<{wide}}" + "".join(_cell(*pair) for pair in zip(shares, ranks, strict=True)) + _arrow(rose)
        for name, shares, ranks, rose in rows
    ]
    about = f"{found.by}: share of the run's sum, and rank in brackets"
    return "\n".join([about, *named, "", f"{head}  {'first to last':>14}", *lines])


def _bar(value: float | None, most: float) -> str:
    return "█" * round(BAR_LETTERS * value / most) if value is not None and value > 0.0 and most > 0.0 else ""


def _cell(share: float | None, rank: int | None) -> str:
    return f"{'-' if share is None else f'{share:.1%} ({rank})':>13}"


def _arrow(rose: int | None) -> str:
    if not rose:
        return f"  {'new or gone' if rose is None else '=':>14}"
    return f"  {f'up {rose}' if rose > 0 else f'down {-rose}':>14}"
