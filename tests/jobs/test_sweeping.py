"""`palate lab sweep` judges as the judge does, shares parts to the bit, sees nothing held out, and loses nothing."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder, UserSettings
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemSettings
from palate.embeddings.teacher import TeacherSettings
from palate.evaluation.run import evaluate
from palate.jobs.fit import FitSettings, fit_space
from palate.jobs.inputs import gather
from palate.jobs.judge.judging import tasks_named
from palate.jobs.judge.ours import Taste, Workshop
from palate.jobs.sweeping import TARGETS, Asked, adopt, sweep
from palate.jobs.sweeping.conduct import JOB
from palate.jobs.sweeping.models import path_on_shared_examples, taste_on_shared_items, whole_path, whole_taste
from palate.jobs.sweeping.proving import proven
from palate.jobs.sweeping.shared import Shared, packed, unpacked
from palate.jobs.sweeping.targets import target_named
from palate.jobs.sweeping.windows import TASKS, Answers, changed
from palate.lab.book import Book
from palate.lab.sweeps.reading import read_sweep
from palate.lab.sweeps.space import space_of
from palate.lab.sweeps.spec import sweep_named

from .small_homes import TOML, copied, filled

EVAL = "\n[eval]\nwindows = 3\nseeds = 1\nbootstrap = 50\n"


@pytest.fixture(scope="session")
def sweepable(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with listens and three windows. Not to be written to: take `home`."""
    return filled(tmp_path_factory.mktemp("sweepable") / "home", world, TOML + EVAL)


@pytest.fixture
def home(sweepable: Home, tmp_path: Path) -> Home:
    return copied(sweepable, tmp_path / "home")


@pytest.fixture
def opened(home: Home):
    """opened("ranking"): the judging of a sweep that has begun."""

    def open_(name: str):
        target, begun = TARGETS[name], sweep_named(home.lab, name)
        sweep_of(home, target, begun)
        return target.open(begun)

    return open_


def sweep_of(home, target, begun):
    from palate.jobs.sweeping.conduct import _begin

    _begin(home, begun, target, Asked(target.name, held_out=1)).finish()


# The settings


def test_a_space_with_the_settings_of_another_palate_says_so() -> None:
    """Its vectors still answer; only making it again is refused."""
    told = asdict(FitSettings(users=UserSettings(epochs=2), teacher=TeacherSettings(own=0.3)))
    assert FitSettings.of(told).users.epochs == 2
    assert FitSettings.of(told).teacher.own == 0.3
    old = told | {"users": {"ridge": 1e-5, "count_power": 0.5, "fade_speedup": 4.0, "confidence_factor": 1.0}}
    for other in (old, {name: one for name, one in told.items() if name != "teacher"}):
        with pytest.raises(BadInput, match=r"its settings are those of another Palate .*; train again"):
            FitSettings.of(other)


def test_an_encoder_keeps_its_power_and_an_old_file_has_the_root(tmp_path: Path) -> None:
    Encoder(np.ones((7, 2), np.float32), 0.75).save(tmp_path / "new.npz")
    write_arrays(tmp_path / "old.npz", weights=np.ones((7, 2), np.float32))
    assert Encoder.load(tmp_path / "new.npz").count_power == 0.75
    assert Encoder.load(tmp_path / "old.npz").count_power == 0.5
    assert read_arrays(tmp_path / "new.npz")["weights"].shape == (7, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"users.count_power": 1.0}, {"users.epochs": 2}, {"users.learning_rate": 0.01}, {"users.listed": 20},
        {"users.unheard_share": 0.0}, {"users.situations_each": 1}, {"users.situations": 100}, {"users.strangers": 0.2},
        {"users.all_items_below": 1}, {"users.batch": 8}, {"teacher.own": 0.2}, {"teacher.company": 0.0},
        {"teacher.factors": 0.0}, {"teacher.popularity": 0.1}, {"teacher.own_half_life_days": 3.0},
        {"teacher.company_half_life_days": 5.0}, {"teacher.factors_half_life_days": 5.0}, {"teacher.ensemble": 2},
        {"items.popularity_share": 0.4}, {"items.playlist_weight": 2.0},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_each_setting_of_a_listener_and_of_the_teacher_changes_the_vector(
    today: tuple[Inputs, FitSettings, np.ndarray], change: dict[str, float]
) -> None:
    inputs, settings, tastes = today
    assert np.abs(tastes - tastes_of(inputs, changed(settings, change))).max() > 1e-4


