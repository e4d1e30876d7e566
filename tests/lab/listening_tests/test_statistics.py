"""Numbers with known answers: textbook values, planted strengths, raters who toss coins, coverage of the intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lab.listening_tests.made import a_test, planted
from palate.lab.listening_tests.results import summary
from palate.lab.listening_tests.statistics.agreement import alpha
from palate.lab.listening_tests.statistics.intervals import (
    crossed_intervals,
    mean_intervals,
    score_interval,
    share_intervals,
)
from palate.lab.listening_tests.statistics.pairs import holm, sign_test, wilson
from palate.lab.listening_tests.statistics.preference import fit_davidson

_ = None
# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, example C: four observers, twelve units.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3),
    (_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _),
)
# Example A: two observers, ten units, two values.
TWO = ((0, 1, 0, 0, 0, 0, 0, 0, 1, 0), (1, 1, 1, 0, 0, 1, 0, 0, 0, 0))
PAIRS = np.array([[0, 1], [0, 2], [1, 2]])


def units(observers):
    return [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]


@pytest.mark.parametrize(
    ("observers", "metric", "published"),
    [(OBSERVERS, "nominal", 0.743), (OBSERVERS, "interval", 0.849), (TWO, "nominal", 0.095)],
)
def test_alpha_is_what_krippendorff_published(observers, metric, published):
    assert round(alpha(units(observers), metric), 3) == published


def test_alpha_by_hand():
    """Three units: (0, 0), (1, 1), (0, 1): observed 2/6, expected 18/30."""
    assert alpha([(0, 0), (1, 1), (0, 1)], "nominal") == pytest.approx(1 - (2 / 6) / (18 / 30))


def test_alpha_of_one_rater_or_one_value_is_unknown():
    assert math.isnan(alpha([(1,), (2,)], "nominal"))
    assert math.isnan(alpha([(1, 1), (1, 1)], "nominal"))
    assert math.isnan(alpha([], "interval"))


@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=5), min_size=2, max_size=8))
def test_alpha_of_numbers_is_the_same_for_any_unit_of_measure(values):
    first, scaled = alpha(values, "interval"), alpha([[10 * one - 3 for one in unit] for unit in values], "interval")
    assert first == pytest.approx(scaled, nan_ok=True, abs=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
def test_wilson_is_scipys(wins, losses):
    found = wilson(wins, wins + losses)
    if wins + losses:
        theirs = binomtest(wins, wins + losses).proportion_ci(method="wilson")
        assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-9), pytest.approx(theirs.high, abs=1e-9))
    else:
        assert (found.low, found.high) == (0.0, 1.0)


def test_sign_test_by_hand():
    assert sign_test(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert sign_test(0, 0) == 1.0


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([3 * 0.01, 2 * 0.03, 2 * 0.03])
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def expected_counts(strengths, v, answers):
    """(pairs, 3) what Davidson's model expects of so many answers to each pair."""
    one, two = np.exp(np.array(strengths))[PAIRS].T
    weights = np.stack([one, two, v * np.sqrt(one * two)], axis=1)
    return answers * weights / weights.sum(axis=1, keepdims=True)


def test_planted_strengths_and_ties_come_back_from_many_answers():
    counts = expected_counts((1.0, 0.2, -1.2), 0.7, 1e6)
    found = fit_davidson(counts[None], PAIRS, 3)[0]
    assert found == pytest.approx([1.0, 0.2, -1.2, math.log(0.7)], abs=1e-4)


def test_many_tables_at_once_are_each_as_alone():
    tables = np.stack([expected_counts((1, 0, -1), 1.0, 30), expected_counts((-2, 0, 2), 0.3, 10)])
    together = fit_davidson(tables, PAIRS, 3)
    assert together == pytest.approx(np.concatenate([fit_davidson(one[None], PAIRS, 3) for one in tables]), abs=1e-6)


@given(st.lists(st.integers(0, 40), min_size=9, max_size=9))
def test_the_fit_is_the_top_of_the_likelihood(counts):
    """At the top, what the model expects of each condition's points is what it got, the prior included."""
    table = np.array(counts, np.float64).reshape(1, 3, 3)
    found = fit_davidson(table, PAIRS, 3)[0]
    got = table[0] + 1 / 3
    expected = expected_counts(found[:3], math.exp(found[3]), got.sum(axis=1, keepdims=True))
    for condition in range(3):
        first, second = (condition == PAIRS).T
        points = [
            one[first, 0].sum() + one[second, 1].sum() + one[first | second, 2].sum() / 2 for one in (got, expected)
        ]
        assert points[0] == pytest.approx(points[1], abs=1e-4)


def test_a_condition_that_always_wins_stays_finite():
    found = fit_davidson(np.array([[[50.0, 0, 0], [50, 0, 0], [0, 0, 0]]]), PAIRS, 3)[0]
    assert np.isfinite(found).all()
    assert found[0] > 3


