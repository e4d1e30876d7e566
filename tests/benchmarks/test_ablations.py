"""The variants of the foundation: what each changes is what it says, and what is kept is not made again."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.embeddings import bulk, encoder, folding, records, situations
from palate.embeddings.foundation import FoundationSettings
from palate.embeddings.inputs import Inputs
from palate.evaluation.splits import EvalSettings

from .halves import AT, ITEMS, LISTENERS, halves, history_of, inputs_of, right_share

torch = pytest.importorskip("torch", reason="the foundation learns with torch, which is not installed")

SMALL = FoundationSettings()
SMALL = replace(
    SMALL,
    items=replace(SMALL.items, dim=16, iterations=5),
    teacher=replace(SMALL.teacher, ensemble=1),
    users=replace(SMALL.users, epochs=2),
)
JUDGED = EvalSettings(windows=1, seeds=1, k=(10, 100, 500), bootstrap=50)
EVERYBODY = np.arange(LISTENERS, dtype=np.int32)


@pytest.fixture(scope="module")
def ablations() -> ModuleType:
    import ablations

    return ablations


@pytest.fixture(scope="module")
def workshop(ablations, tmp_path_factory):
    return ablations.Workshop(tmp_path_factory.mktemp("shared"), SMALL)


@pytest.fixture(scope="module")
def known() -> Inputs:
    return halves()


@pytest.fixture(scope="module")
def shared(workshop, known):
    return workshop.of(known)


@pytest.fixture(scope="module")
def skipping(known) -> Inputs:
    history = known.history
    left = np.random.default_rng(0).random(len(history)) < 0.3
    played = np.where(left, np.float32(5.0), history.seconds_played)
    return replace(known, history=replace(history, seconds_played=played))


@pytest.fixture(scope="module")
def weeks(ablations, known) -> list:
    return [ablations.Week(ablations.cut(known, back), JUDGED) for back in (0.0, 7.0)]


@pytest.fixture(scope="module")
def chosen(ablations, workshop) -> list:
    return [one for one in ablations.variants(workshop) if one.method.name in ("default", "encoder: fold-in")]


class TestHalfLives:
    def test_a_record_has_the_windows_asked_for_and_then_its_own_again(self, ablations) -> None:
        from ablation.half_lives import halving

        seconds = np.array([100.0, 101.0]) * DAY_SECONDS
        history = history_of(np.zeros(2, int), np.array([0, 1]), seconds, 1, 2)
        kinds = np.zeros(2, np.uint8)
        with halving((1.0, 2.0)):
            ((_, record),) = bulk.build_records(history, np.eye(2, dtype=np.float32), kinds)
            assert record.sums[:, 0].tolist() == [[0.5, 1.0], [pytest.approx(0.5**0.5), 1.0]]
            assert encoder.feature_count(2) == 2 * 3 + 1
            assert encoder.features([record], 2).shape == (1, 7)
        ((_, record),) = bulk.build_records(history, np.eye(2, dtype=np.float32), kinds)
        assert len(record.sums) == len(records.HALF_LIVES_DAYS) == 3

    def test_an_error_inside_leaves_nothing_behind(self, ablations) -> None:
        from ablation.half_lives import halving

        before = situations.HALF_LIVES_SECONDS, folding.AFFINITY_HALF_LIFE, encoder.WINDOWS
        with pytest.raises(KeyError), halving((5.0,)):
            raise KeyError
        assert before == (situations.HALF_LIVES_SECONDS, folding.AFFINITY_HALF_LIFE, encoder.WINDOWS)

    def test_learnt_half_lives_begin_as_the_default_tastes(self, shared) -> None:
        from ablation.students import Fading, _start

        batch, start = self._batch(shared), _start(shared)
        plain = ours(start).tastes(batch, 0.85)
        found = Fading(start, (7.0, 28.0, 182.0), speed=4.0).tastes(batch, 0.85)
        assert torch.allclose(plain, found, atol=1e-5)

    def test_a_gradient_reaches_every_half_life(self, shared) -> None:
        from ablation.students import Fading, _start

        vectors = Fading(_start(shared), (7.0, 28.0, 182.0), speed=4.0)
        vectors.tastes(self._batch(shared), 0.85).square().sum().backward()
        assert (vectors.log_days.grad.abs() > 0).all()

    @staticmethod
    def _batch(shared):
        from palate.embeddings.student import Batch

        return Batch.of(shared.lesson, np.arange(len(shared.lesson.situations)), 5, torch.device("cpu"))


def ours(start):
    from palate.embeddings.student import Vectors

    return Vectors(start)


class TestInterests:
    def test_two_tastes_are_told_apart(self, ablations) -> None:
        from ablation.interests import groups, split

        directions = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [0.05, 0.95]], np.float32)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        centres = groups(directions, 2)
        assert sorted((directions @ centres.T).argmax(axis=1).tolist().count(group) for group in (0, 1)) == [2, 3]
        history = history_of(np.array([3, 3, 3, 1]), np.array([0, 2, 1, 4]), np.arange(4.0), 5, 5)
        parts = split(history, np.array([3], np.int32), directions, 2)
        assert len(parts.users) == 2
        assert parts.item.tolist() == [0, 2, 1]  # in time
        assert parts.user[0] == parts.user[2] != parts.user[1]

    @given(st.integers(1, 8), st.integers(1, 5), st.integers(0, 5))
    def test_there_are_never_more_groups_than_items(self, items: int, count: int, seed: int) -> None:
        pytest.importorskip("torch")
        from ablation.interests import groups

        directions = np.random.default_rng(seed).normal(size=(items, 4)).astype(np.float32)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        centres = groups(directions, count)
        assert len(centres) <= min(items, count)
        assert np.allclose(np.linalg.norm(centres, axis=1), 1.0, atol=1e-5)

    def test_one_interest_is_the_taste(self, shared, known) -> None:
        from ablation.interests import best_of
        from ablation.ranked import by_taste

        several = best_of(shared.foundation, known.columns.kind, 1)(known.history, EVERYBODY)
        single = by_taste(shared.foundation, known.columns.kind)(known.history, EVERYBODY)
        assert np.allclose(several, single, atol=1e-5)


class TestStudents:
    def test_one_side_stays_one(self, shared, workshop, known) -> None:
        from ablation.students import OneSide, _learnt, _start, _teach

        vectors = OneSide(_start(shared))
        _teach(shared, vectors, SMALL)
        learnt = _learnt(shared, vectors, SMALL)
        assert np.array_equal(learnt.listened[:, :-1], learnt.vectors[:, :-1])
        assert not np.allclose(learnt.listened, _start(shared).listened)

    def test_frozen_items_stay(self, shared, known) -> None:
        from ablation.students import _start
        from palate.embeddings.foundation import fit_foundation

        start = _start(shared)
        learnt = fit_foundation(known, shared.models, shared.lesson, SMALL, frozen=start)
        assert np.array_equal(learnt.vectors, start.vectors)
        assert not np.allclose(learnt.encoder.weights, start.encoder.weights)

    def test_a_step_is_made_once(self, shared, workshop, known) -> None:
        first = shared.foundation.vectors
        again = type(workshop)(workshop.folder, SMALL).of(known)
        before = {path: path.stat().st_mtime_ns for path in again.folder.iterdir()}
        assert np.array_equal(again.foundation.vectors, first)
        assert {path: path.stat().st_mtime_ns for path in again.folder.iterdir()} == before
        assert again.seconds.keys() == {"factors", "company", "lesson", "foundation"}


def test_joined_factors_keep_the_products_of_rotated_copies(ablations) -> None:
    from ablation.starts import joined

    rng = np.random.default_rng(0)
    factors = rng.normal(size=(30, 4)).astype(np.float32)
    turned = factors @ np.linalg.qr(rng.normal(size=(4, 4)))[0].astype(np.float32)
    found = joined(np.concatenate([factors, turned], axis=1), 4)
    assert found.shape == (30, 4)
    assert np.allclose(found @ found.T, 2.0 * factors @ factors.T, atol=1e-3)


class TestSkips:
    def test_none_of_a_skip_is_the_default(self, workshop, skipping) -> None:
        from ablation.skips import Subtracting, with_skips
        from ablation.students import _start
        from palate.embeddings.student import Batch

        shared, cpu = workshop.of(skipping), torch.device("cpu")
        with_them = with_skips(shared.lesson, skipping.history)
        rows = np.arange(len(with_them.situations))
        plain = ours(_start(shared)).tastes(Batch.of(shared.lesson, rows, 5, cpu), 0.85)
        found = Subtracting(_start(shared), 0.0).tastes(Batch.of(with_them, rows, 5, cpu), 0.85)
        assert torch.allclose(plain, found, atol=1e-5)
        assert (with_them.situations.items >= ITEMS).sum() > 0

    def test_a_skip_is_taken_off_the_sum(self, workshop) -> None:
        from ablation.skips import by_both
        from palate.embeddings.encoder import Encoder, feature_count
        from palate.embeddings.foundation import Foundation

        history = history_of(np.zeros(2, int), np.array([0, 1]), np.array([1.0, 1.0]), 1, 2)
        history = replace(history, seconds_played=np.array([200.0, 5.0], np.float32))
        weights = np.zeros((feature_count(2), 2), np.float32)
        weights[:2] = np.eye(2)  # the taste is the window of a week
        foundation = Foundation(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), Encoder(weights))
        score = by_both(foundation, inputs_of(history), 0.25)
        assert score(history, np.array([0], np.int32)).tolist() == [[1.0, -0.25]]


def test_names_are_distinct_and_the_default_is_first(ablations, workshop) -> None:
    found = ablations.variants(workshop)
    names = [variant.method.name for variant in found]
    assert len(set(names)) == len(names)
    assert names[0] == "default" == found[0].group


@pytest.mark.slow
def test_every_variant_ranks_the_planted_world(ablations, workshop, known) -> None:
    for variant in ablations.variants(workshop):
        ranked = variant.method.fit(known, AT).recommend(EVERYBODY, 10, exclude_heard=False)
        assert right_share(ranked) > 0.5, variant.method.name


class TestRun:
    def test_what_is_kept_is_not_made_again_and_a_missing_week_is_told(
        self, ablations, weeks, chosen, workshop, tmp_path, capsys
    ) -> None:
        ablations.run(chosen, weeks[:1], tmp_path, 60.0, workshop)
        files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
        assert len(files) == 2
        ablations.run(chosen, weeks[:1], tmp_path, 60.0, workshop)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")} == files
        ablations.run(chosen, weeks, tmp_path, 0.0, workshop)
        assert "2 of 2 are left" in capsys.readouterr().err
        text = ablations.page(ablations.found(chosen, weeks, tmp_path), ["next", "discover"], JUDGED, 2)
        assert "Not run in all 2 weeks: default (1 of 2), encoder: fold-in (1 of 2)." in text

    def test_the_default_is_not_apart_from_itself(self, ablations, weeks, chosen, workshop, tmp_path) -> None:
        from ablation.showing import apart, picture

        ablations.run(chosen, weeks[:1], tmp_path, 60.0, workshop)
        default, fold = ablations.found(chosen, weeks[:1], tmp_path)
        itself = apart(default, default, "next", JUDGED)
        assert (itself.difference.low, itself.difference.value, itself.difference.high) == (0.0, 0.0, 0.0)
        other = apart(fold, default, "next", JUDGED)
        assert other.difference.value == pytest.approx(other.main - itself.main)
        text = ablations.page([default, fold], ["next"], JUDGED, 1)
        assert f"| {other.main:.4f} | ".replace("0.", ".", 1) in text
        drawn = picture([default, fold], JUDGED, 1)
        assert drawn.count("<circle") == 2  # one variant, two tasks

    def test_groups_that_there_are_not_are_refused(self, ablations, workshop) -> None:
        with pytest.raises(BadInput, match="no group taste; choose from default, noise"):
            ablations.chosen_of(ablations.variants(workshop), ["taste"])


def test_the_page_is_written_between_its_markers(ablations, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- tables -->\nold\n<!-- end of tables -->\nafter\n")
    ablations.replaced(page, "new", "tables")
    assert page.read_text() == "before\n<!-- tables -->\n\nnew\n\n<!-- end of tables -->\nafter\n"
    page.write_text("nothing")
    with pytest.raises(BadInput, match="put them where the tables belong"):
        ablations.replaced(page, "new", "tables")


def test_json_has_every_mark(ablations, workshop, known, tmp_path, capsys) -> None:
    week = ablations.Week(known, JUDGED)
    chosen = [one for one in ablations.variants(workshop) if one.method.name == "default"]
    ablations.run(chosen, [week], tmp_path, 60.0, workshop)
    capsys.readouterr()
    options = argparse.Namespace(json=True)
    ablations.report(ablations.found(chosen, [week], tmp_path), ["next"], JUDGED, options)
    told = json.loads(capsys.readouterr().out)["variants"]["default"]["0"]
    assert set(told["marks"]["next"]) == {"listeners", "ndcg@100", "ndcg@10", "recall@500"}
