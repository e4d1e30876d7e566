"""The comparison: its files, its table, that what is kept is not made again."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from palate.core.home import Home
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import OwnHistory, PopularAll
from palate.evaluation.splits import EvalSettings

from .halves import DAYS, halves

SETTINGS = EvalSettings(windows=1, seeds=1, bootstrap=50)


@pytest.fixture(scope="module")
def foundation():
    import foundation

    return foundation


@pytest.fixture(scope="module")
def known() -> Inputs:
    return halves()


def test_a_kept_result_is_read_and_a_changed_setting_is_not(foundation, known, tmp_path: Path) -> None:
    one = foundation.Entrant.of(OwnHistory(), repr(OwnHistory()), [])
    first = foundation.outcome(one, known, SETTINGS, tmp_path)
    (path,) = tmp_path.glob("own-history-*.json")
    kept = json.loads(path.read_text())
    kept["fit_seconds"] = 123.0
    path.write_text(json.dumps(kept))
    again = foundation.outcome(one, known, SETTINGS, tmp_path)
    assert again.fit_seconds == 123.0
    assert again.marks == first.marks
    other = foundation.Entrant.of(OwnHistory(half_life_days=1.0), repr(OwnHistory(half_life_days=1.0)), [])
    foundation.outcome(other, known, SETTINGS, tmp_path)
    foundation.outcome(one, foundation.cut(known, 7.0), SETTINGS, tmp_path)
    assert len(list(tmp_path.glob("own-history-*.json"))) == 3


def test_code_is_part_of_what_is_kept(foundation, tmp_path: Path) -> None:
    code = tmp_path / "method.py"
    code.write_text("one")
    before = foundation.Entrant.of(PopularAll(), "", [code])
    code.write_text("two")
    assert foundation.Entrant.of(PopularAll(), "", [code]).key != before.key


def test_a_cut_ends_earlier(foundation, known) -> None:
    assert foundation.cut(known, 0.0) is known
    assert foundation.cut(known, 10.0).end <= known.end - 10 * 86_400


def test_differences_are_paired_and_the_best_stands_first(foundation) -> None:
    def week(shift: float) -> dict:
        rows = list(range(20))
        marks = {"weak": [0.1 + shift] * 20, "strong": [0.3 + shift] * 20}
        return {
            name: foundation.Outcome({"next": {"listeners": rows, "ndcg@100": values, "ndcg@10": values}}, 2.0)
            for name, values in marks.items()
        }

    found = foundation.lines("next", [week(0.0), week(0.2)], "weak", SETTINGS)
    assert [line.method for line in found] == ["strong", "weak"]
    assert found[0].ndcg_100.value == pytest.approx(0.4)
    assert (found[0].difference.low, found[0].difference.high) == pytest.approx((0.2, 0.2))
    assert found[0].p_holm < 0.001
    assert found[1].p_holm == 1.0
    text = foundation.table("next", found, "weak")
    assert "| strong | 0.4000 [" in text
    assert "+0.2000 [+0.2000, +0.2000] (+100%)" in text
    assert foundation.lines("cold-next", [week(0.0)], "weak", SETTINGS) == []


@pytest.mark.parametrize("name", ["own-history", "taste"])
def test_methods_have_their_names(foundation, known, tmp_path: Path, name: str) -> None:
    assert foundation.entrant(name, known, Home(tmp_path)).method.name == name


def test_every_peer_is_found_in_its_file(foundation, known, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the peers learn with torch, which is not installed")
    for name in foundation.PEERS:
        assert foundation.entrant(name, known, Home(tmp_path)).method.name == name


def listens_file(folder: Path, known: Inputs) -> Path:
    history, path = known.history, folder / "listens.csv"
    rows = zip(history.user.tolist(), history.item.tolist(), history.timestamp.tolist(), strict=True)
    lines = [f"u{user},i{item},{1_400_000_000 + int(seconds)}" for user, item, seconds in rows]
    path.write_text("user_id,item_id,timestamp\n" + "\n".join(lines) + "\n")
    return path


def test_a_file_of_listens_is_judged_as_a_home_of_its_own(foundation, known, tmp_path, monkeypatch, capsys) -> None:
    data, results = listens_file(tmp_path, known), tmp_path / "results"
    words = ["--data", str(data), "--methods", "popular-all", "--reference", "own-history", "--results", str(results)]
    monkeypatch.setattr(sys, "argv", ["foundation.py", *words, "--json", "--tasks", "next"])
    foundation.main()
    told = json.loads(capsys.readouterr().out)
    assert {line["method"] for line in told["tasks"]["next"]} == {"own-history", "popular-all"}
    (home,) = results.glob("home-*")
    assert Home(home).log.is_file()
    kept = sorted(path.name for path in results.glob("*.json"))
    monkeypatch.setattr(sys, "argv", ["foundation.py", *words])
    foundation.main()
    assert "minus own-history" in capsys.readouterr().out
    assert sorted(path.name for path in results.glob("*.json")) == kept


def test_too_short_a_log_is_an_error_with_its_reason(foundation, known, tmp_path, monkeypatch) -> None:
    data = listens_file(tmp_path, known)
    words = ["--data", str(data), "--methods", "popular-all", "--reference", "popular-all"]
    words += ["--offset-days", str(DAYS - 10), "--results", str(tmp_path / "results")]
    monkeypatch.setattr(sys, "argv", ["foundation.py", *words])
    with pytest.raises(SystemExit, match="import a longer log"):
        foundation.main()


def test_numbers_of_a_file_can_be_read_back(foundation, known, tmp_path: Path) -> None:
    one = foundation.Entrant.of(PopularAll(), "", [])
    marks = foundation.outcome(one, known, SETTINGS, tmp_path).marks["next"]
    assert len(marks["listeners"]) == len(marks["ndcg@100"]) == len(marks["ndcg@10"]) > 0
    assert np.isfinite(marks["ndcg@100"]).all()