def test_planted_strengths_are_recovered_by_raters():
    """300 answers to each pair; the standard error of a strength is about .07."""
    test = a_test(cases=30, per_rater=30)
    found = summary(test, planted(test, (1.0, 0.0, -1.0), raters=30, ties=0.5, seed=1)).preference
    assert [one.value for one in found.strengths.values()] == pytest.approx([1.0, 0.0, -1.0], abs=0.25)
    assert all(one.low < true < one.high for one, true in zip(found.strengths.values(), (1, 0, -1), strict=True))
    assert found.tie_share == pytest.approx(0.5 / 2.5, abs=0.05)


def test_coin_tossers_prefer_nothing():
    test = a_test(conditions=("ours", "random"), cases=30, per_rater=30)
    found = summary(test, planted(test, (0.0, 0.0), raters=10, seed=4))
    pair = found.pairs[0]
    assert pair.share.low < 0.5 < pair.share.high
    assert pair.over_raters.low < 0.5 < pair.over_raters.high
    assert pair.p_holm > 0.05
    assert abs(found.agreement.alpha) < 0.1


def test_one_rater_gives_an_interval_over_cases_and_one_answer_gives_none():
    values = np.arange(8.0)[:, None]
    found = mean_intervals(values, ["anna"] * 8, np.arange(8))[0]
    assert found.low < 3.5 < found.high
    alone = mean_intervals(values[:1], ["anna"], ["case"])[0]
    assert (alone.value, math.isnan(alone.low)) == (0.0, True)


def test_answers_of_like_minded_raters_count_as_few():
    """Ten raters who each always say the same: the interval is that of ten values, however many cases they judged."""
    own = np.random.default_rng(0).normal(size=10)
    rater, case = np.repeat(np.arange(10), 40), np.tile(np.arange(40), 10)
    found = mean_intervals(own[rater][:, None], rater, case)[0]
    reach = 2.262 * own.std(ddof=1) / 10**0.5  # Student's t with 9 degrees of freedom
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.1)


def test_a_share_of_like_minded_raters_is_as_wide_as_that_of_as_many_answers():
    """Of ten raters seven always say yes: 7 of 10, however many cases they judged; t with 9 degrees for Wilson's z."""
    rater, case = np.repeat(np.arange(10), 40), np.tile(np.arange(40), 10)
    found = share_intervals((rater < 7)[:, None], np.ones((400, 1), np.bool_), rater, case)[0]
    expected = score_interval(0.7, 9, 2.262)  # 9: the variance of a sample is taken with n - 1
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=0.03), pytest.approx(expected.high, abs=0.03))


def test_shares_stay_within_0_and_1_and_are_no_points():
    every = np.ones((20, 1), np.bool_)
    found = share_intervals(every, every, np.arange(20) % 4, np.arange(20) // 4)[0]
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.7 < found.low < 0.9  # Wilson's for 20 of 20 is .84
    alone = share_intervals(every[:1], every[:1], ["anna"], ["case"])[0]
    assert math.isnan(alone.low)


def test_a_draw_without_answers_to_a_question_does_not_count():
    yes, known = np.array([[True], [False], [False]]), np.array([[True], [True], [False]])
    found = share_intervals(yes, known, [0, 1, 2], [0, 1, 2])[0]
    assert found.value == 0.5
    assert found.low <= 0.5 <= found.high
    nothing = share_intervals(yes, np.zeros((3, 1), np.bool_), [0, 1, 2], [0, 1, 2])[0]
    assert (math.isnan(nothing.value), nothing.low, nothing.high) == (True, 0.0, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("rater_spread", "case_spread"), [(0.0, 0.0), (0.6, 0.0), (0.5, 0.5)])
def test_intervals_of_a_mean_cover_the_truth_about_95_times_in_100(rater_spread, case_spread):
    """300 worlds of 12 raters x 20 cases; 95% +- 2.5% is two standard errors. Few clusters make it a little less."""
    rng, covered = np.random.default_rng(7), 0
    rater, case = np.repeat(np.arange(12), 20), np.tile(np.arange(20), 12)
    for world in range(300):
        values = rng.normal(0, rater_spread, 12)[rater] + rng.normal(0, case_spread, 20)[case] + rng.normal(size=240)
        found = crossed_intervals(lambda w, v=values: w @ v[:, None] / w.sum(axis=1)[:, None], rater, case, 200, world)
        covered += found[0].low < 0 < found[0].high
    assert 0.92 <= covered / 300 <= 0.99


@pytest.mark.slow
def test_intervals_of_strengths_cover_the_truth_about_95_times_in_100():
    """80 worlds of 10 raters whose tastes differ while no condition is better: by symmetry the truth is 0, 0, 0."""
    test, covered = a_test(cases=18, per_rater=18), []
    for world in range(80):
        answers = planted(test, (0.0, 0.0, 0.0), raters=10, seed=world, ties=0.6, rater_spread=0.6)
        found = summary(test, answers, seed=world).preference.strengths
        covered += [one.low < 0 < one.high for one in found.values()]
    assert 0.90 <= np.mean(covered) < 1.0
