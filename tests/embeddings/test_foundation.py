"""The foundation as a whole: from a history to two vectors an item and an encoder, whatever the history lacks."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.core.recording import recording
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder, UserSettings
from palate.embeddings.foundation import (
    FIRST_SHARES,
    SHARPNESS,
    Foundation,
    FoundationSettings,
    _begun,
    factor_settings,
    fit_factors,
    fit_foundation,
    fit_lesson,
    kept_company,
)
from palate.embeddings.habits import HABITS, LEAST_DIM
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel, ItemSettings, fit_items, recent_popularity
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord
from palate.embeddings.space import Space
from palate.embeddings.teacher import Lesson, TeacherSettings

from .worlds import checkerboard, history_of, inputs_of, playlists_of, with_event

DAY, N, DIM = DAY_SECONDS, 30, 9
# As many items are listed as a group has: lists of both groups would ask for scores that hardly differ.
USERS = UserSettings(epochs=4, listed=N // 2, device="cpu")
SETTINGS = FoundationSettings(ItemSettings(dim=DIM, iterations=5), TeacherSettings(ensemble=2), USERS)


def asked(inputs: Inputs, settings: FoundationSettings = SETTINGS) -> tuple[list[ItemModel], Lesson]:
    models = fit_factors(inputs, settings)
    return models, fit_lesson(inputs, models, fit_company(inputs.history, inputs.playlists), settings)


def fitted(inputs: Inputs, settings: FoundationSettings = SETTINGS, frozen: Foundation | None = None) -> Foundation:
    return fit_foundation(inputs, *asked(inputs, settings), settings, frozen=frozen)


def assert_same(one: Foundation, two: Foundation) -> None:
    np.testing.assert_array_equal(one.listened, two.listened)
    np.testing.assert_array_equal(one.vectors, two.vectors)
    np.testing.assert_array_equal(one.encoder.weights, two.encoder.weights)
    assert one.encoder.count_power == two.encoder.count_power


@dataclass(frozen=True)
class TwoGroups:
    """A checkerboard of listeners and items, and what was learnt of it."""

    inputs: Inputs
    lesson: Lesson
    found: Foundation
    records: dict[int, UserRecord]


@pytest.fixture(scope="module")
def two_groups() -> TwoGroups:
    inputs = inputs_of(checkerboard(N))
    models, lesson = asked(inputs)
    found = fit_foundation(inputs, models, lesson, SETTINGS)
    return TwoGroups(inputs, lesson, found, dict(build_records(inputs.history, found.listened, np.zeros(N, np.uint8))))


# What is learnt


def test_every_taste_ranks_its_own_group_first(two_groups: TwoGroups) -> None:
    """So it does among what its owner never heard: nobody has heard the item of their own number."""
    found = two_groups.found
    for user, record in two_groups.records.items():
        scores = found.encoder.encode([record])[0] @ found.vectors.T
        assert (np.argsort(-scores)[: N // 2] % 2 == user % 2).all()
        scores[record.items] = -np.inf
        assert np.argmax(scores) == user


def test_the_student_names_what_the_teacher_names(two_groups: TwoGroups) -> None:
    """Of the present, the last situation of each listener: its first 15 hold nearly all of the teacher's first 10."""
    found, lesson = two_groups.found, two_groups.lesson
    records = [two_groups.records[user] for user in range(N)]
    best = np.argsort(-(found.encoder.encode(records) @ found.vectors.T), axis=1)[:, :15]
    lengths = [len(record.items) for record in records]
    owner = np.repeat(np.arange(N), lengths)
    whole = np.append(np.flatnonzero(np.diff(owner)) + 1, len(owner))
    present = np.flatnonzero(np.isin(lesson.situations.last, whole))
    shared = [len(set(mine) & set(theirs)) for mine, theirs in zip(best, lesson.liked[present, :10], strict=True)]
    assert np.mean(shared) > 9.5


