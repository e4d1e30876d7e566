"""What the ranker owes to each group of features and each retriever, how sure it may be, and how popular its lists are.

    python benchmarks/ranker.py --data HOME [--windows 4] [--offset-days 14]

Each week trains a space, and the ranker's past space, on what was known before it, with the home's settings; then the
ranker once whole and once without each group of features. A retriever is left out of the lists alone: the ranker stays,
and what nobody else offered is gone. NDCG@100 is that of the tasks *next* and *discover* over the candidates, the
difference paired by listener with a 95% interval. With --offset-days the data ends that many days earlier.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder
from palate.embeddings.inputs import Inputs
from palate.evaluation.splits import EvalSettings
from palate.jobs.fit import FitSettings, fit_space, ranker_examples, stock_at
from palate.jobs.importances import train_watched
from palate.jobs.inputs import gather
from palate.ranking.actions import ACTED, ACTION_NAMES, acted
from palate.ranking.calibration import calibration_error
from palate.ranking.features import NAMES, features
from palate.ranking.heads import LABELS
from palate.ranking.ranker import Example, Ranker, RankerSettings
from palate.retrieval.query import Query
from palate.retrieval.retrieve import retrieve
from palate.retrieval.stock import Stock
from palate.surfaces.screens.for_you import FOR_YOU
from stamp import stamp

GROUPS = {
    "own plays": [name for name in NAMES if name.startswith("own_")],
    "taste": ["taste_score", "taste_cosine", "taste_share"],
    "company": ["company_score", "company_share"],
    "fold-in": ["fold_in_share"],
    "popularity": ["plays_week", "plays_month", "plays_ever", "trend", "days_since_first_heard", "popularity_share"],
    "the listener": [name for name in NAMES if name.startswith("listener_")],
    "artist, genre, language, kind": ["artist_weight", "genre_weight", "language_weight", "kind_weight"],
    "release": ["days_since_release"],
    "mixture": ["mixture"],
    "offers": ["offers"],
    "all shares and the mixture": [
        "own_lately", "company_share", "fold_in_share", "popularity_share", "taste_share", "mixture",
    ],
}  # fmt: skip
GAP_SECONDS, HORIZON_SECONDS, LEAST_PLAYS, PLACES = 1_800.0, 7 * DAY_SECONDS, 5, 100
DISCOUNT = 1.0 / np.log2(np.arange(PLACES) + 2.0)
Marks = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Asked:
    """One listener's candidates and what happened in the week.

    offered # (n, sources) bool; before # (n,) bool, heard before; acted # (n, ACTED)
    targets how many distinct known items were heard, and how many of them for the first time
    rank    # (n,) how many items have more plays in the month before
    """

    features: NDArray[np.float32]
    offered: NDArray[np.bool_]
    before: NDArray[np.bool_]
    acted: NDArray[np.bool_]
    targets: tuple[int, int]
    rank: NDArray[np.int64]
    heard_rank: NDArray[np.int64]


@dataclass(frozen=True)
class Week:
    """What teaches the ranker of one moment, and what it is asked."""

    examples: list[Example]
    asked: list[Asked]


def weeks(inputs: Inputs, settings: FitSettings, windows: int) -> Iterator[Week]:
    """The latest first, four weeks apart."""
    for back in range(windows):
        start = inputs.end - HORIZON_SECONDS - back * EvalSettings().spacing_days * DAY_SECONDS
        known = inputs.until(start - GAP_SECONDS)
        company = fit_company(known.history, known.playlists)
        space = fit_space(known, company, settings)
        stock = stock_at(known, space, company, start - GAP_SECONDS, settings, "asked")
        yield Week(ranker_examples(known, settings), list(asked(inputs, known, start, stock, space.encoder)))


def asked(inputs: Inputs, known: Inputs, start: float, stock: Stock, encoder: Encoder) -> Iterator[Asked]:
    """The questions of *next*: who has five plays or more, and heard anything known in the week."""
    week, plays = inputs.history.between(start, start + HORIZON_SECONDS), known.history.heard()
    count = np.bincount(plays.user, minlength=len(plays.users))
    popular = np.bincount(plays.item, minlength=plays.n_items) > 0
    rank = np.argsort(np.argsort(-stock.trends.month.astype(np.int64), kind="stable"), kind="stable")
    skipped, heard = week.skipped(), week.heard()
    users = np.unique(heard.user[(count[heard.user] >= LEAST_PLAYS) & popular[heard.item]])
    for user, record in build_records(known.history, stock.listened, known.columns.kind, users):
        query = Query(record, encoder.encode([record])[0], start - GAP_SECONDS)
        candidates = retrieve(FOR_YOU.quotas, query, stock)
        items = np.unique(heard.item[heard.user == user])
        items = items[popular[items]]
        first = ~np.isin(items, record.items[record.heard > 0])
        mine = np.flatnonzero(week.user == user)
        yield Asked(
            features(candidates, query, stock), ~np.isnan(candidates.offered),
            np.isin(candidates.items, record.items[record.heard > 0]),
            acted(week.take(mine), skipped[mine], candidates.items),
            (len(items), int(first.sum())), rank[candidates.items], rank[items],
        )  # fmt: skip


def ndcg(scores: NDArray[np.float32], heard: NDArray[np.bool_], targets: int) -> float:
    """NDCG@100 of one list, over all targets, offered or not."""
    best = np.argsort(-scores, kind="stable")[:PLACES]
    return float((heard[best] * DISCOUNT[: len(best)]).sum() / DISCOUNT[: min(targets, PLACES)].sum())


def marks(ranker: Ranker, questions: Sequence[Asked], without: int | None = None) -> Marks:
    """(listeners,) *next*, and *discover* of those with anything new; `without` a retriever, by column."""
    found: dict[str, list[float]] = {"next": [], "discover": []}
    for one in questions:
        others = one.offered if without is None else np.delete(one.offered, without, axis=1)
        kept, heard = others.any(axis=1), one.acted[:, ACTED.index("heard")]
        scores = ranker.score(one.features)
        found["next"].append(ndcg(scores[kept], heard[kept], one.targets[0]))
        new = kept & ~one.before
        found["discover"].append(ndcg(scores[new], heard[new], one.targets[1]) if one.targets[1] else np.nan)
    return {task: np.array(values) for task, values in found.items()}


def blind(example: Example, columns: Sequence[int]) -> Example:
    """The same list without what these features say."""
    values = example.features.copy()
    values[:, columns] = 0.0
    return replace(example, features=values)


def without_group(week: Week, names: Sequence[str], settings: RankerSettings) -> Marks:
    """The ranker taught and asked anew, with these features silent."""
    columns = [NAMES.index(name) for name in names]
    ranker = train_watched([blind(one, columns) for one in week.examples], settings)
    silent = []
    for one in week.asked:
        values = one.features.copy()
        values[:, columns] = 0.0
        silent.append(replace(one, features=values))
    return marks(ranker, silent)


def line(name: str, found: list[Marks], whole: list[Marks]) -> str:
    """Means, and differences to the whole ranker."""
    cells = [f"{name:<34}"]
    for task in ("next", "discover"):
        values, reference = (np.concatenate([one[task] for one in several]) for several in (found, whole))
        there = ~np.isnan(reference)
        gap = (values - reference)[there]
        margin = 1.96 * gap.std() / np.sqrt(max(len(gap), 1))
        cells.append(f"{values[there].mean():.4f} ({gap.mean():+.4f} +- {margin:.4f})")
    return "  ".join(cells)


def calibration(rankers: Sequence[Ranker], made: Sequence[Week]) -> Iterator[str]:
    """How far each probability is from what happened, over all candidates of all weeks."""
    told = [(ranker.predict(one.features), one.acted) for ranker, week in zip(rankers, made, strict=True)
            for one in week.asked]  # fmt: skip
    for action in ACTION_NAMES:
        chances = np.concatenate([getattr(actions, action) for actions, _ in told])
        done = np.concatenate([column[:, ACTED.index(LABELS[action])] for _, column in told])
        error = calibration_error(chances, done)
        yield f"{action:<18} share {done.mean():.4f}  mean chance {chances.mean():.4f}  calibration error {error:.4f}"


def popularity(rankers: Sequence[Ranker], made: Sequence[Week]) -> str:
    """Median rank by plays of the month, of what is shown first and of what was heard."""
    shown = [one.rank[np.argsort(-ranker.score(one.features), kind="stable")[:PLACES]]
             for ranker, week in zip(rankers, made, strict=True) for one in week.asked]  # fmt: skip
    heard = [one.heard_rank for week in made for one in week.asked]
    middle = [float(np.median([np.median(ranks) for ranks in several])) for several in (shown, heard)]
    return f"median popularity rank: shown {middle[0]:.0f}, heard {middle[1]:.0f}"


def report(made: Sequence[Week], settings: RankerSettings) -> None:
    """Prints every table."""
    rankers = [train_watched(week.examples, settings) for week in made]
    whole = [marks(ranker, week.asked) for ranker, week in zip(rankers, made, strict=True)]
    print(stamp(), f"{sum(len(week.asked) for week in made)} questions", "", line("all", whole, whole), sep="\n")
    for name, group in GROUPS.items():
        print(line(f"without {name}", [without_group(week, group, settings) for week in made], whole), flush=True)
    for column, name in enumerate(FOR_YOU.quotas):
        found = [marks(ranker, week.asked, column) for ranker, week in zip(rankers, made, strict=True)]
        print(line(f"without the retriever {name}", found, whole))
    print("", *calibration(rankers, made), popularity(rankers, made), sep="\n")


def main(words: Sequence[str] | None = None) -> int:
    """Prints the tables; 1 with a sentence when there is no data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a home")
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--offset-days", type=float, default=14.0)
    told = parser.parse_args(words)
    try:
        home = Home(told.data).require()
        inputs, settings = gather(home), FitSettings.read(read_settings(home.settings))
        inputs = inputs.until(inputs.end - told.offset_days * DAY_SECONDS) if told.offset_days else inputs
        report(list(weeks(inputs, settings, told.windows)), settings.ranker)
    except PalateError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
