"""The teacher: each opinion by hand, all of them together, and lists that hold what they should and no more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from palate.catalog.columns import Playlists
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings import teacher as teacher_module
from palate.embeddings.company import NEIGHBOURS, Company, fit_company
from palate.embeddings.items import ItemModel, ItemSettings, recent_popularity
from palate.embeddings.situations import Situations, draw_situations
from palate.embeddings.teacher import Lesson, Teacher, TeacherSettings, prepare
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import history_of, with_event

NOTHING = TeacherSettings(own=0.0, company=0.0, factors=0.0, popularity=0.0)
QUIET = np.zeros((1, 3), np.float32)  # no item was heard this week


def alone(*together: tuple[int, int, float], n_items: int = 3) -> Company:
    """Company of (item, item, cosine), both ways; the best first."""
    items, scores = np.full((n_items, NEIGHBOURS), -1, np.int32), np.zeros((n_items, NEIGHBOURS), np.float32)
    for item in range(n_items):
        mine = [(b if a == item else a, cosine) for a, b, cosine in together if item in (a, b)]
        for place, (other, cosine) in enumerate(sorted(mine, key=lambda one: -one[1])):
            items[item, place], scores[item, place] = other, cosine
    return Company(items, scores, np.zeros_like(items))


def model_of(factors: ArrayLike, **settings: float) -> ItemModel:
    """Factors, and a last coordinate that no opinion may look at."""
    table = np.array(factors, np.float32)
    told = ItemSettings(dim=table.shape[1] + 1, **settings)
    return ItemModel(np.concatenate([table, np.full((len(table), 1), 99.0)], axis=1).astype(np.float32), told)


def heard(*listens: tuple[int, float], n_items: int = 3) -> Situations:
    """One situation of (item, day)."""
    item, day = np.array(listens, np.float64).T
    return Situations(item.astype(np.int32), day * DAY_SECONDS, np.array([0]), np.array([len(item)]), n_items)


def scores(teacher: Teacher, situations: Situations, popularity: ArrayLike = QUIET) -> list[float]:
    found = teacher.scores(situations.windows(), np.array(popularity, np.float32).reshape(1, -1))
    assert (found.shape, found.dtype) == ((1, situations.n_items), np.float32)
    return [float(one) for one in found[0]]


SILENT = model_of(np.zeros((3, 2)), popularity_share=0.0)


def test_own_plays_fade_and_add_up_by_hand() -> None:
    """Item 1 now and a half-life ago, item 2 two half-lives ago: 1 + 1/2 is the highest."""
    teacher = Teacher([SILENT], alone(), replace(NOTHING, own=0.6, own_half_life_days=14.0))
    assert scores(teacher, heard((2, 0.0), (1, 14.0), (1, 28.0))) == pytest.approx([0.0, 0.6, 0.6 * (1 / 4) / (3 / 2)])


def test_company_adds_up_over_what_was_heard_by_hand() -> None:
    """Each item is its own company. 0 now, 2 a half-life ago; 1 is near both: 1/2 + 1/2 * 4/5."""
    teacher = Teacher([SILENT], alone((0, 1, 0.5), (1, 2, 0.8)), replace(NOTHING, company=1.0))
    situations = heard((2, 0.0), (0, teacher.settings.company_half_life_days))
    assert scores(teacher, situations) == pytest.approx([1.0, 0.9, 0.5])


def test_an_item_heard_often_is_no_more_company_than_one_heard_once() -> None:
    teacher = Teacher([SILENT], alone((0, 1, 0.5)), replace(NOTHING, company=1.0))
    assert scores(teacher, heard((0, 5.0), (0, 5.0), (0, 5.0))) == pytest.approx(scores(teacher, heard((0, 5.0))))


def test_factors_say_what_the_solved_taste_is_near_to() -> None:
    """Items 0 and 1 point the same way, item 2 another: one who heard 0 is solved along it."""
    model = model_of([[1.0, 0.0], [0.5, 0.0], [0.0, 1.0]], popularity_share=0.0)
    teacher = Teacher([model], alone(), replace(NOTHING, factors=0.7))
    assert scores(teacher, heard((0, 1.0))) == pytest.approx([0.7, 0.35, 0.0], abs=1e-6)


def test_several_factorizations_have_the_mean_of_their_scores() -> None:
    """Each of them in axes of its own: their vectors must not be mixed."""
    models = [
        model_of(factors, popularity_share=0.0)
        for factors in ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.0, -1.0], [1.0, 0.0], [0.0, 2.0]])
    ]
    situations, shares = heard((0, 1.0), (1, 9.0)), []
    profile = situations.windows().profiles(NOTHING.factors_half_life_days, every_play=False)
    for model in models:
        shares.append(model.vectors[:, :-1] @ model.solved(profile)[0, :-1])
    together = np.mean(shares, axis=0)
    assert np.abs(shares[0] - shares[1]).max() > 0.1
    found = scores(Teacher(models, alone(), replace(NOTHING, factors=1.0)), situations)
    np.testing.assert_allclose(found, together / together.max(), atol=1e-6)


def test_popularity_is_what_everybody_hears_by_hand() -> None:
    """Company says 1/2 of item 0, popularity 1/10 of item 1 at most; together they weigh what company alone would."""
    teacher = Teacher([SILENT], alone(), replace(NOTHING, popularity=0.1, company=0.5))
    found = scores(teacher, heard((0, 1.0)), [2.0, 4.0, 1.0])
    assert found == pytest.approx([0.5 * (0.5 + 0.05) / 0.55, 0.5 * 0.1 / 0.55, 0.5 * 0.025 / 0.55])


def over_highest(values: NDArray[np.floating]) -> NDArray[np.floating]:
    highest = values.max(initial=0.0)
    return values / highest if highest > 0 else values


def slow(
    teacher: Teacher, items: list[int], days: list[float], popularity: NDArray[np.floating]
) -> NDArray[np.floating]:
    """The scores of one situation, written down opinion by opinion."""
    s, n_items = teacher.settings, len(popularity)
    own, closest, lately = np.zeros(n_items), np.eye(n_items), np.zeros((2, n_items))
    for item, day in zip(items, days, strict=True):
        age = max(days) - day
        own[item] += 2 ** (-age / s.own_half_life_days)
        for row, half_life in enumerate((s.company_half_life_days, s.factors_half_life_days)):
            lately[row, item] = max(lately[row, item], 2 ** (-age / half_life))
    for item in range(n_items):
        for other, cosine in zip(teacher.company.items[item], teacher.company.scores[item], strict=True):
            closest[item, other] += cosine if other >= 0 else 0.0
    profile = sp.csr_matrix(lately[1:].astype(np.float32))
    factors = np.mean([one.vectors[:, :-1] @ one.solved(profile)[0, :-1] for one in teacher.models], axis=0)
    factors = factors + teacher.models[0].settings.popularity_share * popularity
    others = s.factors * over_highest(factors) + s.popularity * over_highest(popularity)
    others = over_highest(others + s.company * over_highest(lately[0] @ closest))
    return (s.company + s.factors) * others + s.own * over_highest(own)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), min_size=1, max_size=8), st.integers(0, 5))
def test_the_mixture_is_that_of_its_opinions(listens: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    models = [model_of(rng.normal(size=(5, 3))), model_of(rng.normal(size=(5, 3)))]
    popularity = np.log1p(rng.integers(0, 4, 5)).astype(np.float32)
    teacher = Teacher(models, alone((0, 1, 0.5), (1, 2, 0.8), (0, 4, 0.1), n_items=5))
    listens = sorted(listens, key=lambda one: one[1])
    items, days = [one[0] for one in listens], [float(one[1]) for one in listens]
    found = scores(teacher, heard(*listens, n_items=5), popularity)
    np.testing.assert_allclose(found, slow(teacher, items, days, popularity), atol=1e-4)


def lesson_of(
    history: History, settings: TeacherSettings | None = None, known: ArrayLike | None = None, each: int = 3
) -> Lesson:
    """What a teacher with real company and made-up factors says of all situations."""
    factors = np.random.default_rng(0).normal(size=(history.n_items, 3))
    teacher = Teacher([model_of(factors)], fit_company(history, Playlists.none()), settings or TeacherSettings())
    everything = np.bincount(history.item, minlength=history.n_items) > 0
    there = everything if known is None else np.array(known, np.bool_)
    return prepare(teacher, history, draw_situations(history, each, 1_000, 0), there, half_life_days=7.0)


def held(lesson: Lesson, row: int) -> set[int]:
    one = lesson.situations
    return set(one.items[one.first[row] : one.last[row]].tolist())


def test_what_a_listener_plays_comes_first_then_its_company_then_the_rest() -> None:
    """0 and 1 are heard together, 2 and 3 are; factors say nothing, and nobody hears 4."""
    plays = [(0, 0, 0.0), (1, 1, 1.0), (1, 0, 1.0), (2, 2, 2.0), (2, 3, 2.0)]
    history = history_of(plays, 5)
    teacher = Teacher([model_of(np.zeros((5, 2)))], fit_company(history, Playlists.none()))
    there = np.array([True, True, True, True, False])
    lesson = prepare(teacher, history, draw_situations(history, 0, 10, 0), there, 7.0)
    assert lesson.liked.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [2, 3, 0, 1]]
    assert lesson.unheard.tolist() == [[1, 2, 3, -1], [2, 3, -1, -1], [0, 1, -1, -1]]
    assert (lesson.liked.dtype, lesson.unheard.dtype, lesson.week.dtype) == (np.int32,) * 3


@pytest.mark.parametrize("block", [1, 10, 8_000_000])
@given(history=histories(n_users=3), listed=st.sampled_from([1, 3, 50]))
def test_lists_hold_known_items_once_and_what_is_unheard_nothing_heard(
    block: int, history: History, listed: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher_module, "BLOCK_CELLS", block)
        lesson = lesson_of(history, TeacherSettings(listed=listed))
    width = min(listed, int(lesson.known.sum()))
    assert lesson.liked.shape == lesson.unheard.shape == (len(lesson.situations), width)
    for row in range(len(lesson.situations)):
        liked, fresh = lesson.liked[row].tolist(), lesson.unheard[row].tolist()
        assert -1 not in liked
        there = [item for item in fresh if item >= 0]
        assert fresh == there + [-1] * (width - len(there))
        assert len(set(liked)) == len(liked)
        assert len(set(there)) == len(there)
        assert {*liked, *there} <= set(np.flatnonzero(lesson.known).tolist())
        assert not set(there) & held(lesson, row)
        assert len(there) == min(width, int(lesson.known.sum()) - len(held(lesson, row)))


def test_one_situation_is_asked_about_as_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    history = history_of([(user, (user + day) % 9, float(day)) for day in range(12) for user in range(4)])
    whole = lesson_of(history)
    monkeypatch.setattr(teacher_module, "BLOCK_CELLS", 1)
    monkeypatch.setattr(teacher_module, "FOLDED_AT_ONCE", 3)
    single = lesson_of(history)
    np.testing.assert_array_equal(whole.liked, single.liked)
    np.testing.assert_array_equal(whole.unheard, single.unheard)


def test_equal_scores_stand_by_row() -> None:
    history = history_of([(0, 4, 0.0)] + [(1, item, 1.0) for item in (0, 1, 2, 3, 5)])
    teacher = Teacher([model_of(np.zeros((6, 2)))], alone(n_items=6), replace(NOTHING, own=1.0))
    lesson = prepare(teacher, history, draw_situations(history, 0, 10, 0), np.ones(6, np.bool_), 7.0)
    assert lesson.liked.tolist() == [[4, 0, 1, 2, 3, 5], [0, 1, 2, 3, 5, 4]]


@given(st.lists(st.integers(0, 2), min_size=6, max_size=12), st.integers(1, 5), st.integers(0, 3))
def test_at_the_end_of_a_list_equal_scores_go_to_the_smaller_rows(plays: list[int], listed: int, later: int) -> None:
    """However many rows the catalogue got since: the past must not depend on it."""
    n_items = len(plays)
    played = [(0, item, 0.0) for item, times in enumerate(plays) for _ in range(times)]
    history = history_of(played or [(0, 0, 0.0)], n_items + later)
    counts = np.bincount(history.item, minlength=n_items)[:n_items]
    silent, settings = model_of(np.zeros((n_items + later, 2))), replace(NOTHING, own=1.0, listed=listed)
    teacher = Teacher([silent], alone(n_items=n_items + later), settings)
    known = np.arange(n_items + later) < n_items
    lesson = prepare(teacher, history, draw_situations(history, 0, 10, 0), known, 7.0)
    assert lesson.liked.tolist() == [np.lexsort((np.arange(n_items), -counts))[:listed].tolist()]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [1, 7, 60, 800])
def test_the_best_of_many_are_those_of_a_whole_sort(n: int, seed: int) -> None:
    """Rows that a sample of them misleads too: its items are the best ones, the worst ones, the only finite ones."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(7, 800)).astype(np.float32)
    table[1] = rng.integers(0, 3, 800)
    table[2], table[3] = 0.0, -np.inf
    sampled = np.arange(800) % teacher_module.SAMPLED_EVERY == 0
    table[4, sampled] += 100.0
    table[5, sampled] -= 100.0
    table[6, ~sampled] = -np.inf
    expected = np.argsort(-table, axis=1, kind="stable")[:, :n]
    expected = np.where(np.take_along_axis(table, expected, axis=1) > -np.inf, expected, -1)
    np.testing.assert_array_equal(teacher_module._best(table, n), expected)


