"""palate user export, delete, allow, as a person calls them."""

import json
from pathlib import Path

import pytest

from palate.core.home import Home
from palate.listening.log import ListeningLog
from privacy.places import places

VICTIM = "victim-of-the-test-0001"


@pytest.fixture
def listened(own: Home, palate, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """A file of two listens, one of them the victim's, imported into `own`."""
    file = tmp_path / "listens.csv"
    file.write_text(f"user_id,item_id,timestamp\n{VICTIM},sim-track-00001,1000\nbo,sim-track-00001,1000\n")
    assert palate(own, "import", "listens", file).exit_code == 0
    return file


def test_export_prints_json_and_writes_a_file(own: Home, palate, listened: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    told = json.loads(palate(own, "user", "export", VICTIM, "--json").stdout)
    assert [(one["item_id"], one["time"]) for one in told["listens"]] == [("sim-track-00001", "1970-01-01T00:16:40Z")]
    answer = palate(own, "user", "export", VICTIM, "--out", tmp_path / "mine.json")
    assert answer.stdout.startswith("1 listens, 0 onboarding")
    assert json.loads((tmp_path / "mine.json").read_text()) == told


def test_delete_asks_and_import_leaves_out(own: Home, palate, listened: Path) -> None:  # type: ignore[no-untyped-def]
    refused = palate(own, "user", "delete", VICTIM)
    assert refused.exit_code == 1
    assert places(own, VICTIM) != []
    answer = palate(own, "user", "delete", VICTIM, "--yes")
    assert (answer.exit_code, answer.stdout) == (0, f"{VICTIM} is deleted: 1 listens\n")
    assert places(own, VICTIM) == []
    again = palate(own, "import", "listens", listened)
    assert "0 listens new, 1 known before, 0 rejected" in again.stdout
    assert "1 of deleted users left out" in again.stdout


def test_allow_lets_the_past_back_when_asked(own: Home, palate, listened: Path) -> None:  # type: ignore[no-untyped-def]
    told = json.loads(palate(own, "user", "delete", VICTIM, "--yes", "--json").stdout)
    assert told["users"][0]["removed"]["listens"] == 1
    assert json.loads(palate(own, "user", "allow", VICTIM, "--past", "--json").stdout)["allowed"]
    assert json.loads(palate(own, "import", "listens", listened, "--json").stdout)["accepted"] == 1
    with ListeningLog(own.log) as log:
        assert [len(batch) for batch in log.listens_of(VICTIM)] == [1]
    assert not json.loads(palate(own, "user", "allow", VICTIM, "--json").stdout)["allowed"]


def test_a_training_under_way_is_named(own: Home, palate, listened: Path) -> None:  # type: ignore[no-untyped-def]
    from palate.core.locks import alone

    with alone(own.jobs / ".lock"):
        answer = palate(own, "user", "delete", VICTIM, "--yes")
    assert answer.exit_code == 1
    assert "a training is under way" in answer.stderr
    assert palate(own, "user", "delete", VICTIM, "--yes").exit_code == 0


def test_without_a_home_the_remedy_is_told(palate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    answer = palate(tmp_path / "none", "user", "delete", VICTIM, "--yes")
    assert (answer.exit_code, "init" in answer.stderr) == (1, True)
