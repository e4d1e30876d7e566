"""The baselines on real listening, against what an independent implementation measured.

It averaged three windows, of which these are two; the third lies beyond the end of this log.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.core.clock import DAY_SECONDS
from palate.evaluation.baselines import standard
from palate.evaluation.run import evaluate
from palate.evaluation.splits import EvalSettings
from palate.evaluation.tasks.week import Discover, Next
from palate.listening.history import History

from .test_oracle import agreement
from .worlds import inputs_of

ROOT = Path(__file__).resolve().parents[2]
LISTENS = Path(os.environ.get("PALATE_DATA", ROOT.parent / "shared" / "data")) / "30music" / "listens.parquet"


# NDCG@100 there, over three windows; its own intervals are +-.016 on next and +-.011 on discover.
EXPECTED = [
    ("next", "popular-all", 0.0227),
    ("next", "popular-7d", 0.0361),
    ("next", "own-history", 0.1143),
    ("next", "item-knn", 0.1210),
    ("next", "ease", 0.1159),
    ("next", "ials", 0.1222),
    ("next", "mean-vectors", 0.0937),
    ("next", "svd", 0.0792),
    ("next", "own+item-knn", 0.1275),
    ("next", "own+ease", 0.1286),
    ("discover", "item-knn", 0.0672),
    ("discover", "ease", 0.0688),
    ("discover", "ials", 0.0621),
    ("discover", "svd", 0.0488),
    ("discover", "popular-7d", 0.0318),
]
WITHIN = {"next": 0.014, "discover": 0.009}


def read(path: Path) -> History:
    frame = pl.read_parquet(path)
    users, user = np.unique(frame["user_id"].to_numpy(), return_inverse=True)
    items, item = np.unique(frame["item_id"].to_numpy(), return_inverse=True)
    return History(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        timestamp=frame["timestamp"].to_numpy().astype(np.float64),
        event=np.zeros(len(frame), np.uint8),
        seconds_played=frame["seconds_played"].to_numpy().astype(np.float32),
        duration_seconds=np.full(len(frame), np.nan, np.float32),
        session=frame["session_id"].to_numpy().astype(np.int64),
        users=[str(user_id) for user_id in users],
        n_items=len(items),
    )


@pytest.mark.slow
@pytest.mark.skipif(not LISTENS.is_file(), reason=f"{LISTENS} is not there; set PALATE_DATA to the folder of real data")
def test_real_listening() -> None:
    history = read(LISTENS)
    inputs = inputs_of(history.until(history.end - 21 * DAY_SECONDS))
    settings = EvalSettings(windows=2, gap_hours=0.0, seeds=1)  # as the independent measurement: no gap
    outcome = evaluate(inputs, standard(), settings, [Next(), Discover()])
    assert len(outcome.tasks["next"].rows) == 436

    def value(task: str, method: str) -> float:
        rows = outcome.tasks[task]
        column = rows.values[method]["ndcg@100"]
        return float(np.mean([column[rows.windows == window].mean() for window in (0, 1)]))

    for task, method, independent in EXPECTED:
        assert value(task, method) == pytest.approx(independent, abs=WITHIN[task]), (task, method)


@pytest.mark.slow
@pytest.mark.skipif(not LISTENS.is_file(), reason=f"{LISTENS} is not there; set PALATE_DATA to the folder of real data")
def test_real_marks_are_those_of_trec_eval() -> None:
    assert agreement(inputs_of(read(LISTENS))) < 1e-9
