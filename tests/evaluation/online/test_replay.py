"""Replay: estimates by hand, the truth of a planted world, and diagnostics that fire when they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.evaluation.online.planted import PLACES, SHELF, Planted, chances, plant, show
from palate.evaluation.online.replay import Logged, replay, to_json


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(400, 0, items=400)


def of(propensity, reward, listener=None) -> Logged:
    chance = np.asarray(propensity, float)
    who = np.arange(len(chance)) if listener is None else np.asarray(listener)
    return Logged(who.astype(np.int64), chance, np.asarray(reward, float))


def test_estimates_by_hand():
    """Two slates of two places; weights 2 and 0.5, then 4 and 1."""
    log = of([[0.25, 0.8], [0.1, 0.5]], [[1.0, 1.0], [1.0, 0.0]])
    one = replay(log, np.array([[0.5, 0.4], [0.4, 0.5]]), cap=3.0, draws=10)
    assert one.logged.value == (2 + 1) / 2
    assert one.ips.value == pytest.approx(((2 + 0.5) + 4) / 2)
    assert one.capped.value == pytest.approx(((2 + 0.5) + 3) / 2)
    assert one.self_normalised.value == pytest.approx((2 + 4) / (2 + 4) + 0.5 / (0.5 + 1))
    assert one.lift.value == pytest.approx(5.5 / 3 - 1)
    assert one.mean_weight.value == pytest.approx((2 + 0.5 + 4 + 1) / 4)
    assert one.effective_slates == pytest.approx(min((2 + 4) ** 2 / (4 + 16), 1.5**2 / 1.25))
    assert one.capped_share == pytest.approx(1 / 7.5)
    assert (one.largest_weight, one.slates, one.listeners, one.cap) == (pytest.approx(4.0), 2, 2, 3.0)


def test_the_default_cap_is_the_root_of_the_slates():
    assert replay(of(np.ones((49, 1)), np.ones((49, 1))), np.ones((49, 1)), draws=2).cap == 7.0


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 9))
def test_the_same_policy_gets_what_was_logged(n, k, seed):
    rng = np.random.default_rng(seed)
    log = of(rng.uniform(0.1, 1.0, (n, k)), rng.integers(0, 2, (n, k)), rng.integers(0, 3, n))
    one = replay(log, log.propensity, draws=20)
    for estimate in (one.ips, one.capped, one.self_normalised):
        assert estimate.value == pytest.approx(one.logged.value)
        assert (estimate.low, estimate.high) == pytest.approx((one.logged.low, one.logged.high))
    assert one.effective_slates == pytest.approx(n)
    assert np.isnan(one.lift.value) if one.logged.value == 0.0 else one.lift.value == pytest.approx(0.0)
    assert (one.capped_share, one.supported) == (0.0, True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 50), st.floats(0.5, 5.0))
def test_the_cap_never_raises_an_estimate_of_rewards(seed, cap):
    rng = np.random.default_rng(seed)
    log = of(rng.uniform(0.05, 1.0, (20, 3)), rng.integers(0, 2, (20, 3)))
    one = replay(log, rng.uniform(0.0, 1.0, (20, 3)), cap=cap, draws=5)
    assert one.capped.value <= one.ips.value + 1e-12


def test_the_slates_of_one_listener_are_drawn_together():
    """Four listeners with 50 slates of their own kind each: the interval is that of four, not of 200."""
    listener = np.repeat(np.arange(4), 50)
    reward = np.isin(listener, [0, 1]).astype(float)[:, None]
    together = replay(of(np.ones((200, 1)), reward, listener), np.ones((200, 1)), draws=400)
    apart = replay(of(np.ones((200, 1)), reward), np.ones((200, 1)), draws=400)
    assert together.ips.high - together.ips.low > 4 * (apart.ips.high - apart.ips.low)
    assert together.listeners == 4


def test_the_value_of_a_policy_is_what_it_gets_when_served(planted):
    rng = np.random.default_rng(0)
    for policy in (planted.popular, planted.taste, planted.lifted(0.03)):
        served = show(planted, policy, np.repeat(np.arange(400), 20 * planted.visits), rng).heard.sum(axis=1)
        assert served.mean() == pytest.approx(planted.value(policy), abs=4 * served.std() / len(served) ** 0.5)


def test_the_planted_lift_is_exact_and_has_a_limit(planted):
    assert planted.value(planted.lifted(0.03)) / planted.value(planted.popular) == pytest.approx(1.03)
    with pytest.raises(BadInput, match="out of reach"):
        planted.lifted(50.0)


def test_policies_are_chances_and_slates_hold_no_item_twice(planted):
    for policy in (planted.popular, planted.taste, planted.lifted(0.1)):
        assert policy.min() > 0.0
        np.testing.assert_allclose(policy.sum(axis=2), 1.0)
    assert all(len(set(row)) == PLACES * SHELF for row in planted.items.reshape(400, -1).tolist())


def test_items_are_drawn_with_the_chances_that_are_written_down(planted):
    listeners = np.zeros(40_000, np.int64)
    shown = show(planted, planted.taste, listeners, np.random.default_rng(1))
    for place in (0, PLACES - 1):
        met = np.bincount(shown.choice[:, place], minlength=SHELF)
        expected = 40_000 * planted.taste[0, place]
        assert ((met - expected) ** 2 / expected).sum() < 24.3  # chi-square with 7 degrees of freedom, p = 0.001
    written = chances(planted.taste, shown)
    assert written[7, 3] == planted.taste[0, 3, shown.choice[7, 3]]


@pytest.mark.slow
def test_the_interval_covers_the_true_value_of_a_policy_that_never_ran():
    """95% is the promise; of 100 replays 8 or fewer may miss, the 97.5% point of a binomial being 9."""
    planted = plant(3_000, 1, items=400)
    rng, better = np.random.default_rng(2), planted.lifted(0.03)
    truth = planted.value(better)
    truths = {"ips": truth, "capped": truth, "self_normalised": truth, "lift": 0.03}
    misses = dict.fromkeys(truths, 0)
    for number in range(100):
        drawn = rng.choice(3_000, 300, replace=False)
        shown = show(planted, planted.popular, np.repeat(drawn, planted.visits[drawn]), rng)
        log = of(chances(planted.popular, shown), shown.heard, shown.listener)
        one = replay(log, chances(better, shown), draws=300, seed=number)
        for way, true in truths.items():
            found = getattr(one, way)
            misses[way] += not found.low <= true <= found.high
    assert max(misses.values()) <= 9, misses


def test_wrong_propensities_and_impossible_items_are_noticed(planted):
    rng = np.random.default_rng(3)
    shown = show(planted, planted.popular, np.repeat(np.arange(400), 5), rng)
    true = chances(planted.popular, shown)
    good = replay(of(true, shown.heard, shown.listener), chances(planted.taste, shown), draws=200)
    assert good.supported
    lying = of(np.full_like(true, 1 / SHELF), shown.heard, shown.listener)
    assert not replay(lying, chances(planted.taste, shown), draws=200).supported
    fixed = of(np.ones_like(true), shown.heard, shown.listener)  # a policy without chance: nothing else was possible
    assert not replay(fixed, chances(planted.taste, shown), draws=200).supported


@pytest.mark.parametrize(
    ("propensity", "target", "says"),
    [
        (np.ones((2, 3)), np.ones((2, 2)), "shapes"),
        (np.ones((0, 3)), np.ones((0, 3)), "shapes"),
        (np.full((2, 2), np.nan), np.ones((2, 2)), "logged propensity is unknown"),
        (np.zeros((2, 2)), np.ones((2, 2)), "logged propensity"),
        (np.ones((2, 2)), np.full((2, 2), 1.5), "chance of the other policy"),
    ],
)
def test_what_cannot_be_replayed(propensity, target, says):
    with pytest.raises(BadInput, match=says):
        replay(of(propensity, np.zeros(propensity.shape)), target)


def test_a_replay_as_plain_values():
    told = to_json(replay(of(np.ones((4, 1)), np.ones((4, 1))), np.ones((4, 1)), draws=3))
    assert told["ips"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert (told["slates"], told["supported"]) == (4, True)
