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
from palate.evaluation.splits import DISCOVER, NEXT, EvalSettings
from palate.listening.history import History

ROOT = Path(__file__).resolve().parents[2]
LISTENS = Path(os.environ.get("PALATE_DATA", ROOT.parent / "shared" / "data")) / "30music" / "listens.parquet"


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
    outcome = evaluate(history.until(history.end - 21 * DAY_SECONDS), standard(), EvalSettings(windows=2))
    assert len(outcome.tasks[NEXT].users) == 436

    def value(task: str, method: str) -> float:
        rows = outcome.tasks[task]
        column = rows.values[method]["ndcg@100"]
        return float(np.mean([column[rows.windows == window].mean() for window in (0, 1)]))

    expected = {"popular-all": 0.0227, "popular-7d": 0.0361, "own-history": 0.1143, "item-knn": 0.1210}
    for method, independent in expected.items():
        assert value(NEXT, method) == pytest.approx(independent, abs=0.012), method
    assert value(DISCOVER, "item-knn") == pytest.approx(0.0672, abs=0.008)
