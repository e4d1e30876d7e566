"""The answer log outside the server: what a training reads is what was shown, and repeats are counted as by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest

from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.slate import Slate, SlateItem
from palate.jobs import slates
from palate.listening.airing import Airing
from palate.listening.slates import FILE, Answered, SlateLog

DAY = 20_000 * DAY_SECONDS


def answered(slate_id: str, user: str | None, time: float, *rows: int, surface: str = "for_you") -> Answered:
    items = [SlateItem(f"i{row}", "track", row / 2, "again", "Because.", []) for row in rows]
    slate = Slate(slate_id, surface, user, "taste@1", None, False, items, taste_offset=9)
    got = np.array(rows, np.int32)
    return Answered(slate, time, time - 1.0, got, (got / 2).astype(np.float32), got * 0 - 1, ("again",) * len(rows))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    one = replace(
        answered("one", "u", DAY, 1, 2), features=np.array([[1.5, np.nan], [2.5, 3.0]], np.float32), names=("a", "b"),
        ask={"steer": {"adventure": -1.0, "energy": 0.5}},
    )  # fmt: skip
    with SlateLog(home.listening / FILE) as log:
        log.append([one, answered("two", "v", DAY + 60, 3), answered("none", None, DAY + 120)])
        log.append([answered("two", "v", DAY + 90, 3)])
    return home


def test_a_table_has_a_row_for_each_item_shown(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "slates.parquet"
    assert slates.export(home, out) == {"out": str(out), "slates": 3, "rows": 3}
    table = pl.read_parquet(out)
    assert table["slate_id"].to_list() == ["one", "one", "two"]
    assert table["position"].to_list() == [1, 2, 1]
    assert table["item_id"].to_list() == ["i1", "i2", "i3"]
    assert table["score"].to_list() == [0.5, 1.0, 1.5]
    assert table["answers"].to_list() == [1, 1, 2]
    assert table["adventure"].to_list() == [-1.0, -1.0, 0.0]
    assert table["energy"].to_list() == [0.5, 0.5, None]
    assert table["feature_a"].to_list() == [1.5, 2.5, None]
    assert np.isnan(table["feature_b"][0])
    assert (table["feature_b"][1], table["feature_b"].dtype) == (3.0, pl.Float32)
    assert slates.export(home, out, DAY + 60)["rows"] == 1


def test_lines_have_the_slate_as_it_was_answered(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "slates.jsonl"
    assert slates.export(home, out)["rows"] == 3
    lines = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [line["slate"]["slate_id"] for line in lines] == ["one", "two", "none"]
    assert [line["features"] for line in lines] == [[[1.5, None], [2.5, 3.0]], None, None]
    assert lines[0]["ask"] == {"steer": {"adventure": -1.0, "energy": 0.5}}
    assert lines[1]["slate"]["items"][0]["reason"] == "Because."


def test_what_cannot_be_written_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"name a .parquet or a .jsonl file"):
        slates.export(home, tmp_path / "slates.csv")
    with pytest.raises(BadInput, match="answered nothing yet"):
        slates.export(Home(tmp_path / "new"), tmp_path / "slates.jsonl")


def test_overlap_is_the_share_of_a_day_that_the_day_before_had() -> None:
    def shown(user: str, surface: str, day: int, hour: int, *rows: int) -> Airing:
        return Airing(user, surface, DAY + day * DAY_SECONDS + hour * 3_600, np.array(rows, np.int32))

    days = [
        shown("", "home", 0, 0, 1), shown("", "home", 1, 0, 1),  # nobody in particular
        shown("u", "home", 0, 0, 1, 2), shown("u", "home", 0, 5, 3), shown("u", "home", 1, 0, 1, 3, 4),
        shown("u", "home", 3, 0, 1, 3, 4),  # a day later than the next
        shown("u", "home", 4, 0, 9), shown("u", "radio", 5, 0, 9),
        shown("v", "home", 5, 0, 9), shown("v", "radio", 5, 0, 1), shown("v", "radio", 6, 0, 1, 2, 3, 4),
    ]  # fmt: skip
    assert slates.overlaps(days, Calendar()) == {"home": [2 / 3, 0 / 1], "radio": [1 / 4]}
    assert slates.overlaps([], Calendar()) == {}