def test_one_listen_dilutes_a_learnt_taste_and_many_turn_it(two_groups: TwoGroups) -> None:
    found, record = two_groups.found, two_groups.records[0].copy()
    across = found.vectors[1::2].mean(axis=0) - found.vectors[0::2].mean(axis=0)
    ahead = []
    for listen in range(31):
        ahead.append(float(found.encoder.encode([record])[0] @ across))
        item = 2 * (listen % 15) + 1
        record.add(item, 0, found.listened[item], record.at + DAY, 1.0, False)
    assert ahead[0] < ahead[1] < 0 < ahead[30]


def test_shapes_and_popularity(two_groups: TwoGroups) -> None:
    found = two_groups.found
    assert (found.listened.shape, found.vectors.shape, found.encoder.dim) == ((N, DIM), (N, DIM), DIM)
    assert (found.listened.dtype, found.vectors.dtype, found.encoder.weights.dtype) == (np.float32,) * 3
    expected = recent_popularity(two_groups.inputs.history, SETTINGS.items.popularity_half_life_days)
    np.testing.assert_array_equal(found.vectors[:, -1], expected)
    assert found.encoder.count_power == SETTINGS.users.count_power
    stranger = found.encoder.encode([UserRecord.empty(DIM)])[0]
    assert np.isfinite(stranger).all()


def test_what_was_heard_and_what_will_be_are_two_questions(two_groups: TwoGroups) -> None:
    """Both sides of an item begin alike and do not end alike."""
    found = two_groups.found
    assert np.abs(found.listened[:, :-1] - found.vectors[:, :-1]).max() > 0.01


def test_listeners_and_items_that_came_later_change_nothing_learnt_before_them(two_groups: TwoGroups) -> None:
    """A past moment is judged with the rows of today's catalogue and users, most of them still silent then."""
    history = replace(two_groups.inputs.history, users=[*two_groups.inputs.history.users, "new"], n_items=N + 3)
    found = fitted(inputs_of(history))
    assert_same(Foundation(found.listened[:N], found.vectors[:N], found.encoder), two_groups.found)
    assert not found.listened[N:].any()
    assert not found.vectors[N:].any()


def test_before_anything_is_learnt_a_taste_is_a_mixture_of_its_windows() -> None:
    """And the same share of popularity for everybody; factors are of length 1 on average, over what is known."""
    vectors = np.zeros((3, 4), np.float32)
    vectors[:, :3] = [[3.0, 0.0, 0.0], [0.0, 0.0, 4.0], [9.0, 9.0, 9.0]]
    settings = replace(SETTINGS, items=replace(SETTINGS.items, dim=4, popularity_share=0.2))
    popularity = np.array([0.0, 2.0, 5.0], np.float32)
    begun = _begun(ItemModel(vectors, settings.items), np.array([True, True, False]), popularity, settings)
    length = ((9 + 16) / 2) ** 0.5
    expected = [[3 / length, 0, 0], [0, 0, 4 / length], [0, 0, 0]]
    for side in (begun.listened, begun.vectors):
        np.testing.assert_allclose(side[:, :-1], expected, rtol=1e-6)
    assert begun.listened[:, -1].tolist() == [0.0] * 3
    assert begun.vectors[:, -1].tolist() == [0.0, 2.0, 5.0]
    record = UserRecord.empty(4)
    record.add(0, 0, begun.listened[0], 0.0, 1.0, False)
    taste = begun.encoder.encode([record])[0]
    assert taste.tolist() == pytest.approx([SHARPNESS * sum(FIRST_SHARES) * 3 / length, 0, 0, SHARPNESS * 0.2])
    assert len(FIRST_SHARES) == len(HALF_LIVES_DAYS)


# Habits


@pytest.fixture(scope="module")
def telling() -> tuple[Inputs, Foundation]:
    """Wide enough for habits."""
    inputs = inputs_of(checkerboard(N))
    return inputs, fitted(inputs, replace(SETTINGS, items=replace(SETTINGS.items, dim=LEAST_DIM)))


