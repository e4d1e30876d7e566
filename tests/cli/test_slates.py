"""palate slates and palate surface --log, as a person calls them."""

import json
from pathlib import Path

import polars as pl
import pytest

from palate.core.home import Home

USER = "sim-user-0003"
pytestmark = pytest.mark.slow


@pytest.fixture
def home(trained: Home, own: Home) -> Home:
    return own


def test_a_command_logs_only_when_asked(trained: Home, palate) -> None:  # type: ignore[no-untyped-def]
    assert palate(trained, "surface", "for_you", "--user", USER, "--n", "3").exit_code == 0
    assert not (trained.listening / "slates.sqlite").exists()
    refused = palate(trained, "slates", "report")
    assert (refused.exit_code, "answered nothing yet that was logged" in refused.stderr) == (1, True)


def test_what_was_logged_is_reported_and_exported(home: Home, palate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = ("surface", "for_you", "--user", USER, "--n", "3", "--log", "--json")
    first, again = (json.loads(palate(home, *words).stdout) for _ in range(2))
    assert (first["slate_id"], len(first["items"]), first["next"]) == (again["slate_id"], 3, None)
    told = json.loads(palate(home, "slates", "report", "--json").stdout)
    assert (told["aired_items"], told["answers"], told["aired_share"]) == (3, 2, 3 / told["items"])
    assert told["surfaces"] == {"for_you": {"slates": 1, "answers": 2, "listener_days": 0, "overlap": None}}
    spoken = palate(home, "slates", "report").stdout
    assert spoken.startswith("aired in 14 days: 3, ")
    assert "for_you: 2 answers, 1 different; of a day's items - were shown the day before (0 days" in spoken
    out = tmp_path / "slates.parquet"
    assert palate(home, "slates", "export", "--out", out).stdout == f"3 rows of 1 slates in {out}\n"
    assert pl.read_parquet(out)["item_id"].to_list() == [item["item_id"] for item in first["items"]]
