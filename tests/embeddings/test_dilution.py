"""What a listen does to a taste: a bounded step towards what was heard, from which nothing is forgotten at once.

The laws are those of the record's windows, and so of Encoder.plain, which passes one window on. Of a learnt encoder,
which mixes coordinates, only the bound holds for every item (docs/rooms/staleness.md has what is measured of the rest).
"""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder, UserSettings, feature_count, features
from palate.embeddings.foundation import (
    Foundation,
    FoundationSettings,
    fit_factors,
    fit_foundation,
    fit_lesson,
)
from palate.embeddings.items import ItemSettings
from palate.embeddings.records import AFFINITY_HALF_LIFE, HALF_LIVES_DAYS, HALF_LIVES_SECONDS, UserRecord, decay
from palate.embeddings.start import Start
from palate.embeddings.statics import Statics
from palate.embeddings.teacher import TeacherSettings
from palate.listening.history import History
from palate.testing.strategies import histories

from .worlds import checkerboard, folded, inputs_of, made_up_items

DAY, DIM, N_ITEMS, WINDOWS = DAY_SECONDS, 4, 6, len(HALF_LIVES_DAYS)
VECTORS, KINDS_OF_ITEMS = made_up_items(N_ITEMS, DIM)
LONGEST = float(np.linalg.norm(VECTORS, axis=1).max())
PLAIN = Encoder.plain(DIM, popularity_share=0.1)
POWER = PLAIN.count_power
SLACK = 1e-4  # tastes are float32
YEARS = 365.25 * DAY
items = st.integers(1, N_ITEMS - 1)  # item 0 has no vector
gaps_days = st.floats(0.0, 400.0)


def record_of(history: History) -> UserRecord:
    record = folded(history, VECTORS, KINDS_OF_ITEMS).get(0, UserRecord.empty(DIM))
    assume(record.counts.sum() > 0)
    return record


def after(record: UserRecord, item: int, gap_days: float = 0.0, vectors: NDArray[np.float32] = VECTORS) -> UserRecord:
    """The record one play of `item` later."""
    new, kind = record.copy(), int(KINDS_OF_ITEMS[item % N_ITEMS])
    new.add(item, kind, vectors[item], record.at + gap_days * DAY, 1.0, False)
    return new


def counts_of(record: UserRecord) -> NDArray[np.float64]:
    return record.counts.sum(axis=1)


def means_of(record: UserRecord) -> NDArray[np.float64]:
    """(half-lives, dim): the mean vector of each window."""
    return np.asarray(record.sums.sum(axis=1) / counts_of(record)[:, None])


def window_bound(record: UserRecord, gap_days: float, length: float) -> NDArray[np.float64]:
    """(half-lives,) how far one play of a vector of `length` may move each window: the play itself, and the silence.

    (fC + 1)^-p (length + |mean|)  +  (1 - f^(1 - p)) C^(1 - p) |mean|      f: what the silence leaves, C: the count
    """
    count, means = counts_of(record), np.linalg.norm(means_of(record), axis=1)
    fade = decay(gap_days * DAY, HALF_LIVES_SECONDS)
    silence = (1.0 - fade ** (1.0 - POWER)) * count ** (1.0 - POWER) * means
    return np.asarray((fade * count + 1.0) ** -POWER * (length + means) + silence)


def windows_of(record: UserRecord) -> NDArray[np.float64]:
    return features([record], record.dim, POWER)[0, : WINDOWS * record.dim].reshape(WINDOWS, -1).astype(np.float64)


def nearness(taste: NDArray[np.float32], vector: NDArray[np.float32]) -> float:
    """The cosine over the factors: all coordinates but the last, popularity."""
    one, two = taste[:-1].astype(np.float64), vector[:-1].astype(np.float64)
    return float(one @ two / max(np.linalg.norm(one) * np.linalg.norm(two), 1e-12))


# One listen: a bounded step towards what was heard


def test_the_fourth_listen_moves_the_mean_a_quarter_of_the_way_by_hand() -> None:
    record = UserRecord.empty(2)
    for _ in range(3):
        record.add(0, 0, np.array([4.0, 0.0], np.float32), 0.0, 1.0, False)
    record.add(1, 0, np.array([0.0, 8.0], np.float32), 0.0, 1.0, False)
    assert means_of(record).tolist() == [[4 * 3 / 4, 8 * 1 / 4]] * 3


@given(histories(n_users=1), items, gaps_days)
def test_every_window_goes_towards_what_was_heard_by_the_new_listens_share(
    history: History, item: int, gap_days: float
) -> None:
    """The share is 1 / (fC + 1): the mean goes that part of the way to the item's vector, in a straight line."""
    record = record_of(history)
    share = (1.0 / (decay(gap_days * DAY, HALF_LIVES_SECONDS) * counts_of(record) + 1.0))[:, None]
    expected = (1.0 - share) * means_of(record) + share * VECTORS[item]
    np.testing.assert_allclose(means_of(after(record, item, gap_days)), expected, atol=1e-6)