@pytest.fixture(scope="module")
def today(sweepable: Home) -> tuple[Inputs, FitSettings, np.ndarray]:
    """Settings that are learnt with in half a second, and the tastes that follow."""
    inputs, items = gather(sweepable), ItemSettings(dim=8, iterations=1)
    settings = FitSettings(items=items, users=UserSettings(epochs=1), teacher=TeacherSettings(ensemble=1))
    return inputs, settings, tastes_of(inputs, settings)


def tastes_of(inputs: Inputs, settings: FitSettings) -> np.ndarray:
    space = fit_space(inputs, fit_company(inputs.history, inputs.playlists), settings)
    records = [record for _, record in build_records(inputs.history, space.listened, inputs.columns.kind)]
    return space.encoder.encode(records)


def test_palate_toml_has_tables_for_listeners_and_for_the_teacher(tmp_path: Path) -> None:
    path = tmp_path / "palate.toml"
    path.write_text("[users]\nepochs = 3\n\n[teacher]\nensemble = 1\n")
    found = FitSettings.read(read_settings(path))
    assert (found.users, found.teacher) == (UserSettings(epochs=3), TeacherSettings(ensemble=1))


# Targets


def test_what_is_searched_for_each_target() -> None:
    spaces = {name: set(space_of(one.sections, one.only)) for name, one in TARGETS.items()}
    assert spaces["ranking"] == {f"ranker.{name}" for name in ("unheard_share", "rounds", "leaves", "learning_rate")}
    items = {f"items.{name}" for name in asdict(ItemSettings()) if name != "seed"}
    assert spaces["embeddings.items"] == items | {f"teacher.{name}" for name in asdict(TeacherSettings())}
    learnt = ("count_power", "epochs", "learning_rate", "listed", "unheard_share")
    assert spaces["embeddings.users"] == {f"users.{name}" for name in learnt}
    today = asdict(FitSettings())
    for one in TARGETS.values():
        for name, dimension in space_of(one.sections, one.only).items():
            table, _, key = name.partition(".")
            assert dimension.nearest(today[table][key]) == today[table][key], f"{name} is not in its own range"
    with pytest.raises(BadInput, match=r"'cakes' cannot be swept; choose from embeddings\.items"):
        target_named("cakes")


def test_values_change_the_settings_of_their_table_only() -> None:
    settings = changed(FitSettings(), {"items.dim": 32, "users.epochs": 2, "teacher.own": 0.1})
    expected = FitSettings(items=ItemSettings(dim=32), users=UserSettings(epochs=2), teacher=TeacherSettings(own=0.1))
    assert settings == expected
    with pytest.raises(TypeError):
        changed(FitSettings(), {"items.size": 3})


# What trials share


def test_shared_arrays_are_made_once(tmp_path: Path) -> None:
    made = []

    def make():
        made.append(1)
        return {"a": np.arange(3)}

    shared = Shared(tmp_path / "shared")
    for of in ({"at": 1.0}, {"at": 1.0}, {"at": 2.0}):
        assert shared.arrays("thing", of, make)["a"].tolist() == [0, 1, 2]
    assert len(made) == 2
    ragged = [np.ones((2, 3)), np.zeros((0, 3)), np.full((1, 3), 2.0)]
    for one, two in zip(ragged, unpacked(**packed(ragged)), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("whole", "sharing"), [(whole_taste, taste_on_shared_items), (whole_path, path_on_shared_examples)],
    ids=["taste", "path"],
)  # fmt: skip
def test_shared_parts_change_nothing(sweepable: Home, tmp_path: Path, whole, sharing) -> None:
    settings = FitSettings.read(read_settings(sweepable.settings))
    inputs = gather(sweepable)
    at = inputs.end - 30 * 86400.0
    known, shared = inputs.until(at), Shared(tmp_path)
    sharing(known, at, 0, settings, shared)  # fills it with today's
    other = replace(settings, users=UserSettings(epochs=1), ranker=replace(settings.ranker, leaves=5))
    asking = replace(other, users=replace(other.users, situations_each=1), teacher=TeacherSettings(own=0.1))
    fewer = replace(other, teacher=TeacherSettings(ensemble=1))
    for one in (settings, other, asking, fewer):
        fresh, found = whole(known, at, 0, one), sharing(known, at, 0, one, shared)
        np.testing.assert_array_equal(fresh.vectors, found.vectors)
        np.testing.assert_array_equal(fresh.encoder.weights, found.encoder.weights)
        np.testing.assert_array_equal(fresh.path.stock.listened, found.path.stock.listened)
        sample = np.random.default_rng(0).random((20, len(found.path.ranker.importance()) or 1)).astype(np.float32)
        if found.path.ranker.importance():
            np.testing.assert_array_equal(fresh.path.ranker.score(sample), found.path.ranker.score(sample))
        np.testing.assert_array_equal(fresh.path.stock.company.items, found.path.stock.company.items)