def test_habits_take_the_place_of_factors_and_cost_no_dot_product(telling: tuple[Inputs, Foundation]) -> None:
    inputs, found = telling
    columns = list(found.encoder.habits.values())
    assert (found.encoder.dim, found.encoder.factors) == (LEAST_DIM, LEAST_DIM - 1 - len(HABITS))
    assert found.listened.shape == found.vectors.shape == (N, LEAST_DIM)
    assert not found.vectors[:, columns].any()
    assert found.encoder.habits_since == inputs.history.end
    records = [record for _, record in build_records(inputs.history, found.listened, inputs.columns.kind)]
    tastes = found.encoder.encode(records)
    assert (tastes[:, found.encoder.habits["latest"]] <= 0.0).all(), "nobody listened after the end"
    scores = tastes @ found.vectors.T
    own = np.arange(N) % 2
    apart = [scores[row, own == own[row]].mean() - scores[row, own != own[row]].mean() for row in range(N)]
    assert min(apart) > 0.0


def test_what_a_record_sums_has_coordinates_to_spare_that_begin_unread() -> None:
    """The offered side gives factors away for habits; the other side keeps their room, at half a deviation."""
    items = replace(SETTINGS.items, dim=LEAST_DIM)
    settings, n = replace(SETTINGS, items=items), factor_settings(items).dim - 1
    assert n == LEAST_DIM - 1 - len(HABITS)
    vectors = np.random.default_rng(1).normal(size=(400, n + 1)).astype(np.float32)
    known = np.arange(400) < 390
    begun = _begun(ItemModel(vectors, factor_settings(items)), known, np.zeros(400, np.float32), settings)
    spare = begun.listened[:, n:-1]
    assert (begun.listened.shape, begun.vectors.shape, spare.shape) == (
        (400, LEAST_DIM),
        (400, n + 1),
        (400, len(HABITS)),
    )
    np.testing.assert_array_equal(begun.listened[:, :n], begun.vectors[:, :n])
    assert spare[known].std() / begun.listened[known, :n].std() == pytest.approx(0.5, abs=0.02)
    assert not begun.listened[~known].any()
    read = begun.encoder.weights[: 3 * LEAST_DIM].reshape(3, LEAST_DIM, n + 1)
    assert not read[:, n:].any()
    assert all(np.count_nonzero(window) == n for window in read)


def test_with_frozen_items_habits_count_from_the_same_moment(telling: tuple[Inputs, Foundation]) -> None:
    inputs, before = telling
    settings = replace(SETTINGS, items=replace(SETTINGS.items, dim=LEAST_DIM))
    earlier = inputs_of(inputs.history.until(40 * DAY))
    found = fitted(earlier, settings, frozen=before)
    np.testing.assert_array_equal(found.vectors, before.vectors)
    assert (found.encoder.habits_since, found.encoder.dim) == (before.encoder.habits_since, LEAST_DIM)
    assert fitted(inputs_of(history_of([], N)), settings, frozen=before) is before


def test_habits_survive_saving_and_playlists_alone_have_them_too(
    telling: tuple[Inputs, Foundation], tmp_path: Path
) -> None:
    _, found = telling
    found.save(tmp_path / "foundation.npz")
    back = Foundation.load(tmp_path / "foundation.npz")
    assert_same(back, found)
    assert back.encoder.habits == found.encoder.habits
    lists = playlists_of(*([item for item in range(one % 2, N, 2) if item != one] for one in range(N)))
    settings = replace(SETTINGS, items=replace(SETTINGS.items, dim=LEAST_DIM))
    alone = fitted(inputs_of(history_of([], n_items=N), lists), settings)
    assert (alone.vectors.shape, alone.encoder.habits) == ((N, LEAST_DIM), found.encoder.habits)
    record = UserRecord.empty(LEAST_DIM)
    record.add(0, 0, alone.listened[0], 0.0, 1.0, False)
    scores = alone.encoder.encode([record])[0] @ alone.vectors.T
    assert scores[2::2].min() > scores[1::2].max()