@given(histories(n_users=1), items, gaps_days)
def test_the_step_of_a_window_is_bounded_and_the_bound_falls_with_what_was_heard(
    history: History, item: int, gap_days: float
) -> None:
    record = record_of(history)
    steps = np.linalg.norm(windows_of(after(record, item, gap_days)) - windows_of(record), axis=1)
    assert (steps <= window_bound(record, gap_days, float(np.linalg.norm(VECTORS[item]))) + SLACK).all()
    at_once = window_bound(record, 0.0, LONGEST)
    assert (at_once <= 2 * LONGEST * (counts_of(record) + 1.0) ** -POWER + 1e-9).all()


@given(histories(n_users=1), items, gaps_days)
def test_a_plain_taste_takes_the_step_of_the_month_towards_what_was_heard(
    history: History, item: int, gap_days: float
) -> None:
    record = record_of(history)
    later = after(record, item, gap_days)
    old, new = PLAIN.encode([record, later])
    step = float(np.linalg.norm((new - old).astype(np.float64)))
    assert step <= window_bound(record, gap_days, LONGEST)[AFFINITY_HALF_LIFE] + SLACK
    assert nearness(new, VECTORS[item]) >= nearness(old, VECTORS[item]) - SLACK


def encoder_bound(encoder: Encoder, old: UserRecord, new: UserRecord, gap_days: float, length: float) -> float:
    """How far one play may move any encoder's taste, without habits: its windows' steps times the encoder's norms."""
    dim = old.dim
    blocks = encoder.weights[: WINDOWS * dim].reshape(WINDOWS, dim, -1).astype(np.float64)
    stretch = np.array([np.linalg.norm(block, 2) for block in blocks])
    told = np.linalg.norm(encoder.weights[WINDOWS * dim : WINDOWS * (dim + 1)].astype(np.float64), axis=1)
    more = np.abs(np.log1p(counts_of(new)) - np.log1p(counts_of(old)))
    faded = abs(1.0 / (1.0 + counts_of(new)[-1]) - 1.0 / (1.0 + counts_of(old)[-1]))
    start = 0.0 if encoder.start is None else float(np.linalg.norm(encoder.start.stranger)) * faded
    return float(stretch @ window_bound(old, gap_days, length) + told @ more + start)


