"""`palate eval`: every method in the table, no leak, two versions compared, a result kept until the data change."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palate.core.artefacts import read_json
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.evaluation.baselines import embedding_baselines, standard
from palate.jobs.chain import train
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.judge.comparing import AS_PUBLISHED, MADE_AGAIN, VECTOR, compare, verdict
from palate.jobs.judge.examining import probe_home
from palate.jobs.judge.judging import Asked, check, judge, judged
from palate.jobs.judge.ours import fit_all
from palate.jobs.runs import name_run
from palate.lab.book import Book
from palate.listening.log import ListeningLog
from palate.sources.world import WorldSettings

from ..small_homes import TOML, empty_home, filled, listens_of

END = WorldSettings().end
OURS = {"for_you", "taste (one vector)"}
BASELINES = {method.name for method in standard()} | {"clusters", "own-artists"}
QUICK = Asked(windows=1, tasks=("next", "discover"), brief=True, seeds=1)

PEEKING = '''
from dataclasses import dataclass

from palate.evaluation.baselines import PopularAll


@dataclass(frozen=True)
class Peeking:
    """Popular items, over everything that the home holds."""

    everything: object
    name: str = "mine"
    kind: str = "yours"

    def fit(self, known, at):
        return PopularAll().fit(KNOWN, at)


def methods(inputs):
    return [Peeking(inputs)]
'''


@pytest.mark.slow
def test_the_whole_report_is_printed_and_kept(own: Home) -> None:
    text, data = judge(own, Asked(windows=1))
    assert text.startswith("SIMULATED data")
    assert data["simulated"] is True
    assert len(data["windows"]) == 1
    for task in ("next", "discover", "next-4-hours"):
        assert {row["method"] for row in data["tasks"][task]["methods"]} == OURS | BASELINES
        assert data["tasks"][task]["first"] == "for_you"
    assert {row["method"] for row in data["tasks"]["playlists"]["methods"]} >= OURS | {"item-knn", "popular-all"}
    assert {row["method"] for row in data["tasks"]["similar"]["methods"]} >= OURS | {"item-knn"}
    assert set(data["staleness"]["methods"]) == OURS | BASELINES
    assert {row["space"] for row in data["intrinsic"]["listeners"]} >= {"taste (one vector)", "ials", "random vectors"}
    assert data["probes"]["spaces"] == ["taste (one vector)", *(one.name for one in embedding_baselines())]
    assert data["twin"]["listeners"] > 0
    assert data["reasons"] == {}
    kept = read_json(own.lab / "eval.json")
    assert (kept["text"], kept["data"]) == (text, json.loads(json.dumps(data)))
    page = (own.lab / "eval.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "for_you" in page
    assert "Simulated" in page


def test_the_same_question_about_the_same_data_is_answered_once(own: Home) -> None:
    text, data = judge(own, QUICK)
    before = (own.lab / "eval.json").stat().st_mtime_ns
    assert judged(own, QUICK) == (text, json.loads(json.dumps(data)))
    assert (own.lab / "eval.json").stat().st_mtime_ns == before
    with ListeningLog(own.log) as log:
        log.append(listens_of([("sim-user-0001", "sim-track-00001", END + 1.0)]))
    assert judged(own, QUICK)[1]["data"]["listens"] == data["data"]["listens"] + 1
    assert (own.lab / "eval.json").stat().st_mtime_ns > before


def test_a_window_is_fitted_on_what_was_known_before_it(own: Home) -> None:
    """The same models come out when everything after the window's start is left away."""
    settings = FitSettings(**vars(name_run(own, None, None).settings))
    inputs = gather(own)
    start = inputs.end - 30 * DAY_SECONDS
    one, two = fit_all(inputs.until(start), start, 0, settings), fit_all(inputs.until(start), start, 0, settings)
    other = fit_all(inputs.until(start), start, 1, settings)
    np.testing.assert_array_equal(one.vectors, two.vectors)
    np.testing.assert_array_equal(one.encoder.weights, two.encoder.weights)
    assert (one.vectors != other.vectors).any()


@pytest.mark.slow
def test_no_method_of_the_house_sees_the_future(own: Home) -> None:
    """The ranker, the encoder, company and trends included, in every task."""
    assert check(own) == []


@pytest.mark.parametrize(("what", "leaks"), [("self.everything", True), ("known", False)])
def test_a_method_from_a_file_is_judged_unless_it_has_seen_the_future(
    own: Home, tmp_path: Path, what: str, leaks: bool
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PEEKING.replace("KNOWN", what), encoding="utf-8")
    asked = Asked(windows=1, tasks=("next",), files=(file,), brief=True, seeds=1)
    if leaks:
        with pytest.raises(BadInput, match=r"mine\.py is not judged: mine: .* it has seen listens from after"):
            judge(own, asked)
        assert not (own.lab / "eval.json").exists()
    else:
        _, data = judge(own, asked)
        assert data["methods"]["mine"]["kind"] == "yours"
        marks = {row["method"]: row["ndcg@100"] for row in data["tasks"]["next"]["methods"]}
        assert marks["mine"] == marks["popular-all"]


