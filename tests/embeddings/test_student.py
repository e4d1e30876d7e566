"""The student gives the scores that the space will give, and its loss is the cross-entropy that is written down."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.embeddings.encoder import Encoder, UserSettings, feature_count
from palate.embeddings.foundation import SHARPNESS, Foundation
from palate.embeddings.records import UserRecord
from palate.embeddings.situations import Situations, draw_situations
from palate.embeddings.student import Batch, ListLoss, Vectors
from palate.embeddings.teacher import Lesson
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import history_of

DIM, N_ITEMS, LISTED = 4, 6, 5
CPU = torch.device("cpu")
ONE_OF_SIX_IS_UNKNOWN = np.array([True, True, True, True, True, False])


def foundation_of(seed: int, count_power: float = 0.85) -> Foundation:
    rng = np.random.default_rng(seed)
    listened, vectors = rng.normal(size=(2, N_ITEMS, DIM)).astype(np.float32)
    weights = rng.normal(size=(feature_count(DIM), DIM)).astype(np.float32)
    return Foundation(listened, vectors, Encoder(weights, count_power))


def lesson_of(situations: Situations, seed: int = 0) -> Lesson:
    """Made-up lists of known items, those of the unheard ones short, and one week's popularity."""
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(ONE_OF_SIX_IS_UNKNOWN)
    liked = np.array([rng.permutation(known) for _ in range(len(situations))], np.int32).reshape(-1, LISTED)
    unheard = np.full_like(liked, -1)
    for row, (first, last) in enumerate(zip(situations.first, situations.last, strict=True)):
        fresh = [item for item in liked[row].tolist() if item not in situations.items[first:last]]
        unheard[row, : len(fresh)] = fresh
    week = np.zeros(len(situations), np.int32)
    popularity = np.log1p(rng.integers(0, 5, (1, N_ITEMS))).astype(np.float32)
    return Lesson(situations, liked, unheard, week, popularity, ONE_OF_SIX_IS_UNKNOWN)


def batch_of(lesson: Lesson, listed: int = LISTED) -> Batch:
    return Batch.of(lesson, np.arange(len(lesson.situations)), listed, CPU)


def records(situations: Situations, listened: NDArray[np.float32]) -> list[UserRecord]:
    """What a server would hold of these listens: each folded in alone, kinds taking turns."""
    found = []
    for first, last in zip(situations.first, situations.last, strict=True):
        record = UserRecord.empty(DIM)
        for place in range(first, last):
            item = int(situations.items[place])
            record.add(item, item % 3, listened[item], float(situations.times[place]), 1.0, False)
        found.append(record)
    return found


@given(histories(n_items=N_ITEMS - 1), st.floats(0.0, 1.0), st.integers(0, 3))
def test_what_is_taught_is_what_is_served(history: History, count_power: float, seed: int) -> None:
    """The tastes of a batch are those of the encoder, and its scores those of the space's item vectors."""
    situations = draw_situations(replace(history, n_items=N_ITEMS), 3, 100, 0)
    space, lesson = foundation_of(seed, count_power), lesson_of(situations)
    if not len(situations):
        return
    vectors, batch = Vectors(space), batch_of(lesson)
    with torch.no_grad():
        tastes = vectors.tastes(batch, count_power)
        scores = vectors.scores(tastes, torch.arange(N_ITEMS), batch.popularity).numpy()
    served = space.encoder.encode(records(situations, space.listened))
    limit = 1e-4 * np.abs(served).max()
    np.testing.assert_allclose(SHARPNESS * tastes[:, :-1].numpy(), served[:, :-1], atol=limit)
    np.testing.assert_allclose(tastes[:, -1].numpy(), served[:, -1], atol=limit)
    offered = np.concatenate([space.vectors[:, :-1], lesson.popularity.T], axis=1)
    np.testing.assert_allclose(scores, served @ offered.T, atol=10 * limit)


def test_what_learnt_nothing_gives_back_what_it_was_given() -> None:
    start, popularity = foundation_of(1, 0.7), np.arange(N_ITEMS, dtype=np.float32)
    found = Vectors(start).learnt(popularity, 0.7)
    np.testing.assert_array_equal(found.listened, start.listened)
    np.testing.assert_array_equal(found.vectors[:, :-1], start.vectors[:, :-1])
    np.testing.assert_array_equal(found.vectors[:, -1], popularity)
    np.testing.assert_allclose(found.encoder.weights, start.encoder.weights, rtol=1e-6)
    assert found.encoder.count_power == 0.7