@given(histories(n_users=1), items, gaps_days, st.integers(0, 5))
def test_any_encoder_takes_a_bounded_step(history: History, item: int, gap_days: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = Start(rng.normal(size=DIM).astype(np.float32), np.zeros((0, DIM), np.float32), Statics({}))
    encoder = Encoder(rng.normal(size=(feature_count(DIM), DIM)).astype(np.float32), start=start)
    record = record_of(history)
    later = after(record, item, gap_days)
    old, new = encoder.encode([record, later]).astype(np.float64)
    assert np.linalg.norm(new - old) <= encoder_bound(encoder, record, later, gap_days, LONGEST) + 1e-3


# Again and again


@given(histories(n_users=1), items, st.lists(gaps_days, min_size=1, max_size=12))
def test_listening_again_and_again_turns_a_plain_taste_towards_it_and_never_back(
    history: History, item: int, gaps: list[float]
) -> None:
    record, near = record_of(history), []
    for gap in (0.0, *gaps):
        record = after(record, item, gap)
        near.append(nearness(PLAIN.encode([record])[0], VECTORS[item]))
    assert (np.diff(near) >= -SLACK).all()


@given(histories(n_users=1, most_events=10), items)
def test_a_hundred_times_what_was_heard_before_is_nearly_all_there_is(history: History, item: int) -> None:
    record = record_of(history)
    before, times = counts_of(record)[AFFINITY_HALF_LIFE], 0
    while times < 100 * max(before, 1.0):
        record, times = after(record, item), times + 1
    mean = means_of(record)[AFFINITY_HALF_LIFE]
    assert np.linalg.norm(mean - VECTORS[item]) <= 2 * LONGEST / 100 + 1e-9


# Nothing is forgotten at once


@given(histories(n_users=1), items)
def test_one_listen_takes_nothing_from_what_was_heard_before(history: History, item: int) -> None:
    """All that was there is there still, at C / (C + 1) of its share: never less than half once one play counts."""
    record = record_of(history)
    later = after(record, item)
    known, place = np.isin(later.items, record.items), np.searchsorted(later.items, item)
    others = later.items != item
    np.testing.assert_array_equal(later.items[known], record.items)
    np.testing.assert_array_equal(later.weights[known & others], record.weights[record.items != item])
    assert later.weights[place] >= 1.0
    kept = np.asarray(later.sums.sum(axis=1) - VECTORS[item]) / counts_of(later)[:, None]
    expected = means_of(record) * (counts_of(record) / (counts_of(record) + 1.0))[:, None]
    np.testing.assert_allclose(kept, expected, atol=1e-6)


@given(histories(n_users=1), items, st.floats(0.0, 3_650.0))
def test_a_silence_of_any_length_forgets_nothing_until_somebody_plays(
    history: History, item: int, silence_days: float
) -> None:
    """Time alone moves no mean; the first play after a long silence counts for as much as is left of the old."""
    record = record_of(history)
    idle = record.copy()
    idle._advance(record.at + silence_days * DAY)
    fine = counts_of(idle) > 1e-200
    np.testing.assert_allclose(means_of(idle)[fine], means_of(record)[fine], rtol=1e-6, atol=1e-9)


# Back after five years


def test_a_favourite_of_five_years_ago_is_weighed_up_when_its_listener_returns_to_it() -> None:
    record, favourite, other = UserRecord.empty(DIM), 2, 3
    for day in range(30):
        record.add(favourite, 0, VECTORS[favourite], day * DAY, 1.0, False)
    for day in range(100):
        record.add(other, 0, VECTORS[other], 5 * YEARS + day * DAY / 10, 1.0, False)
    forgotten = float(record.weights[0])
    assert record.items.tolist() == [favourite, other]
    assert forgotten < 1e-12
    assert record.plays.tolist() == [30, 100]  # that it was a favourite is still known
    near, weights = [nearness(PLAIN.encode([record])[0], VECTORS[favourite])], [forgotten]
    for _ in range(10):
        record = after(record, favourite, gap_days=0.1)
        near.append(nearness(PLAIN.encode([record])[0], VECTORS[favourite]))
        weights.append(float(record.weights[0]))
    assert (np.diff(near) > 0).all()
    assert (np.diff(weights) > 0.9).all()
    assert record.plays.tolist() == [40, 100]


# A learnt encoder, in a world that it has learnt

N = 30


@pytest.fixture(scope="module")
def learnt() -> tuple[Foundation, dict[int, UserRecord]]:
    """Even listeners hear even items, odd ones odd items."""
    pytest.importorskip("torch", reason="the foundation learns with torch, which is not installed")
    inputs = inputs_of(checkerboard(N))
    users = UserSettings(epochs=4, listed=N // 2, device="cpu")
    settings = FoundationSettings(ItemSettings(dim=9, iterations=5), TeacherSettings(ensemble=1), users)
    models = fit_factors(inputs, settings)
    lesson = fit_lesson(inputs, models, fit_company(inputs.history, inputs.playlists), settings)
    found = fit_foundation(inputs, models, lesson, settings)
    return found, dict(build_records(inputs.history, found.listened, np.zeros(N, np.uint8)))


def leaning(found: Foundation, record: UserRecord, odd: int) -> float:
    """How much more the items of one half are offered than those of the other."""
    scores = found.encoder.encode([record])[0].astype(np.float64) @ found.vectors.T
    return float(scores[odd::2].mean() - scores[1 - odd :: 2].mean())


@pytest.mark.slow
@pytest.mark.parametrize("user", [0, 1, 10, 15, 28])
def test_a_learnt_taste_leans_further_to_the_other_half_with_every_play_of_it(learnt, user: int) -> None:
    found, records = learnt
    record, other = records[user], (user + 1) % 2
    leans = [leaning(found, record, other)]
    for play in range(20):
        record = after(record, (other + 2 * play) % N, 0.1, found.listened)
        leans.append(leaning(found, record, other))
    assert leans[0] < 0 < leans[-1]
    assert (np.diff(leans) > 0).all()
    assert leans[1] < 0  # one play is not enough


@pytest.mark.slow
@pytest.mark.parametrize("gap_days", [0.0, 1.0, 30.0])
def test_a_learnt_taste_takes_a_bounded_step(learnt, gap_days: float) -> None:
    found, records = learnt
    length = float(np.linalg.norm(found.listened, axis=1).max())
    for user, record in records.items():
        later = after(record, (user + 1) % N, gap_days, found.listened)
        old, new = found.encoder.encode([record, later]).astype(np.float64)
        assert np.linalg.norm(new - old) <= encoder_bound(found.encoder, record, later, gap_days, length) + 1e-3


@pytest.mark.slow
def test_a_learnt_taste_offers_a_favourite_of_five_years_ago_again(learnt) -> None:
    """Thirty plays of one half, five years later fifty of the other; then back to the first favourite."""
    found, _ = learnt
    record, favourite = UserRecord.empty(found.encoder.dim), 4
    for day in range(30):
        record.add(favourite, 0, found.listened[favourite], day * DAY, 1.0, False)
    for play in range(50):
        record.add(1 + 2 * (play % 15), 0, found.listened[1 + 2 * (play % 15)], 5 * YEARS + play * DAY, 1.0, False)
    scores = []
    for _ in range(10):
        scores.append(float(found.encoder.encode([record])[0] @ found.vectors[favourite]))
        record = after(record, favourite, 0.1, found.listened)
    assert (np.diff(scores) > 0).all()