def test_an_item_that_nobody_knows_is_in_no_list() -> None:
    history = history_of([(0, 0, 0.0), (1, 1, 1.0)], 4)
    lesson = lesson_of(history, known=[True, True, False, False])
    assert lesson.liked.tolist() == [[0, 1], [1, 0]]
    assert lesson.unheard.tolist() == [[1, -1], [0, -1]]


def test_popularity_is_that_of_the_end_of_the_week() -> None:
    """Weeks of the home's clock: the first ends on day 7; the last is not over and ends with the log."""
    history = history_of([(0, 0, 1.0), (1, 1, 8.0), (0, 1, 15.0)], 2)
    lesson = lesson_of(history)
    assert (lesson.situations.moments / DAY_SECONDS).tolist() == [1.0, 15.0, 8.0]
    assert lesson.week.tolist() == [0, 2, 1]
    ends = [7 * DAY_SECONDS, 14 * DAY_SECONDS, history.end]
    for row, end in enumerate(ends):
        expected = recent_popularity(history.until(end), 7.0, end)
        np.testing.assert_allclose(lesson.popularity[row], expected, rtol=1e-6)
    np.testing.assert_allclose(lesson.popularity[0], np.log1p([2 ** (-6 / 7), 0.0]), rtol=1e-6)
    assert lesson.popularity.dtype == np.float32


