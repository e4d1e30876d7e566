"""Training: what was planted is found, the same seed gives the same bits, and an interruption changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from palate.core.recording import recording
from palate.embeddings import training as training_module
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import UserSettings
from palate.embeddings.foundation import Foundation, FoundationSettings, _begun, fit_factors, fit_lesson
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel, ItemSettings
from palate.embeddings.records import UserRecord
from palate.embeddings.teacher import Lesson, TeacherSettings
from palate.embeddings.training import fit_student
from palate.listening.history import History

from .worlds import checkerboard, history_of, inputs_of

N = 30
USERS = UserSettings(epochs=2, students=1, begin_share=0.0, situations_each=4, strangers=0.1, device="cpu")
SETTINGS = FoundationSettings(ItemSettings(dim=9, iterations=3), TeacherSettings(ensemble=2), USERS)


def asked(inputs: Inputs, settings: FoundationSettings = SETTINGS) -> tuple[list[ItemModel], Lesson]:
    models = fit_factors(inputs, settings)
    return models, fit_lesson(inputs, models, fit_company(inputs.history, inputs.playlists), settings)


@pytest.fixture(scope="module")
def history() -> History:
    """Even listeners hear even items, odd ones odd items, and nobody the item of their own number."""
    return checkerboard(N)


@pytest.fixture(scope="module")
def lesson(history: History) -> Lesson:
    return asked(inputs_of(history))[1]


@pytest.fixture(scope="module")
def start(history: History, lesson: Lesson) -> Foundation:
    """Vectors by chance: what is right afterwards was learnt here."""
    model = ItemModel(np.random.default_rng(0).normal(size=(N, 9)).astype(np.float32), SETTINGS.items)
    return _begun(model, lesson.known, np.zeros(N, np.float32), SETTINGS)


def parts(found: Foundation) -> tuple[np.ndarray, ...]:
    return found.listened, found.vectors, found.encoder.weights


def assert_same(one: Foundation, two: Foundation) -> None:
    for mine, theirs in zip(parts(one), parts(two), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def differ(one: Foundation, two: Foundation) -> list[bool]:
    return [not np.array_equal(mine, theirs) for mine, theirs in zip(parts(one), parts(two), strict=True)]


def scores(found: Foundation, history: History) -> np.ndarray:
    """(listeners, items), as a request has them."""
    records = [record for _, record in build_records(history, found.listened, np.zeros(N, np.uint8))]
    return found.encoder.encode(records) @ found.vectors.T


def test_two_groups_are_learnt_from_vectors_by_chance(history: History, lesson: Lesson, start: Foundation) -> None:
    """All of a listener's first 15 items are of the own group; so is the one that only they have not heard."""
    users = replace(USERS, epochs=4, learning_rate=0.02, listed=N // 2)
    found = fit_student(lesson, start, 0, users)
    heard = np.zeros((N, N), np.bool_)
    heard[history.user, history.item] = True
    before, after = scores(start, history), scores(found, history)
    own = np.arange(N)[:, None] % 2 == np.arange(N) % 2
    best = np.argsort(-after, axis=1)[:, : N // 2]
    assert np.take_along_axis(own, best, axis=1).all()
    unheard = np.argmax(np.where(heard, -np.inf, after), axis=1)
    assert unheard.tolist() == list(range(N))
    assert (np.argmax(np.where(heard, -np.inf, before), axis=1) == np.arange(N)).mean() < 0.5
    assert [one.dtype for one in parts(found)] == [np.float32] * 3
    np.testing.assert_array_equal(found.vectors[:, -1], start.vectors[:, -1])
    assert found.encoder.count_power == USERS.count_power


@pytest.mark.parametrize("users", [USERS, replace(USERS, all_items_below=0, negatives=8)], ids=["whole", "drawn"])
def test_the_same_seed_gives_the_same_bits_and_another_others(
    lesson: Lesson, start: Foundation, users: UserSettings
) -> None:
    first, again, other = (fit_student(lesson, start, seed, users) for seed in (3, 3, 4))
    assert_same(first, again)
    assert all(differ(first, other))
    assert all(differ(first, start))


class Killed(BaseException):
    """As a signal would come."""


@contextmanager
def killed_in_epoch(number: int) -> Iterator[None]:
    """Inside the block, training ends in the middle of this epoch."""
    whole = training_module._Training._epoch

    def epoch(self: training_module._Training, now: int) -> float:
        if now == number:
            with torch.no_grad():  # a part of it was done
                self.vectors.weights += 1.0
            raise Killed
        return whole(self, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module._Training, "_epoch", epoch)
        yield


@pytest.mark.parametrize("items", [True, False], ids=["all", "encoder"])
@pytest.mark.parametrize("drawn", [False, True], ids=["whole", "drawn"])
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    lesson: Lesson, start: Foundation, tmp_path: Path, items: bool, drawn: bool
) -> None:
    """Interrupted in the second and again in the third epoch; then run once more after it was done."""
    users = replace(USERS, epochs=3) if not drawn else replace(USERS, epochs=3, all_items_below=0, negatives=8)
    calm, path = fit_student(lesson, start, 1, users, items=items), tmp_path / "checkpoints"
    for number in (1, 2):
        with killed_in_epoch(number), pytest.raises(Killed):
            fit_student(lesson, start, 1, users, path, items=items)
        assert (path / "student-0.npz").is_file()
    assert_same(fit_student(lesson, start, 1, users, path, items=items), calm)
    assert_same(fit_student(lesson, start, 1, users, path, items=items), calm)


def test_killed_before_the_first_epoch_ended_it_begins_anew(lesson: Lesson, start: Foundation, tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    with killed_in_epoch(0), pytest.raises(Killed):
        fit_student(lesson, start, 1, USERS, path)
    assert not list(path.iterdir())
    assert_same(fit_student(lesson, start, 1, USERS, path), fit_student(lesson, start, 1, USERS))


def test_what_is_learnt_is_the_mean_of_the_students_and_some_of_the_beginning(
    lesson: Lesson, start: Foundation
) -> None:
    apart = [fit_student(lesson, start, seed, USERS) for seed in (1, 1 + training_module.APART)]
    found = fit_student(lesson, start, 1, replace(USERS, students=2, begin_share=0.25))
    for name, (begun, one, two, mean) in enumerate(zip(*(parts(each) for each in (start, *apart, found)), strict=True)):
        np.testing.assert_allclose(mean, 0.25 * begun + 0.375 * (one + two), atol=1e-5, err_msg=str(name))
    assert all(differ(*apart))


def test_two_students_interrupted_end_as_undisturbed_ones(lesson: Lesson, start: Foundation, tmp_path: Path) -> None:
    """The first is done, the second is killed in its second epoch; nothing is learnt twice."""
    users, seen = replace(USERS, students=2, begin_share=0.25), []
    whole = training_module._Training._epoch

    def epoch(self: training_module._Training, now: int) -> float:
        seen.append((self.seed, now))
        if len(seen) == 4:
            raise Killed
        return whole(self, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module._Training, "_epoch", epoch)
        with pytest.raises(Killed):
            fit_student(lesson, start, 1, users, tmp_path)
        again = fit_student(lesson, start, 1, users, tmp_path)
    other = 1 + training_module.APART
    assert seen == [(1, 0), (1, 1), (other, 0), (other, 1), (other, 1)]
    assert_same(again, fit_student(lesson, start, 1, users))


def test_items_that_must_stay_stay_and_the_encoder_learns(lesson: Lesson, start: Foundation) -> None:
    found = fit_student(lesson, start, 0, USERS, items=False)
    assert differ(found, start) == [False, False, True]


def test_it_ends_when_what_is_held_out_gets_worse_with_what_was_better(
    lesson: Lesson, start: Foundation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses 3, 2, 2, 2.5: the third is no worse, the fourth is; a fifth epoch does not begin."""
    losses, seen = iter([3.0, 2.0, 2.0, 2.5]), []

    def missed(self: training_module._Training) -> float:
        seen.append([one.detach().clone() for one in self.vectors.parameters()])
        return next(losses)

    monkeypatch.setattr(training_module._Training, "_missed", missed)
    found = fit_student(lesson, start, 0, replace(USERS, epochs=9))
    assert len(seen) == 4
    np.testing.assert_array_equal(found.listened, seen[2][0].numpy())
    np.testing.assert_array_equal(found.vectors[:, :-1], seen[2][1].numpy())
    assert not np.array_equal(found.listened, seen[3][0].numpy())


def test_the_loss_of_what_is_held_out_is_not_learnt_from(lesson: Lesson, start: Foundation) -> None:
    """One situation in twenty: other lists of theirs change nothing, and other lists of the rest do."""
    held = np.random.default_rng(0).permutation(len(lesson.situations))[: len(lesson.situations) // 20]
    assert len(held) >= 5
    once = replace(USERS, epochs=1)
    expected = fit_student(lesson, start, 0, once)
    rest = np.setdiff1d(np.arange(len(lesson.situations)), held)
    for rows, same in ((held, True), (rest[:5], False)):
        liked = lesson.liked.copy()
        liked[rows] = liked[rows, ::-1]
        found = fit_student(replace(lesson, liked=liked), start, 0, once)
        assert all(differ(found, expected)) != same


def test_of_a_stranger_is_said_what_most_would_hear() -> None:
    """Twelve listeners hear even items, three odd ones."""
    days = [float(day) for day in range(20)]
    plays = [(user, (2 * user + 2 * int(day) + (user % 5 == 0)) % 16, day) for day in days for user in range(15)]
    inputs = inputs_of(history_of(plays, 16))
    models, most = asked(inputs)
    start = _begun(models[0], most.known, np.zeros(16, np.float32), SETTINGS)
    users = replace(USERS, strangers=0.2, epochs=4, learning_rate=0.02, listed=8)
    found = fit_student(most, start, 0, users)
    taste = found.encoder.encode([UserRecord.empty(9)])[0]
    best = np.argsort(-(found.vectors @ taste))[:8]
    assert (best % 2 == 0).all()


class Told:
    """Keeps what a training tells of itself."""

    def __init__(self) -> None:
        self.by_step: dict[int | None, dict[str, float]] = {}
        self.summary: dict[str, float] = {}

    def log(self, values, step=None) -> None:
        self.by_step.setdefault(step, {}).update(values)

    def summarize(self, values) -> None:
        self.summary.update(values)


def test_the_losses_are_told_and_fall(lesson: Lesson, start: Foundation) -> None:
    told = Told()
    with recording(told):
        fit_student(lesson, start, 0, replace(USERS, learning_rate=0.02))
    assert sorted(told.by_step) == [0, 1]
    losses = [[told.by_step[step][f"users.{name}"] for step in (0, 1)] for name in ("loss", "held_out_loss")]
    assert all(second < first for first, second in losses)
    n = len(lesson.situations)
    assert told.summary == {"users.taught": n - n // 20, "users.held_out_loss": losses[1][1]}


def test_two_situations_are_enough_to_learn_and_none_to_hold_out() -> None:
    inputs = inputs_of(history_of([(0, 0, 0.0), (1, 1, 1.0)], 3))
    models, few = asked(inputs)
    start = _begun(models[0], few.known, np.zeros(3, np.float32), SETTINGS)
    found = fit_student(few, start, 0, USERS)
    assert len(few.situations) == 2
    assert all(np.isfinite(one).all() for one in parts(found))
    assert differ(found, start) == [True, True, True]
    np.testing.assert_array_equal(found.vectors[2], start.vectors[2])


def test_without_situations_nothing_is_learnt(start: Foundation) -> None:
    nobody = asked(inputs_of(history_of([], N)))[1]
    found = fit_student(nobody, start, 0, USERS)
    np.testing.assert_allclose(found.encoder.weights, start.encoder.weights, rtol=1e-6)
    assert differ(found, start)[:2] == [False, False]