# Judging


def test_a_trial_gets_the_marks_that_the_judge_gives(opened, home: Home) -> None:
    judging = opened("embeddings.users")
    values = {"users.unheard_share": 0.5, "users.count_power": 0.7}
    marks = list(judging.marks(values))
    settings = changed(judging.settings, values)
    workshop = Workshop(lambda known, at, seed: whole_taste(known, at, seed, settings))
    told = evaluate(gather(home), [Taste(workshop)], judging.evaluating, tasks_named(TASKS))
    assert len(marks) == judging.windows == 2
    for window, mark in enumerate(marks):
        expected = [
            float(found.values["taste (one vector)"]["ndcg@100"][found.windows == window].mean())
            for found in told.tasks.values()
        ]
        assert mark.values == dict(zip(("next.ndcg_at_100", "discover.ndcg_at_100"), expected, strict=True))
        assert mark.objective == pytest.approx(sum(expected) / 2)
        assert len(mark.parts) == 5


def test_what_is_held_out_begins_after_all_that_the_search_sees(opened) -> None:
    from palate.evaluation.splits import windows

    judging = opened("embeddings.users")
    last = windows(judging.inputs, judging.evaluating)[-2]
    unseen = windows(judging.inputs, judging.unseen)
    assert len(unseen) == 3  # four weeks between two windows hold three more, side by side, and the gaps
    assert all(window.at >= last.end for window in unseen)
    assert all(one.end <= two.at for one, two in pairwise(unseen))


def test_the_search_sees_no_listen_of_what_is_held_out(opened) -> None:
    judging = opened("embeddings.users")
    last = judging.windows - 1
    before = list(judging.marks({}))
    end = judging.unseen
    history = judging.inputs.history
    cut = judging._searched[last].end
    rng = np.random.default_rng(0)
    items = np.where(history.timestamp >= cut, rng.permutation(history.item), history.item).astype(history.item.dtype)
    scrambled = replace(judging, inputs=replace(judging.inputs, history=replace(history, item=items)))
    assert end == scrambled.unseen
    assert [mark.objective for mark in scrambled.marks({})] == [mark.objective for mark in before]


def answers(marks: list[float]) -> Answers:
    n = len(marks) // 2
    listeners, tasks = np.tile(np.arange(n), 2), np.repeat([0, 1], n)
    return Answers(("next", "discover"), listeners, listeners % 3, tasks, np.array(marks))


def test_the_evidence_is_the_paired_difference_and_finds_what_was_planted() -> None:
    rng = np.random.default_rng(0)
    today = rng.random(240) * 0.5
    better = today + 0.02 + rng.normal(0, 0.03, 240)
    found = proven(answers(today.tolist()), answers(better.tolist()), "metric")
    assert [line.task for line in found.lines] == ["next", "discover", "together"]
    assert found.windows == 3
    assert found.won
    together = found.lines[-1]
    assert (together.rows, together.listeners) == (240, 120)
    assert together.difference == pytest.approx(np.mean([line.difference for line in found.lines[:2]]))
    assert together.low < 0.02 < together.high
    noise = today + rng.normal(0, 0.03, 240)
    assert not proven(answers(today.tolist()), answers(noise.tolist()), "metric").won


def test_answers_to_other_questions_are_refused() -> None:
    with pytest.raises(PalateError, match="different questions"):
        proven(answers([0.1] * 4), answers([0.1] * 6), "metric")


# The whole of it