def test_what_is_heard_after_a_situations_week_does_not_matter() -> None:
    """Situations of the first three weeks, of a log of five: another sixth week changes no list."""
    rng = np.random.default_rng(1)
    days = np.sort(rng.uniform(0.0, 35.0, 120))
    past = history_of([(int(rng.integers(5)), int(rng.integers(8)), float(day)) for day in days], 8)
    later = history_of([(int(rng.integers(5)), int(rng.integers(4)), 35.0 + n / 20) for n in range(100)], 8)
    names = ("user", "item", "timestamp", "event", "seconds_played", "duration_seconds", "session")
    both = replace(past, **{name: np.concatenate([getattr(past, name), getattr(later, name)]) for name in names})
    situations = draw_situations(past, 4, 100, 0)
    situations = situations.take(np.flatnonzero(situations.moments < 21 * DAY_SECONDS))
    assert len(situations) > 5
    teacher = Teacher([model_of(rng.normal(size=(8, 3)))], fit_company(past, Playlists.none()))
    one, two = (prepare(teacher, log, situations, np.ones(8, np.bool_), 7.0) for log in (past, both))
    for name in ("liked", "unheard", "week", "popularity"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("history", [history_of([], 3), with_event(history_of([(0, 1, 1.0)], 3), 0, Event.SKIP)])
def test_nobody_is_asked_about_nothing(history: History, tmp_path: Path) -> None:
    lesson = lesson_of(history, known=[False] * 3)
    assert (len(lesson.situations), lesson.liked.shape, lesson.popularity.shape) == (0, (0, 0), (0, 3))
    lesson.save(tmp_path / "lesson.npz")
    assert len(Lesson.load(tmp_path / "lesson.npz").situations) == 0


def test_saved_then_loaded_equals(tmp_path: Path) -> None:
    lesson = lesson_of(history_of([(0, 0, 0.0), (1, 1, 1.0), (0, 2, 9.0)], 4))
    lesson.save(tmp_path / "lesson.npz")
    back = Lesson.load(tmp_path / "lesson.npz")
    for name in ("liked", "unheard", "week", "popularity", "known"):
        np.testing.assert_array_equal(getattr(back, name), getattr(lesson, name))
        assert getattr(back, name).dtype == getattr(lesson, name).dtype
    for name in ("items", "times", "first", "last"):
        np.testing.assert_array_equal(getattr(back.situations, name), getattr(lesson.situations, name))
    assert back.situations.n_items == 4
    np.testing.assert_array_equal(back.situations.windows().shares, lesson.situations.windows().shares)
