"""The prediction from what was planted: each part by hand, and the whole against what then happened."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.clock import DAY_SECONDS
from palate.core.errors import Corrupt
from palate.core.items import KINDS
from palate.core.listens import Event
from palate.sources.world import Truth, World, WorldSettings, read_truth, simulate
from palate.sources.world.catalogue import TOPICS, topic_shares
from palate.sources.world.draws import Draws
from palate.sources.world.expected import expected_week, once, shortlisted
from palate.sources.world.listeners import make_population
from palate.sources.world.listening import RECENT_LISTENS, RECENT_SHARE, skip_chance
from palate.sources.world.plan import WEEK_SECONDS, door, week
from palate.sources.world.pools import SHORTLIST, make_pools
from palate.sources.world.simulate import LATER
from palate.sources.world.sittings import make_sittings
from palate.sources.world.streams import Past, Streams, pointers, sorted_into_streams

SMALL = WorldSettings(listeners=200, items=800, listens=40_000, playlists=0)
AFTERNOON = 14 * 3600.0 + 20_000 * DAY_SECONDS  # far from night: no sub-genre is calmer than another
SHARES = {0: 0.5, 1: 0.3, 2: 0.2}  # of the taste of the listener of `one_of_each`


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(SMALL, seed=0)


def past_before(world: World, moment: float) -> Past:
    """What everybody had heard before a moment."""
    plays = world.plays
    rows = np.flatnonzero((plays.event <= Event.SKIP) & (plays.timestamp < moment))
    rows = rows[np.argsort(plays.user[rows], kind="stable")]
    user = plays.user[rows].astype(np.int64)
    return Past(
        user, plays.item[rows].astype(np.int64), plays.timestamp[rows], user * 100_000 + plays.sitting[rows],
        plays.event[rows] == Event.SKIP,
    )  # fmt: skip


NOTHING = Past(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool)
)  # fmt: skip


def heard_by(*listens: tuple[int, float, int, bool]) -> Past:
    """What one listener had heard: (item, unix time, sitting, skipped)."""
    item, time, sitting, skip = zip(*listens, strict=True)
    return Past(np.zeros(len(item), np.int64), np.array(item), np.array(time), np.array(sitting), np.array(skip))


def one_of_each(world: World) -> Truth:
    """One listener on a phone, and one item for each kind and topic, which is nothing else: what is drawn is sure.

    Item rows are kind * TOPICS + topic. Nothing has a style, and the only sittings are for tracks and last one item.
    """
    n = len(KINDS) * TOPICS
    taste = np.zeros((1, 4, TOPICS), np.float32)
    for topic, share in SHARES.items():
        taste[:, :, topic] = share
    return replace(
        world.truth,
        topic=np.tile(np.eye(TOPICS, dtype=np.float32), (3, 1)), style=np.zeros((n, 4), np.float32),
        quality=np.zeros(n, np.float32), reach=np.full(n, 1.0 / TOPICS), language=np.full(n, -1),
        kind=np.repeat(np.arange(3), TOPICS).astype(np.uint8), group=np.arange(n), released=np.zeros(n),
        taste=taste, phase_start=np.array([[0.0, 1.0, 2.0, 3.0]]), listener_style=np.zeros((1, 4), np.float32),
        language_fit=np.zeros((1, len(world.truth.languages) + 1), np.float32),
        kind_mix=np.array([[1.0, 0.0, 0.0]], np.float32), utc_hours=np.zeros(1, np.float32),
        account_created=np.zeros(1), activity=np.array([1]), replay=np.ones(1), device=np.array([0]),
        span=np.array([0.0, AFTERNOON + 100 * DAY_SECONDS]),
    )  # fmt: skip


def sitting_for(topic: int) -> float:
    """The chance that a sitting of an old account in the afternoon is for a topic."""
    return 0.97 * SHARES.get(topic, 0.0) + 0.03 * float(topic_shares()[topic])


def staying(topic: int, known: bool) -> float:
    """1 - (0.05 + 0.85 (1 - affinity)^2), of which 0.4 is left for a re-listen; affinity by the formula of truth.py."""
    odds = np.exp(1.8) * max(SHARES.get(topic, 0.0), 1e-6)
    affinity = odds / (1.0 + odds)
    return float(1.0 - (0.4 if known else 1.0) * (0.05 + 0.85 * (1.0 - affinity) ** 2))


def test_somebody_new_at_the_door_by_hand(world: World) -> None:
    truth = one_of_each(world)
    chance = expected_week(truth, door(truth, np.array([0]), np.array([AFTERNOON])), NOTHING)
    by_hand = [sitting_for(topic) * staying(topic, known=False) for topic in range(TOPICS)]
    np.testing.assert_allclose(chance[0, :TOPICS], by_hand, rtol=2e-3)
    assert (chance[0, TOPICS:] == 0.0).all()  # no sittings for podcasts and audiobooks


def test_a_relisten_at_the_door_by_hand(world: World) -> None:
    truth = one_of_each(world)
    past = heard_by((1, AFTERNOON - 10 * DAY_SECONDS, 0, False), (2, AFTERNOON - 9 * DAY_SECONDS, 1, True))
    chance = expected_week(truth, door(truth, np.array([0]), np.array([AFTERNOON])), past)[0]
    # 0.42 for tracks, times the mean of a phone's surfaces: home, library, playlist, radio, search.
    replay = 0.42 * (0.25 * 1.0 + 0.25 * 1.5 + 0.25 * 1.2 + 0.10 * 0.55 + 0.15 * 0.8)
    again = replay * staying(1, known=True) + (1.0 - replay) * staying(1, known=False)
    assert chance[1] == pytest.approx(sitting_for(1) * again, rel=2e-3)
    assert chance[2] == pytest.approx(sitting_for(2) * staying(2, known=False), rel=2e-3)  # a skip does not come back


def test_a_week_of_somebody_new_by_hand(world: World) -> None:
    truth = one_of_each(world)
    at = truth.span[1] - 28 * DAY_SECONDS  # the one listen that is planned comes in the first of four weeks, or later
    plan = week(truth, np.array([0]), np.array([0]), np.array([at]))
    assert plan.sittings[0].tolist() == pytest.approx([0.25, 0.0, 0.0])
    chance = expected_week(truth, plan, NOTHING)[0]
    for topic in range(TOPICS):
        here = plan.topic[0, topic]
        assert chance[topic] == pytest.approx(1.0 - np.exp(-0.25 * here * staying(topic, known=False)), rel=1e-3)
    # The evening has a part in it: of synth pop, dance pop and singer-songwriters the loud ones lose to the calm one.
    away = plan.topic[0, :3] - [sitting_for(topic) for topic in range(3)]
    assert 0.0 < away[2] < 0.08
    assert away[0] < 0.0
    assert away[1] < 0.0
    assert plan.topic.sum() == pytest.approx(1.0)


def test_a_shortlist_is_as_counting_out_every_draw() -> None:
    share, weight = np.array([0.2, 0.7, 0.1]), np.array([5.0, 1.0, 0.3])
    by_hand = np.zeros(3)
    for draws in itertools.product(range(3), repeat=SHORTLIST):
        row = list(draws)
        by_hand += np.prod(share[row]) * np.bincount(row, weight[row], 3) / weight[row].sum()
    found = shortlisted(np.array([weight, 100 * weight], np.float32), share)
    np.testing.assert_allclose(found, [by_hand, by_hand], rtol=2e-3)
    np.testing.assert_array_equal(shortlisted(np.array([[2.0, 0.0]], np.float32), np.array([0.5, 0.5])), [[1.0, 0.0]])


@given(st.floats(0.0, 1.0), st.floats(1.0, 30.0))
def test_once_is_the_sum_over_lengths(chance: float, length: float) -> None:
    n = np.arange(1, 2_000)
    lengths = (1.0 / length) * (1.0 - 1.0 / length) ** (n - 1)
    at_least_one = (lengths * (1.0 - (1.0 - chance) ** n)).sum()
    assert float(once(np.array(chance), np.array(length))) == pytest.approx(at_least_one, abs=1e-9)


def stream_of(items: list[int], weights: list[float] | None = None) -> Streams:
    """One listener's listens in stream 5, all of them favourites."""
    n = len(items)
    yes, zero = np.ones(n, bool), np.zeros(n, np.int64)
    return Streams(zero, zero + 5, np.array(items), np.array(weights or [1.0] * n), yes, yes, yes)