def test_nothing_of_the_start_is_written_to() -> None:
    start, before = foundation_of(1), foundation_of(1)
    vectors = Vectors(start)
    with torch.no_grad():
        for one in vectors.parameters():
            one.fill_(7.0)
    np.testing.assert_array_equal(start.listened, before.listened)
    np.testing.assert_array_equal(start.vectors, before.vectors)
    np.testing.assert_array_equal(start.encoder.weights, before.encoder.weights)


def test_some_items_have_the_scores_that_they_have_among_all() -> None:
    lesson = lesson_of(draw_situations(history_of([(0, 1, 0.0), (1, 2, 1.0)], N_ITEMS), 1, 9, 0))
    vectors, batch = Vectors(foundation_of(2)), batch_of(lesson)
    chosen = torch.tensor([[3, 0], [5, 5]])
    with torch.no_grad():
        tastes = vectors.tastes(batch, 0.85)
        whole = vectors.scores(tastes, torch.arange(N_ITEMS), batch.popularity)
        some = vectors.scores(tastes, chosen, batch.popularity.gather(1, chosen))
    np.testing.assert_allclose(some.numpy(), whole.gather(1, chosen).numpy(), atol=1e-5)


def test_a_batch_holds_its_rows_in_their_order_by_hand() -> None:
    """u0 hears 1 and 2 on day 0 and 1 again on day 7; u1 hears 3 on day 1."""
    history = history_of([(0, 1, 0.0), (0, 2, 0.0), (1, 3, 1.0), (0, 1, 7.0)], N_ITEMS)
    lesson = lesson_of(draw_situations(history, 9, 9, 0))
    batch = Batch.of(lesson, np.array([2, 1]), 3, CPU)
    assert batch.items.tolist() == [3, 1, 2, 1]
    assert batch.starts.tolist() == [0, 1]
    assert batch.shares[0].tolist() == [1.0, 0.5, 0.5, 1.0]
    assert batch.counts[0].tolist() == [1.0, 2.0]
    assert batch.heard.tolist() == [[0, 1, 1, 1], [3, 1, 2, 1]]
    assert batch.liked.tolist() == lesson.liked[[2, 1], :3].tolist()
    assert batch.unheard.tolist() == lesson.unheard[[2, 1], :3].tolist()
    assert batch.popularity.tolist() == lesson.popularity[[0, 0]].tolist()


def test_hidden_listens_leave_a_strangers_taste_and_are_still_what_was_heard() -> None:
    lesson = lesson_of(draw_situations(history_of([(0, 1, 0.0), (1, 2, 1.0), (1, 3, 1.0)], N_ITEMS), 0, 9, 0))
    rows = np.arange(len(lesson.situations))
    seen, half = (Batch.of(lesson, rows, LISTED, CPU, hidden) for hidden in (None, np.array([False, True])))
    space = foundation_of(1)
    with torch.no_grad():
        tastes = [Vectors(space).tastes(one, 0.85).numpy() for one in (seen, half)]
    np.testing.assert_allclose(tastes[1][0], tastes[0][0], rtol=1e-6)
    stranger = space.encoder.encode([UserRecord.empty(DIM)])[0]
    np.testing.assert_allclose(tastes[1][1], stranger / [*[SHARPNESS] * (DIM - 1), 1.0], rtol=1e-5)
    for name in ("heard", "liked", "unheard", "popularity"):
        np.testing.assert_array_equal(getattr(half, name).numpy(), getattr(seen, name).numpy())


# The loss


def entropy(listed: NDArray[np.int64], scores: NDArray[np.float64], among: NDArray[np.float64]) -> float:
    """Of one list, -1 where it ends: the mean of -log softmax among these scores, its r-th item weighing 1 / r."""
    weights = [1 / (place + 1) for place in range((listed >= 0).sum())]
    if not weights:
        return 0.0
    total = np.log(np.exp(among).sum())
    found = [weight * (total - scores[item]) for weight, item in zip(weights, listed, strict=False)]
    return float(sum(found) / sum(weights))


