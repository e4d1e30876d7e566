"""docs/howto/train-a-head.md does what it says, as it is written."""

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.core.candidates import Candidates
from palate.core.clock import Clock
from palate.heads import Heads
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome

from .asked import plays_after
from .conftest import Trained

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "train-a-head.md"


def test_the_page_trains_a_head_and_asks_it(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained.home.root, "palate-home")
    users, items, times = plays_after(trained, 400)
    others = np.random.default_rng(0).permutation(items).tolist()
    with Path("clicks.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["user_id", "item_id", "timestamp", "clicked"])
        table.writerows(zip(users * 2, items + others, times * 2, [1] * 400 + [0] * 400, strict=True))
    page: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(code, page)
    assert page["label"] == "shelf-click@1"
    assert page["auc"] > 0.75
    home = type(trained.home)(tmp_path / "palate-home")
    live = LiveHome.open(home, Clock())
    with live.items, live.store:
        rows, width = np.arange(20, dtype=np.int32), (20, 0)
        nothing = np.full(width, np.nan, np.float32), np.zeros(width, np.int32), np.full(20, np.nan, np.float32)
        candidates, ask = Candidates(rows, (), *nothing), Ask(users[0])
        scored, note = page["by_clicks"](candidates, live.query(ask, "x"), live, ask)
        assert note is None
        assert np.isfinite(scored.scores).all()
        Heads(home).retire("shelf-click@1", "test", force=True)
        same, note = page["by_clicks"](candidates, live.query(ask, "x"), live, ask)
    assert same is candidates
    assert note == "no version of the head 'shelf-click' is live"