def test_pointers_land_where_the_generator_points() -> None:
    items = [3, 1, 3, 2, 1, 3]
    landing = pointers(stream_of(items), np.ones(6, bool), np.array(items))
    by_hand = np.zeros(4)
    for lag, item in enumerate(reversed(items)):
        near = np.exp(-lag / RECENT_LISTENS) - np.exp(-(lag + 1) / RECENT_LISTENS)
        beyond = np.exp(-6 / RECENT_LISTENS)
        by_hand[item] += RECENT_SHARE * near + (1.0 - RECENT_SHARE + RECENT_SHARE * beyond) / 6
    assert by_hand.sum() == pytest.approx(1.0)
    assert landing.key.tolist() == [1, 2, 3]
    np.testing.assert_allclose(landing.chance(), by_hand[1:])


def test_growing_a_stream_is_as_having_heard_more() -> None:
    items = np.array([3, 1, 3, 2])
    before = pointers(stream_of([3, 1]), np.ones(2, bool), items[:2])
    whole = pointers(stream_of([3, 1, 3, 1]), np.ones(4, bool), np.array([3, 1, 3, 1]))
    grown = before.after(np.full(2, 2.0), np.full(2, 0.5))  # two more, half of them of each
    np.testing.assert_allclose(grown.count, whole.count)
    np.testing.assert_allclose(grown.total, whole.total)
    np.testing.assert_allclose(grown.chance().sum(), 1.0)
    np.testing.assert_allclose(grown.near, whole.near, atol=0.01)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_the_chances_of_a_stream_sum_to_one(items: list[int]) -> None:
    landing = pointers(stream_of(items), np.ones(len(items), bool), np.array(items))
    assert landing.chance().sum() == pytest.approx(1.0)
    later = landing.after(np.full(len(landing.key), 3.0), 0.4 * landing.chance())
    assert later.chance().sum() < 1.0  # the rest of what was added is new