# What is lacking


def columns_of(n: int, artist: dict[int, int], genre: dict[int, int]) -> ItemColumns:
    codes = [np.full(n, -1, np.int32) for _ in range(2)]
    for column, told in zip(codes, (artist, genre), strict=True):
        column[list(told)] = list(told.values())
    return replace(ItemColumns.unknown(n), artist=codes[0], genre=codes[1])


def test_an_item_without_company_borrows_from_its_artist_else_its_genre_on_both_sides() -> None:
    """Rows 30 and on were never heard; 33 was only skipped; of 32 nothing is known."""
    skip = with_event(history_of([(0, 33, 61.0)], n_items=N + 4), 0, Event.SKIP)
    history, names = checkerboard(N, extra_items=4), ("user", "item", "timestamp", "event", "seconds_played")
    names += ("duration_seconds", "session")
    history = replace(
        history, **{name: np.concatenate([getattr(history, name), getattr(skip, name)]) for name in names}
    )
    genre = {1: 2, 3: 2, 5: 2, 30: 2, 31: 2, 33: 2}
    columns = columns_of(N + 4, artist={2: 0, 4: 0, 30: 0, 31: 1, 33: 1}, genre=genre)
    found = fitted(inputs_of(history, columns=columns))
    for side in (found.listened, found.vectors[:, :-1]):
        np.testing.assert_allclose(side[30], side[[2, 4]].mean(axis=0), atol=1e-6)
        for row in (31, 33):
            np.testing.assert_allclose(side[row], side[[1, 3, 5]].mean(axis=0), atol=1e-6)
        assert not side[32].any()
    assert not found.vectors[N:, -1].any(), "what is borrowed is not popularity"


def test_an_item_of_playlists_alone_has_vectors_of_its_own() -> None:
    """Item 30 stands on playlists with even items, and nobody heard it; its artist's other item is odd."""
    columns = columns_of(N + 1, artist={1: 0, 30: 0}, genre={})
    lists = playlists_of(*([30, first, first + 2] for first in range(0, 20, 2)))
    found = fitted(inputs_of(checkerboard(N, extra_items=1), lists, columns))
    directions = found.vectors[:, :-1] / np.linalg.norm(found.vectors[:, :-1], axis=1, keepdims=True)
    nearness = directions[:N] @ directions[N]
    assert nearness[0::2].mean() > nearness[1::2].mean() + 0.2
    assert not np.allclose(found.vectors[30, :-1], found.vectors[1, :-1])


def test_playlists_alone_give_the_factors_and_the_plain_encoder() -> None:
    lists = playlists_of(*([item for item in range(one % 2, N, 2) if item != one] for one in range(N)))
    inputs = inputs_of(history_of([], n_items=N), lists)
    found = fitted(inputs)
    factors = fit_items(inputs.history, inputs.playlists, inputs.columns, SETTINGS.items).vectors
    np.testing.assert_array_equal(found.listened, factors)
    np.testing.assert_array_equal(found.vectors, factors)
    assert not found.vectors[:, -1].any()
    plain = Encoder.plain(DIM, SETTINGS.items.popularity_share)
    np.testing.assert_array_equal(found.encoder.weights, plain.weights)


@pytest.mark.parametrize("n_items", [4, 0])
def test_from_nothing_come_zeros(n_items: int) -> None:
    found = fitted(inputs_of(replace(history_of([]), n_items=n_items)))
    assert found.listened.shape == found.vectors.shape == (n_items, DIM)
    assert not found.listened.any()
    assert not found.vectors.any()
    assert found.encoder.encode([UserRecord.empty(DIM)]).shape == (1, DIM)


