"""One space against a space for each kind: on a planted world whose podcasts and music share two themes."""

import importlib
import json
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder, UserSettings, features
from palate.embeddings.foundation import Foundation, fit_factors, fit_foundation, fit_lesson
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemSettings
from palate.jobs.fit import FitSettings

from .halves import history_of, inputs_of

TRACKS, EPISODES, LISTENERS, DAYS = 24, 12, 120, 100
THEME = np.concatenate([np.arange(TRACKS) % 2, np.arange(EPISODES) % 2])
# Two themes fill three dimensions. With more, a factorization learns to rebuild silence as well: who heard no podcast
# then gets those of the other theme first (docs/rooms/one_space.md).
SMALL = FitSettings(items=ItemSettings(dim=4, iterations=15), users=UserSettings(epochs=4))


@pytest.fixture(scope="module")
def one_space() -> ModuleType:
    return importlib.import_module("one_space")


def themed(seed: int = 0) -> Inputs:
    """Everybody hears the tracks and the episodes of their own theme, half of them no episode at all."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(LISTENERS), 60)
    spoken = (rng.random(len(user)) < 0.3) & (user % 4 < 2)
    item = np.where(spoken, TRACKS + 2 * rng.integers(0, EPISODES // 2, len(user)), 2 * rng.integers(0, 12, len(user)))
    seconds = rng.uniform(0, DAYS, len(user)) * DAY_SECONDS
    inputs = inputs_of(history_of(user, item + user % 2, seconds, LISTENERS, TRACKS + EPISODES))
    kind = np.repeat(np.array([0, 1], np.uint8), [TRACKS, EPISODES])
    inputs = replace(inputs, columns=replace(inputs.columns, kind=kind))
    return importlib.import_module("one_space").by_kind(inputs)  # no sitting holds both kinds


def tiny() -> Inputs:
    """Items 0 and 1 are tracks, 2 and 3 episodes: listener 0 hears both kinds, 1 music, 2 podcasts."""
    user, item = np.array([0] * 8 + [1] * 5 + [2] * 3), np.array([0, 0, 0, 1, 1, 2, 2, 3] + [1] * 5 + [3] * 3)
    inputs = inputs_of(history_of(user, item, np.arange(16) * 3600.0, 3, 4))
    return replace(inputs, columns=replace(inputs.columns, kind=np.array([0, 0, 1, 1], np.uint8)))


def test_only_who_hears_both_can_lose_something(one_space: ModuleType) -> None:
    counts = np.array([[5, 3, 0], [4, 9, 0], [9, 1, 1], [5, 1, 2]] * 200)
    role = one_space.roles(counts, 0)
    both = np.array([True, False, False, True] * 200)
    assert (role[~both] == one_space.WHOLE).all()
    assert np.bincount(role[both], minlength=3) / both.sum() == pytest.approx(one_space.SHARES, abs=0.07)


def test_what_a_role_hides(one_space: ModuleType) -> None:
    for role, left in ((one_space.WHOLE, 8), (one_space.ONLY_MUSIC, 5), (one_space.ONLY_SPOKEN, 3)):
        history = one_space.hidden(tiny(), np.array([role, 0, 0])).history
        assert np.bincount(history.user).tolist() == [left, 5, 3]


def test_one_kind_alone(one_space: ModuleType) -> None:
    assert sorted(one_space.of_kind(tiny(), 1).history.item.tolist()) == [2, 2, 3, 3, 3, 3]


@given(seed=st.integers(0, 1_000))
def test_shuffling_keeps_everything_but_what_goes_with_what(seed: int) -> None:
    one_space, inputs = importlib.import_module("one_space"), themed()
    before, after = inputs.history, one_space.shuffled(inputs, seed).history
    music = inputs.columns.kind[before.item] == 0
    assert (after.item == before.item).all()
    assert (after.timestamp == before.timestamp).all()
    assert (after.user[music] == before.user[music]).all()
    assert set(after.user[~music]) == set(before.user[~music])
    pairs = np.unique(np.stack([before.user[~music], after.user[~music]]), axis=1)
    assert len(pairs.T) == len(set(before.user[~music]))  # a listener's podcasts stay together
    assert len(np.unique(after.session)) == len(np.unique(before.session))


def test_who_is_asked_for_what(one_space: ModuleType) -> None:
    known = tiny()
    user, item = np.array([0, 0, 1, 1, 2]), np.array([1, 3, 2, 2, 0])
    after = history_of(user, item, np.arange(5) + 1e6, 3, 4)
    asked = {one.name: one for one in one_space.questions(known, after)}
    assert asked["podcasts, only music heard"].users.tolist() == [1]
    assert asked["podcasts, only music heard"].wanted.tolist() == [[False, False, True, False]]
    assert asked["music, only the spoken heard"].users.tolist() == [2]
    assert asked["music, both heard"].wanted.tolist() == [[False, True, False, False]]
    assert asked["podcasts, both heard"].users.tolist() == [0]
    assert not len(asked["music, only music heard"].users)
    assert not any("audiobooks" in name for name in asked)  # there are none


def test_marks_are_among_the_candidates_alone(one_space: ModuleType) -> None:
    inside = np.array([False, True, True, True])
    question = one_space.Question("", 1, np.array([0], np.int32), inside, np.array([[False, True, False, False]]))
    found = one_space.marks(np.array([[9.0, 2.0, 3.0, 1.0]], np.float32), question)
    assert found["ndcg@100"].tolist() == pytest.approx([1 / np.log2(3)])
    assert found["auc"].tolist() == [1 / 2]


def test_features_by_kind_are_those_of_each_kind_alone(one_space: ModuleType) -> None:
    inputs = themed()
    vectors = np.random.default_rng(0).normal(size=(TRACKS + EPISODES, 5)).astype(np.float32)
    space = Foundation(vectors, vectors, Encoder.plain(5, 0.1))
    users = np.arange(4, dtype=np.int32)
    told = one_space.kind_features(one_space.records_of(space, inputs, users), 5, 0.85)
    for kind, part in ((0, told[:, :18]), (1, told[:, 18:36])):
        alone = one_space.records_of(space, one_space.of_kind(inputs, kind), users)
        moved = np.stack([one.at for one in one_space.records_of(space, inputs, users)])
        for record, at in zip(alone, moved, strict=True):
            record._advance(at)
        assert part == pytest.approx(features(alone, 5, 0.85)[:, :-1], abs=1e-5)
    assert (told[:, 36:-1] == 0).all()
    assert (told[:, -1] == 1).all()


def test_the_student_with_features_by_kind_learns_what_it_is_asked_with(one_space: ModuleType) -> None:
    torch = pytest.importorskip("torch")
    student = importlib.import_module("palate.embeddings.student")
    inputs, settings = themed(), SMALL.foundation
    models, company = fit_factors(inputs, settings), fit_company(inputs.history, inputs.playlists)
    lesson = fit_lesson(inputs, models, company, settings)
    start = fit_foundation(inputs, models, lesson, settings)
    weights = np.random.default_rng(1).normal(size=(9 * (4 + 1) + 1, 4)).astype(np.float32)
    start = replace(start, encoder=replace(start.encoder, weights=weights))
    users = np.arange(LISTENERS, dtype=np.int32)
    firsts = np.unique(lesson.situations.first)  # of a listener's situations the last is the present
    latest = np.searchsorted(lesson.situations.first, firsts, side="right") - 1
    vectors = student.Vectors(start)
    kinds = torch.from_numpy(inputs.columns.kind.astype(np.int64))
    batch = student.Batch.of(lesson, latest, 10, torch.device("cpu"))
    tastes = one_space._tastes_by_kind(vectors, kinds)(batch, 0.85).detach().numpy()
    told = one_space.kind_features(one_space.records_of(start, inputs, users), 4, 0.85)
    assert tastes[:, :-1] * 5.0 == pytest.approx((told @ weights)[:, :-1], rel=1e-3, abs=1e-3)


def test_one_space_knows_the_podcasts_of_who_only_heard_music(one_space: ModuleType) -> None:
    data = one_space.Data(themed(), THEME, np.arange(len(THEME)))
    found = one_space.measured(data, SMALL, 20.0, 0, False)
    told = {line.method: line for line in one_space.lines([found]) if line.question == "podcasts, only music heard"}
    assert told["one"].listeners >= 8
    # Whoever knows the theme and no more is right about the six others, and half the time about the rest of the six.
    assert told["one"].values["auc"].value == pytest.approx(0.8, abs=0.07)
    assert told["shuffled"].values["auc"].value < 0.7
    assert told["one"].ahead["auc"].value == 0.0
    for method in ("apart", "popular", "shuffled"):
        assert told[method].ahead["auc"].low > 0.0


def test_neighbours_of_the_other_kind_share_the_theme(one_space: ModuleType) -> None:
    data, known = one_space.Data(themed(), THEME, np.arange(len(THEME))), themed()
    vectors = np.stack([THEME, 1 - THEME, np.full(len(THEME), 9)], axis=1).astype(np.float32)
    crossed = vectors.copy()
    crossed[TRACKS:, :2] = vectors[TRACKS:, 1::-1]  # the episodes lie with the tracks of the other theme
    for side, share in ((vectors, 1.0), (crossed, 0.0)):
        found = one_space.alike(Foundation(vectors, side, Encoder.plain(3, 0.1)), data, known, 1, 0)
        assert found[:, 0].tolist() == [share] * EPISODES
        assert found[:, 1].tolist() == [1 / 2] * EPISODES
        assert found[:, 2].tolist() == list(range(TRACKS, TRACKS + EPISODES))


def test_worlds_are_pooled_by_listener(one_space: ModuleType) -> None:
    def world(values: dict[str, list[float]]) -> object:
        marks = {name: {one: np.array(row) for one in one_space.MEASURES} for name, row in values.items()}
        return one_space.Found({"q": np.arange(len(values["one"]))}, {"q": marks}, {})

    told = one_space.lines([world({"one": [1.0, 0.5], "apart": [0.5, 0.5]}), world({"one": [0.0], "apart": [0.3]})])
    apart = next(line for line in told if line.method == "apart")
    assert apart.listeners == 3
    assert apart.values["auc"].value == pytest.approx((0.5 + 0.5 + 0.3) / 3)
    assert apart.ahead["auc"].value == pytest.approx((0.5 + 0.0 - 0.3) / 3)
    assert "| q | 3 | apart | 0.433 |" in one_space.shown(told, {})


@pytest.mark.slow
def test_the_benchmark_runs_as_its_page_says(
    one_space: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--worlds", "1", "--listeners", "120", "--items", "400", "--plays", "8000", "--variants"]
    monkeypatch.setattr(one_space, "FitSettings", lambda: SMALL)
    monkeypatch.setattr(sys, "argv", ["one_space.py", *words, "--json"])
    one_space.main()
    told = json.loads(capsys.readouterr().out)
    methods = {line["method"] for line in told["lines"]}
    assert methods >= {"one", "apart", "shuffled", "popular", "planted", "features by kind", "lists by kind"}
    assert set(told["neighbours"]) == set(one_space.PAIRS)


def test_no_world_is_an_error(one_space: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["one_space.py", "--worlds", "0"])
    with pytest.raises(SystemExit, match="give at least 1"):
        one_space.main()