@pytest.mark.slow
def test_a_sweep_runs_goes_on_and_is_proven(home: Home) -> None:
    asked = Asked("embeddings.users", trials=3, workers=2, held_out=1)
    first = sweep(home, asked)
    assert (first["trials"], first["failed"]) == (3, 0)
    told = read_sweep(home.lab, "embeddings.users")
    assert told["trials"][0]["values"] == pytest.approx(told["today"])
    second = sweep(home, replace(asked, trials=5))
    assert second["trials"] == 5
    again = read_sweep(home.lab, "embeddings.users")
    assert again["trials"][:3] == told["trials"]
    runs = Book(home.lab).runs()
    sweeps, trials = [run for run in runs if run.job == JOB], [run for run in runs if run.job == "sweep trial"]
    assert [run.state for run in sweeps] == ["finished", "finished"]
    assert {run.group for run in trials} == {sweeps[0].id}
    assert [run.id for run in trials] == [trial["run"] for trial in again["trials"]]
    changed_values = second["best"]["values"]
    assert (second["evidence"] is None) == (changed_values == {})
    proposal = sweep_named(home.lab, "embeddings.users").proposal
    assert proposal.is_file() == second["proposed"]
    with pytest.raises(BadInput, match=r"was begun with another where: embeddings\.users --seed 0 --held-out 1"):
        sweep(home, replace(asked, where=("epochs=1:3",)))


def test_a_proposal_is_written_into_palate_toml(home: Home) -> None:
    begun = sweep_named(home.lab, "mine")
    with pytest.raises(BadInput, match="the sweep mine has no result yet"):
        adopt(home, "mine")
    begun.folder.mkdir(parents=True)
    begun.keep_result({"proposed": False, "verdict": "today's settings are the best that was found"})
    with pytest.raises(BadInput, match="proposes nothing: today's settings are the best"):
        adopt(home, "mine")
    begun.keep_result({"proposed": True, "best": {"values": {"items.dim": 24, "users.epochs": 3}}})
    before = FitSettings.read(read_settings(home.settings))
    adopt(home, "mine")
    after = FitSettings.read(read_settings(home.settings))
    assert after == replace(before, items=replace(before.items, dim=24), users=UserSettings(epochs=3))


@pytest.mark.parametrize("held_out", [0, 3])
def test_a_window_has_to_be_left_for_the_search_and_one_for_the_evidence(home: Home, held_out: int) -> None:
    with pytest.raises(BadInput, match=f"{held_out} of 3 windows cannot be held out"):
        sweep(home, Asked("ranking", held_out=held_out))
    assert not (home.lab / "sweeps" / "ranking" / "sweep.json").exists()


PALATE = [sys.executable, "-c", "from palate.cli import main; main()"]


def command(home: Home, trials: int) -> list[str]:
    told = ["--trials", str(trials), "--workers", "2", "--held-out", "1"]
    return [*PALATE, "--home", str(home.root), "lab", "sweep", "embeddings.users", *told]


def finished(home: Home) -> list[tuple[object, ...]]:
    if not (home.lab / "sweeps" / "embeddings.users" / "study.sqlite").is_file():
        return []
    trials = read_sweep(home.lab, "embeddings.users")["trials"]
    return [(one["number"], one["objective"], one["run"]) for one in trials if one["state"] in ("complete", "pruned")]


def wait_for(home: Home, count: int, process: "subprocess.Popen[bytes]") -> None:
    while len(finished(home)) < count:
        assert process.poll() is None, "it ended too early"
        time.sleep(0.05)


def workers_of(pid: int) -> list[int]:
    import psutil

    return [one.pid for one in psutil.Process(pid).children() if "palate.jobs.sweeping.work" in one.cmdline()]


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_parent_lose_only_the_trials_in_work(home: Home) -> None:
    process = subprocess.Popen(command(home, 12), stdout=subprocess.DEVNULL)
    wait_for(home, 2, process)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    wait_for(home, 5, process)
    kept = finished(home)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run(command(home, 12), capture_output=True, check=False).returncode == 0
    told = read_sweep(home.lab, "embeddings.users")["trials"]
    done = finished(home)
    assert len(done) == 12
    assert set(kept) <= set(done)
    values = [tuple(one["values"].values()) for one in told if one["state"] in ("complete", "pruned")]
    assert len(set(values)) == 12, "a finished trial was repeated"
    lost = [tuple(one["values"].values()) for one in told if one["state"] == "failed"]
    lost = [one for one in lost if len(one) == len(values[0])]  # one may have been killed before it had its values
    assert set(lost) <= set(values), "a trial that was in work was not done again"