def test_the_method_of_the_howto_is_judged_as_written(own: Home, tmp_path: Path) -> None:
    howto = (Path(__file__).resolve().parents[3] / "docs" / "howto" / "judge.md").read_text(encoding="utf-8")
    file = tmp_path / "latest.py"
    file.write_text(howto.split("```python\n")[1].split("```")[0], encoding="utf-8")
    asked = Asked(windows=1, tasks=("next", "discover", "new-items"), files=(file,), brief=True, seeds=1)
    _, data = judge(own, asked)
    marks = {row["method"]: row["ndcg@100"]["value"] for row in data["tasks"]["next"]["methods"]}
    assert marks["latest"] > marks["popular-all"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1", "has no function methods"),
        ("def methods(inputs): return 3", "must give a list of objects"),
        ("def methods(inputs): return [3]", "must give a list of objects"),
    ],
)
def test_a_file_without_methods_says_what_it_needs(own: Home, tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "odd.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=what):
        judge(own, Asked(files=(file,)))
    with pytest.raises(BadInput, match="no file"):
        judge(own, Asked(files=(tmp_path / "none.py",)))


def test_a_task_that_there_is_not_names_those_there_are(own: Home) -> None:
    with pytest.raises(BadInput, match="no task later; choose from next, discover"):
        judge(own, Asked(tasks=("later",)))


def test_a_log_that_is_too_short_says_how_long_it_must_be(tmp_path: Path) -> None:
    home = empty_home(tmp_path / "home")
    with ListeningLog(home.log) as log:
        log.append(listens_of([("ana", "a", END), ("ana", "b", END + DAY_SECONDS)]))
    with pytest.raises(BadInput, match=r"the log spans 1\.0 days but an evaluation needs 63"):
        judge(home)
    assert not (home.lab / "eval.json").exists()
    assert [(run.job, run.state) for run in Book(home.lab).runs()] == [("judge", "failed")]


def test_two_versions_of_one_setting_cannot_be_told_apart_without_new_listens(own: Home) -> None:
    with ListeningLog(own.log) as log:
        log.append(listens_of([("sim-user-0001", "sim-track-00001", END + 1.0)]))
    train(own)
    with pytest.raises(BadInput, match="taste@1 and taste@2 were made with the same settings"):
        compare(own, "taste@1", "taste@2", QUICK)
    with pytest.raises(BadInput, match="no space 'taste@9'"):
        compare(own, "taste@1", "taste@9", QUICK)


def test_versions_with_other_settings_are_made_again_at_moments_of_the_past(own: Home) -> None:
    own.settings.write_text(TOML.replace("dim = 16", "dim = 2"), encoding="utf-8")
    train(own)
    asked = Asked(windows=2, tasks=("next",), brief=True, seeds=1)  # 26 listeners of one window hardly tell
    text, data = compare(own, "taste@1", "taste@2", asked)
    assert data["compare"]["mode"] == MADE_AGAIN
    part = data["compare"]["tasks"]["next" + VECTOR]
    assert part["difference"]["value"] == pytest.approx(part["b"]["value"] - part["a"]["value"])
    assert part["verdict"] == "taste@1 is better"  # a taste of one coordinate and popularity knows little
    assert "taste@2 against taste@1" in text
    assert (own.lab / "compare.html").is_file()


def test_versions_are_judged_as_published_by_what_was_heard_since(world: Path, tmp_path: Path) -> None:
    home = filled(tmp_path / "home", world, until=END - 20 * DAY_SECONDS)
    train(home)
    home.settings.write_text(TOML.replace("dim = 16", "dim = 2"), encoding="utf-8")
    train(home)
    later = filled(tmp_path / "later", world)
    for name in ("log.sqlite", "log.sqlite-wal", "log.sqlite-shm"):  # the same log, three weeks later
        if (later.listening / name).is_file():
            (home.listening / name).write_bytes((later.listening / name).read_bytes())
    _, data = compare(home, "taste@1", "taste@2", Asked(tasks=("next", "next-4-hours")))
    assert data["compare"]["mode"] == AS_PUBLISHED
    assert len(data["windows"]) == 2
    assert all(window["at"] >= END - 20 * DAY_SECONDS for window in data["windows"])
    assert set(data["compare"]["tasks"]) == {"next", "next" + VECTOR, "next-4-hours", "next-4-hours" + VECTOR}
    assert data["compare"]["tasks"]["next" + VECTOR]["difference"]["value"] < 0


def test_a_verdict_needs_a_small_p() -> None:
    assert verdict("a", "b", 0.01, 0.04) == "b is better"
    assert verdict("a", "b", -0.01, 0.04) == "a is better"
    assert verdict("a", "b", 0.01, 0.05) == "cannot tell them apart"
    assert verdict("a", "b", float("nan"), float("nan")) == "cannot tell them apart"


@pytest.mark.slow
def test_probes_take_tasks_of_ones_own(own: Home, tmp_path: Path) -> None:
    listeners = [f"sim-user-{n:04d}" for n in range(1, 151)]
    rows = "\n".join(f"{user},{n % 2},{'train' if n % 4 < 2 else 'test'}" for n, user in enumerate(listeners))
    (tmp_path / "even.csv").write_text(f"user_id,label,split\n{rows}\n", encoding="utf-8")
    moments = f"train_at = {END - 30 * DAY_SECONDS}\ntest_at = {END - 10 * DAY_SECONDS}"
    (tmp_path / "tasks.toml").write_text(f'[even]\nfile = "even.csv"\nkind = "binary"\n{moments}\n', encoding="utf-8")
    text, data = probe_home(own, tmp_path)
    assert "even" in {task["task"] for task in data["tasks"]}
    assert "even" in text


def test_the_judge_trains_with_the_settings_of_the_user_vector(own: Home) -> None:
    inputs, today = gather(own), name_run(own, None, None).settings
    asked = replace(today, users=replace(today.users, count_power=1.0))
    trained = [fit_all(inputs, inputs.end, 0, settings) for settings in (today, asked)]
    assert [one.encoder.count_power for one in trained] == [today.users.count_power, 1.0]
    assert not np.array_equal(trained[0].encoder.weights, trained[1].encoder.weights)