def slow_loss(
    space: Foundation, lesson: Lesson, settings: UserSettings, drawn: NDArray[np.int64] | None = None
) -> float:
    """The loss from the space's own answers, one situation at a time; `drawn` in place of all known items."""
    situations = lesson.situations
    offered = np.concatenate([space.vectors[:, :-1], lesson.popularity.T], axis=1).astype(np.float64)
    rivals = np.flatnonzero(lesson.known) if drawn is None else drawn
    stand_for = np.log(lesson.known.sum() / len(rivals))
    told = []
    for row, record in enumerate(records(situations, space.listened)):
        scores = offered @ space.encoder.encode([record])[0].astype(np.float64)
        heard = situations.items[situations.first[row] : situations.last[row]]
        losses = []
        for listed, allowed in ((lesson.liked[row], rivals), (lesson.unheard[row], np.setdiff1d(rivals, heard))):
            listed = listed[: settings.listed]
            itself = scores[listed[listed >= 0]] if drawn is not None else np.zeros(0)
            losses.append(entropy(listed, scores, np.concatenate([itself, scores[allowed] + stand_for])))
        told.append(losses[0] + settings.unheard_share * losses[1])
    return float(np.mean(told))


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    """Ten situations; one has heard all known items, so that nothing is left for its list of unheard ones."""
    plays = [(user, (3 * user + day * day) % 5, float(day)) for day in range(4) for user in range(3)]
    plays += [(3, item, 5.0) for item in range(5)]
    found = lesson_of(draw_situations(history_of(plays, N_ITEMS), 2, 10, 0))
    assert (found.unheard[-1] == -1).all()
    assert ((found.unheard >= 0).any(axis=1) & (found.unheard < 0).any(axis=1)).any()
    return found


def loss_of(lesson: Lesson, settings: UserSettings, generator: torch.Generator | None = None) -> torch.Tensor:
    known = torch.from_numpy(np.flatnonzero(lesson.known))
    found = ListLoss(settings, known, generator or torch.Generator().manual_seed(0))
    return found.loss(Vectors(foundation_of(3)), batch_of(lesson, settings.listed))


@pytest.mark.parametrize("unheard_share", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("listed", [2, LISTED])
def test_the_loss_among_all_items_is_the_written_one(lesson: Lesson, unheard_share: float, listed: int) -> None:
    settings = UserSettings(unheard_share=unheard_share, listed=listed)
    found = float(loss_of(lesson, settings).detach())
    assert found == pytest.approx(slow_loss(foundation_of(3), lesson, settings), rel=1e-4)


def test_the_loss_among_all_items_drawn_by_chance_is_the_written_one(lesson: Lesson) -> None:
    """So many are drawn that every known item is among them, once."""
    settings = UserSettings(all_items_below=0, negatives=500)
    found = float(loss_of(lesson, settings).detach())
    everything = np.flatnonzero(lesson.known)
    assert found == pytest.approx(slow_loss(foundation_of(3), lesson, settings, everything), rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_each_drawn_item_stands_for_several(lesson: Lesson, seed: int) -> None:
    settings = UserSettings(all_items_below=0, negatives=3)
    known = torch.from_numpy(np.flatnonzero(lesson.known))
    drawn = ListLoss(settings, known, torch.Generator().manual_seed(seed))._drawn().numpy()
    assert 1 <= len(drawn) <= 3
    assert set(drawn.tolist()) <= set(known.tolist())
    found = float(loss_of(lesson, settings, torch.Generator().manual_seed(seed)).detach())
    assert found == pytest.approx(slow_loss(foundation_of(3), lesson, settings, drawn), rel=1e-4)


def test_all_items_are_scored_up_to_the_size_that_is_set() -> None:
    known, generator = torch.arange(5), torch.Generator()
    wholes = [ListLoss(UserSettings(all_items_below=most), known, generator).whole for most in (4, 5, 6)]
    assert wholes == [False, True, True]


@pytest.mark.parametrize("all_items_below", [0, 100])
def test_an_item_that_nobody_knows_is_not_moved(lesson: Lesson, all_items_below: int) -> None:
    """Nor is what a listener's taste is made of, of what nobody heard."""
    settings = UserSettings(all_items_below=all_items_below, negatives=500)
    vectors = Vectors(foundation_of(3))
    known = torch.from_numpy(np.flatnonzero(lesson.known))
    ListLoss(settings, known, torch.Generator().manual_seed(0)).loss(vectors, batch_of(lesson)).backward()
    for side in (vectors.listened, vectors.offered):
        assert side.grad is not None
        assert np.isfinite(side.grad.numpy()).all()
        assert side.grad[:5].abs().sum(dim=1).min() > 0
        assert not side.grad[5].any()


def test_who_has_heard_everything_teaches_nothing_about_unheard_items(lesson: Lesson) -> None:
    last = Batch.of(lesson, np.array([len(lesson.situations) - 1]), LISTED, CPU)
    known, losses = torch.from_numpy(np.flatnonzero(lesson.known)), []
    for share in (0.0, 4.0):
        settings = UserSettings(unheard_share=share)
        losses.append(
            float(ListLoss(settings, known, torch.Generator()).loss(Vectors(foundation_of(3)), last).detach())
        )
    assert losses[0] == losses[1] > 0