def test_listens_are_put_into_the_streams_that_they_are_of(world: World) -> None:
    users, past = np.arange(200), past_before(world, SMALL.end)
    streams = sorted_into_streams(world.truth, users, past, make_pools(world.truth))
    sittings = make_sittings(users, make_population(SMALL, 0), world.truth, SMALL, Draws(0, "listening", 0))
    number = np.arange(len(sittings)) - np.searchsorted(sittings.user, sittings.user)
    planted = dict(zip((sittings.user * 100_000 + number).tolist(), sittings.topic.tolist(), strict=True))
    listen = np.repeat(np.arange(len(past.item)), np.bincount(_listen_of(streams, past), minlength=len(past.item)))
    right = streams.stream % TOPICS == np.array([planted[one] for one in past.sitting.tolist()])[listen]
    assert streams.weight.sum() == pytest.approx(len(past.item))
    assert streams.weight[right].sum() > 0.95 * len(past.item)


def _listen_of(streams: Streams, past: Past) -> np.ndarray:
    """The listen of each row: rows of a listen stand together, and their weights sum to one."""
    return np.minimum(np.floor(np.cumsum(streams.weight) - streams.weight / 2 + 1e-6).astype(int), len(past.item) - 1)


def test_what_is_predicted_is_what_happens(world: World) -> None:
    predicted, happened = [], []
    for weeks in range(1, 14, 2):
        moment = SMALL.end - weeks * WEEK_SECONDS
        past = past_before(world, moment)
        before = np.bincount(past.who, minlength=200)
        chance = expected_week(world.truth, week(world.truth, np.arange(200), before, np.full(200, moment)), past)
        plays = world.plays
        rows = (plays.event == Event.PLAY) & (plays.timestamp >= moment) & (plays.timestamp < moment + WEEK_SECONDS)
        heard = np.zeros(chance.shape, bool)
        heard[plays.user[rows], plays.item[rows]] = True
        predicted.append(chance)
        happened.append(heard)
    chance, heard = np.concatenate(predicted).ravel(), np.concatenate(happened).ravel()
    for low, high in itertools.pairwise((0.003, 0.01, 0.03, 0.1, 0.3, 1.0)):
        group = (chance >= low) & (chance < high)
        total = float(chance[group].sum())
        # Plays come in sittings of a few heavy listeners: the noise is more than that of as many coins.
        assert float(heard[group].sum()) == pytest.approx(total, abs=0.2 * total + 2.0 * total**0.5)