def test_one_listen_of_one_item_is_enough() -> None:
    found = fitted(inputs_of(history_of([(0, 1, 0.0)], 3)))
    record = UserRecord.empty(DIM)
    record.add(1, 0, found.listened[1], 0.0, 1.0, False)
    scores = found.encoder.encode([record])[0] @ found.vectors.T
    assert np.isfinite(scores).all()
    assert np.argmax(scores) == 1


# What stays


def test_frozen_items_stay_and_the_encoder_is_learnt(two_groups: TwoGroups) -> None:
    """With rows of zeros for items that came since, as a training of the encoder alone has them."""
    before = two_groups.found
    columns = columns_of(N + 1, artist={1: 0, 30: 0}, genre={})
    grown = [np.concatenate([side, np.zeros((1, DIM), np.float32)]) for side in (before.listened, before.vectors)]
    frozen = Foundation(*grown, before.encoder)
    inputs = inputs_of(replace(two_groups.inputs.history, n_items=N + 1), columns=columns)
    found = fitted(inputs, replace(SETTINGS, users=replace(SETTINGS.users, count_power=0.5)), frozen)
    np.testing.assert_array_equal(found.listened, frozen.listened)
    np.testing.assert_array_equal(found.vectors, frozen.vectors)
    assert not np.array_equal(found.encoder.weights, frozen.encoder.weights)
    assert found.encoder.count_power == 0.5


def test_frozen_items_without_listeners_are_given_back(two_groups: TwoGroups) -> None:
    assert fitted(inputs_of(history_of([], N)), frozen=two_groups.found) is two_groups.found


def test_saved_then_loaded_equals(two_groups: TwoGroups, tmp_path: Path) -> None:
    two_groups.found.save(tmp_path / "foundation.npz")
    assert_same(Foundation.load(tmp_path / "foundation.npz"), two_groups.found)


def test_a_space_of_before_there_were_two_sides_sums_the_one_that_it_has(tmp_path: Path) -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.save(tmp_path / "item_vectors.npy", vectors)
    np.testing.assert_array_equal(Space(tmp_path).listened, vectors)
    np.save(tmp_path / "listened.npy", vectors + 1)
    np.testing.assert_array_equal(Space(tmp_path).listened, vectors + 1)
    np.testing.assert_array_equal(Space(tmp_path).item_vectors, vectors)


# The steps


def test_the_factorizations_differ_in_their_seed_alone_and_the_first_is_told() -> None:
    inputs, told = inputs_of(checkerboard(N)), []

    class Recorder:
        def log(self, values, step=None) -> None:
            told.append(values)

        def summarize(self, values) -> None:
            told.append(values)

    with recording(Recorder()):
        models = fit_factors(inputs, replace(SETTINGS, teacher=TeacherSettings(ensemble=3)))
    assert [model.settings.seed for model in models] == [0, 1, 2]
    for model in models:
        alone = fit_items(inputs.history, inputs.playlists, inputs.columns, model.settings)
        np.testing.assert_array_equal(model.vectors, alone.vectors)
    assert len(told) == SETTINGS.items.iterations


def test_what_keeps_company_by_hand() -> None:
    """0 was heard, 1 skipped, 2 is on a playlist, as is an item that the catalogue lacks; of 3 there is no trace."""
    history = with_event(history_of([(0, 0, 0.0), (0, 1, 1.0)], 4), 1, Event.SKIP)
    assert kept_company(inputs_of(history, playlists_of([2, -1]))).tolist() == [True, False, True, False]


def lessons_of(inputs: Inputs, **users: int) -> NDArray[np.int64]:
    return asked(inputs, replace(SETTINGS, users=replace(SETTINGS.users, **users)))[1].situations.last


def test_as_many_situations_are_asked_about_as_the_settings_say() -> None:
    inputs = inputs_of(checkerboard(N))
    assert len(lessons_of(inputs, situations_each=2)) == N * 3
    assert len(lessons_of(inputs, situations_each=2, situations=11)) == 11