def test_together_is_as_one_by_one_and_nothing_impossible_is_predicted(world: World) -> None:
    truth, moment = world.truth, SMALL.end - 5 * WEEK_SECONDS
    past = past_before(world, moment)
    users = np.array([3, 50, 120])
    chances = []
    for asked in (users, users[1:2]):
        place = np.full(200, -1)
        place[asked] = np.arange(len(asked))
        rows = np.flatnonzero(place[past.who] >= 0)
        mine = Past(place[past.who[rows]], past.item[rows], past.time[rows], past.sitting[rows], past.skip[rows])
        before = np.bincount(mine.who, minlength=len(asked))
        chances.append(expected_week(truth, week(truth, asked, before, np.full(len(asked), moment)), mine))
    np.testing.assert_allclose(chances[0][1:2], chances[1], rtol=1e-4, atol=1e-9)
    assert chances[0].min() >= 0.0
    assert chances[0].max() <= 1.0
    assert (chances[0][:, (truth.reach == 0.0) | (truth.released > moment + WEEK_SECONDS)] == 0.0).all()


def test_a_turn_within_the_week_is_foreseen_unless_the_taste_is_frozen(world: World) -> None:
    truth = world.truth
    user, moment = truth.turned[:1], truth.turn_time[:1] - 2 * DAY_SECONDS
    new = truth.topic_genre == truth.turn_genre[0]
    foreseen, frozen = (
        week(truth, user, np.array([0]), moment, foresight=foresight).topic[0, new].sum() for foresight in (True, False)
    )
    assert foreseen > 3 * frozen


def test_a_truth_from_before_is_completed_from_the_recipe(world: World, tmp_path: Path) -> None:
    small = simulate(WorldSettings(listeners=5, items=400, listens=50, playlists=0), seed=3)
    small.write(tmp_path)
    arrays = read_arrays(tmp_path / "truth.npz")
    older = {name: array for name, array in arrays.items() if name not in LATER}
    write_arrays(tmp_path / "truth.npz", **older)
    completed = read_truth(tmp_path / "truth.npz")
    for name in LATER:
        np.testing.assert_array_equal(getattr(completed, name), arrays[name])
    write_arrays(tmp_path / "truth.npz", **{**older, "taste": older["taste"][:, ::-1]})
    with pytest.raises(Corrupt, match="would not plan"):
        read_truth(tmp_path / "truth.npz")


def test_skip_chance_is_the_one_of_the_hand_calculations() -> None:
    assert skip_chance(np.array([0.0, 1.0]), np.array([False, False])).tolist() == pytest.approx([0.9, 0.05])
