from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.core.settings import Settings
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.popular import PopularAll
from palate.evaluation.twin import Offers, Twin, TwinSettings, from_lists, simulate_weeks, twin
from palate.evaluation.twin import measures as m
from palate.evaluation.twin.compare import _last_weeks
from palate.evaluation.twin.discoveries import fit_discoveries
from palate.evaluation.twin.habits import fit_habits, qualified, weeks_back
from palate.evaluation.twin.rates import Evidence, evidence, fit_rates, sittings_of
from palate.evaluation.twin.simulate import drawn_sittings
from palate.evaluation.twin.weeks import Choices, Weeks
from palate.listening.history import History
from palate.sources.world import World, WorldSettings, simulate

from .simulated import world_inputs
from .worlds import history_of, inputs_of, random_history

WEEK = 7 * DAY_SECONDS
CONTEXT = m.Context(genre=np.array([0, 0, 1, -1]), kind=np.zeros(4, np.uint8))


@dataclass(frozen=True)
class Fixed:
    """A model that offers everybody the same."""

    items: NDArray[np.int32]
    scores: NDArray[np.float64]
    before: bool = True

    def offers(self, users: NDArray[np.int32]) -> Offers:
        shape = (len(users), len(self.items))
        return Offers(np.broadcast_to(self.items, shape), np.broadcast_to(self.scores, shape))

    def offers_before(self, users: NDArray[np.int32]) -> Offers | None:
        return self.offers(users) if self.before else None


NOTHING = Fixed(np.full(1, -1, np.int32), np.zeros(1), before=False)


def weeks(plays: list[tuple[int, int, int]], listeners: int, draws: int, known: tuple[int, ...] = ()) -> Weeks:
    """From (listener, draw, item), an hour apart from midnight on; items in `known` had been heard."""
    listener, draw, item = (np.array([play[at] for play in plays], np.int64) for at in range(3))
    time = np.arange(len(plays)) * 3600.0
    return Weeks(listener, draw, item.astype(np.int32), time, np.isin(item, known), listeners, draws)


def test_a_softmax_over_what_is_offered() -> None:
    offers = Offers(np.array([[4, 2, -1], [-1, -1, -1]], np.int32), np.array([[2.0, 1.0, 99.0], [0.0, 0.0, 0.0]]))
    weight = np.exp(np.array([2.0, 1.0]) / 0.5)
    assert offers.probabilities(0.5)[0].tolist() == pytest.approx([*(weight / weight.sum()), 0.0])
    assert offers.probabilities(0.5)[1].tolist() == [0.0, 0.0, 0.0]
    assert offers.probabilities(1e-4)[0].tolist() == pytest.approx([1.0, 0.0, 0.0])


def test_lists_are_scored_by_rank_and_what_was_heard_is_left_out() -> None:
    history = history_of([(0, 0, 1.0), (1, 0, 1.0), (1, 1, 2.0), (1, 2, 3.0), (1, 1, 4.0)])
    model = from_lists(PopularAll().fit(inputs_of(history), history.end), length=3)
    offers = model.offers(np.array([0], np.int32))
    assert offers.items.tolist() == [[1, 2, -1]]
    assert offers.scores[0].tolist() == pytest.approx([1 / np.log2(2), 1 / np.log2(3), 1 / np.log2(4)])
    assert model.offers_before(np.array([0], np.int32)) is None


@given(st.integers(0, 10_000))
def test_a_listener_draws_only_what_is_theirs_and_as_often_as_it_weighs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    owner, value, weight = rng.integers(0, 5, 30), np.arange(30), rng.uniform(0.1, 3.0, 30)
    choices = Choices.of(owner, value, weight, 6)
    asked = rng.choice(np.unique(owner), 500)
    assert (owner[choices.draw(asked, rng)] == asked).all()
    expected = weight / np.bincount(owner, weight)[owner]
    assert choices.chances(owner, value) == pytest.approx(expected)
    assert choices.chances((owner + 1) % 5, value).tolist() == [0.0] * 30


def test_draws_come_as_often_as_they_weigh_and_shrink_to_everybody() -> None:
    choices = Choices.of(np.array([0, 0, 1]), np.array([7, 8, 9]), np.array([1.0, 3.0, 1.0]), 2)
    rng, listener = np.random.default_rng(0), np.zeros(40_000, np.int64)
    assert (choices.draw(listener, rng) == 8).mean() == pytest.approx(3 / 4, abs=0.01)
    # Two values of one's own and a prior of two: half from a listener at random, who is the other half the time.
    assert (choices.shrunk(listener, 2.0, rng) == 9).mean() == pytest.approx(1 / 4, abs=0.01)
    assert (choices.shrunk(listener, 0.0, rng) == 9).sum() == 0


def test_sittings_are_poisson_under_a_gamma_and_at_least_one_when_asked() -> None:
    shape, rate, rng = np.array([0.5, 6.0]), np.array([1.0, 2.0]), np.random.default_rng(0)
    some, active = (drawn_sittings(shape, rate, 60_000, asked, rng) for asked in (False, True))
    mean, none = shape / rate, (rate / (rate + 1)) ** shape
    assert some.mean(axis=1) == pytest.approx(mean, rel=0.03)
    assert (some == 0).mean(axis=1) == pytest.approx(none, abs=0.01)
    assert some[1].var() == pytest.approx(6 / 2 + 6 / 2**2, rel=0.05)
    assert active.min() == 1
    assert active.mean(axis=1) == pytest.approx(mean / (1 - none), rel=0.03)
    # As the shape goes to 0 the active ones become logarithmic: with chance p = 1 / 2 of one more, p / (1 - p) / log 2.
    rare = drawn_sittings(np.array([1e-9]), np.array([1.0]), 60_000, True, rng)
    assert (rare.min(), rare.mean()) == (1, pytest.approx(1 / np.log(2), rel=0.03))


def test_planted_rates_are_found_again() -> None:
    rng = np.random.default_rng(0)
    rate = rng.gamma(0.8, 1 / 0.4, 4_000)  # sittings a week
    exposure = np.full((4_000, 2), [1.4, 11.0])
    past = rng.poisson(rate[:, None] * exposure).astype(np.float64)
    sat = rng.poisson(rate)
    found = fit_rates(Evidence(past, exposure), sat)
    shape, inverse = found.of(Evidence(past, exposure))
    expected = shape / inverse
    assert expected.mean() == pytest.approx(sat.mean(), rel=0.05)
    assert np.corrcoef(expected, rate)[0, 1] > 0.97
    assert fit_rates(Evidence(past[:0], exposure[:0]), sat[:0]).shape == pytest.approx(0.5)  # where the search begins


def test_evidence_fades_and_reads_nothing_later() -> None:
    sittings = sittings_of(history_of([(0, 0, 0.0), (0, 0, 7.0), (0, 0, 15.0), (1, 0, 20.0)]))
    seen = evidence(sittings, np.array([0], np.int32), 14 * DAY_SECONDS, WEEK)
    assert seen.sittings[0, 0] == pytest.approx(1 / 4 + 1 / 2)
    assert seen.exposure[0, 0] == pytest.approx((1 - 1 / 4) / np.log(2))  # horizons of a week, half-life of a week
    assert sittings.plays.tolist() == [1, 1, 1, 1]


def test_weeks_are_counted_back_from_the_moment() -> None:
    times = np.array([0.0, 6.9, 7.0, 13.9]) * DAY_SECONDS
    assert weeks_back(times, 14 * DAY_SECONDS, WEEK).tolist() == [1, 1, 0, 0]


def test_who_qualifies() -> None:
    plays = [(0, 0, day) for day in (1.0, 2.0, 30.0)] + [(1, 0, 30.0)] + [(2, 0, day) for day in (1.0, 2.0, 3.0)]
    history = history_of([*plays, (1, 0, 41.0), (1, 0, 42.0)])
    settings = TwinSettings(min_plays=3, recent_days=28)
    assert qualified(history, 40 * DAY_SECONDS, settings).tolist() == [0]  # 1 has too few then, 2 is long gone
    assert len(qualified(random_history(0), 90 * DAY_SECONDS, TwinSettings(listeners=7))) == 7


def test_last_week_is_the_last_with_a_play() -> None:
    history = history_of([(0, 0, 1.0), (0, 1, 8.0), (0, 1, 9.0), (0, 2, 15.5), (1, 3, 20.0), (1, 3, 3.0)])
    at, users = 21 * DAY_SECONDS, np.array([0, 1], np.int32)
    last, replayed = _last_weeks(history.until(15 * DAY_SECONDS), users, at, WEEK)
    assert last.counts().tolist() == [[0], [0]]
    assert replayed.counts().tolist() == [[2], [1]]
    assert (replayed.time / DAY_SECONDS).tolist() == [3.0 + 21.0, 8.0 + 14.0, 9.0 + 14.0]
    last, replayed = _last_weeks(history, users, at, WEEK)
    assert last.counts().tolist() == replayed.counts().tolist() == [[1], [1]]
    assert last.known.tolist() == [False, True]  # item 3 had been heard in week one


def test_measures_by_hand() -> None:
    real = weeks([(0, 0, 0), (0, 0, 0), (0, 0, 2)], 2, 1, known=(2,))
    drawn = weeks([(0, 0, 0), (0, 1, 1), (0, 1, 3), (1, 1, 1)], 2, 2, known=(1,))
    # Listener 0 played in both draws and in truth; listener 1 in one of two, and not in truth.
    assert m.active(drawn, real, CONTEXT).tolist() == pytest.approx([0.0, (1 / 2) ** 2 - (1 / 4) / 1])
    assert m.plays(drawn, real, CONTEXT)[0] == pytest.approx(abs((np.log(2) + np.log(3)) / 2 - np.log(4)))
    assert m.distinct_items(drawn, real, CONTEXT)[0] == pytest.approx(abs((np.log(2) + np.log(3)) / 2 - np.log(3)))
    assert m.relistens(drawn, real, CONTEXT)[0] == pytest.approx(abs((0 + 1 / 2) / 2 - 1 / 3))
    assert m.found(drawn, real, CONTEXT)[0] == pytest.approx(1 / 2)
    # Genres drawn: 0, 0 and one unknown; real: 0, 0, 1.
    p, q, middle = (1.0, 0.0), (2 / 3, 1 / 3), (5 / 6, 1 / 6)
    bits = np.log2(p[0] / middle[0]) + q[0] * np.log2(q[0] / middle[0]) + q[1] * np.log2(q[1] / middle[1])
    assert m.genres(drawn, real, CONTEXT)[0] == pytest.approx(bits / 2)
    assert m.hours(drawn, drawn.only(0), CONTEXT)[0] > 0.0
    for of_content in (m.relistens, m.found, m.genres, m.hours, m.kinds):
        assert np.isnan(of_content(drawn, real, CONTEXT)[1])


def test_the_same_week_is_no_distance_from_itself() -> None:
    real = weeks([(0, 0, 0), (0, 0, 2), (1, 0, 1)], 2, 1)
    for one in m.measures(m.Context(np.array([0, 1, 2]), np.array([0, 1, 0]))):
        perfect = 1.0 if one.higher_is_better else 0.0
        assert one.value(real, real, CONTEXT).tolist() == pytest.approx([perfect, perfect]), one.name


def test_a_mix_is_measured_only_where_there_are_two_codes() -> None:
    def names(genre: list[int], kind: list[int]) -> set[str]:
        return {one.name for one in m.measures(m.Context(np.array(genre), np.array(kind)))}

    assert not {"genre mix", "kind mix"} & names([-1, 1, 1], [0, 0, 0])
    assert {"genre mix", "kind mix"} <= names([0, 1, 1], [0, 0, 2])


@given(st.integers(1, 30), st.floats(0.2, 20.0), st.integers(0, 1000))
def test_a_real_week_that_is_one_more_draw_lies_in_the_band_as_often_as_it_should(
    draws: int, mean: float, seed: int
) -> None:
    # Exactly, not on average: every one of draws + 1 exchangeable weeks takes its turn as the real one.
    counts = np.random.default_rng(seed).poisson(mean, draws + 1)
    inside = []
    for turn in range(draws + 1):
        others = np.delete(counts, turn)
        drawn = weeks([(0, d, 0) for d, n in enumerate(others) for _ in range(n)], 1, draws)
        inside.append(m.band(drawn, weeks([(0, 0, 0)] * int(counts[turn]), 1, 1), CONTEXT)[0])
    assert np.mean(inside) == pytest.approx(0.8)


def clockwork(listeners: int = 40, days: int = 84) -> History:
    """Each listener plays their one item three times, every day at an hour of their own."""
    plays = [
        (u, u % 4, day + (u % 24) / 24 + n / 500) for u in range(listeners) for day in range(days) for n in range(3)
    ]
    return history_of(plays)


def test_the_twin_of_clockwork_is_clockwork() -> None:
    history, at = clockwork(), 77 * DAY_SECONDS
    settings = TwinSettings(bootstrap=50, draws=10)
    found = twin(inputs_of(history), history, NOTHING, at, settings=settings)
    assert (found.listeners, found.active) == (40, 40)
    assert found.fitted["expected_sittings"] == pytest.approx(7.0, rel=0.15)
    by_name = {one.measure: one for one in found.measures}
    assert by_name["items found"].twin.value == 1.0
    assert by_name["re-listens"].twin.value == pytest.approx(0.0, abs=0.02)
    assert by_name["hours"].twin.value < by_name["hours"].random.value
    assert by_name["hours"].verdict == "the twin is worse than last week"  # whose hours are exactly right
    assert by_name["plays"].last_week.value == 0.0


def test_habits_of_clockwork() -> None:
    heard, settings = clockwork(), TwinSettings()
    users = np.arange(40, dtype=np.int32)
    habits = fit_habits(heard, users, 84 * DAY_SECONDS, WEEK, settings)
    assert habits.again == pytest.approx(0.0, abs=0.01)  # nothing is new in the last weeks
    assert (habits.repeat > 0.98).all()
    assert habits.play_seconds == pytest.approx(DAY_SECONDS / 500)
    assert set(habits.lengths.values.tolist()) == {3}
    assert habits.returns.values.tolist() == [user % 4 for user in range(40)]


def discovering(first_of_list: bool) -> tuple[History, Fixed]:
    """200 listeners of item 0; in the last week each meets something new, of 2 to 39: the best offered, or any."""
    rng = np.random.default_rng(0)
    old = [(user, item, 1.0 + item / 40) for user in range(200) for item in (0, 0, 0, 0, 1)]
    popular = [(200, item, 60.0) for item in range(2, 40) for _ in range(5)]
    new = [(user, 39 if first_of_list else int(rng.integers(2, 40)), 80.0) for user in range(200)]
    offered = np.arange(39, 1, -1).astype(np.int32)
    seen = [(user, 0, 76.0) for user in range(200)]
    return history_of(old + popular + seen + new), Fixed(offered, 1.0 / np.log2(np.arange(2, 40)))


@pytest.mark.parametrize("first_of_list", [True, False])
def test_temperature_and_share_are_read_from_the_last_week(first_of_list: bool) -> None:
    history, model = discovering(first_of_list)
    settings, at = TwinSettings(min_plays=5, recent_days=90), 84 * DAY_SECONDS
    users = np.arange(200, dtype=np.int32)
    found = fit_discoveries(history, model, users, at, WEEK, settings)
    assert found.fitted
    if first_of_list:
        assert found.temperature <= 0.05
        assert found.list_share == pytest.approx(1.0, abs=0.05)
    else:
        assert found.temperature == 2.0 or found.list_share < 0.2  # the list in any order, or none of it
    unknown = fit_discoveries(history, replace(model, before=False), users, at, WEEK, settings)
    assert (unknown.fitted, unknown.temperature, unknown.list_share) == (False, 0.3, 0.5)
    few = fit_discoveries(history, model, users[:10], at, WEEK, settings)
    assert not few.fitted


@examples(max_examples=15)
@given(st.integers(0, 1000))
def test_nothing_after_the_moment_changes_the_simulated_weeks(seed: int) -> None:
    at, settings = 80 * DAY_SECONDS, TwinSettings(draws=3, listeners=20)
    clean = random_history(1)
    rng = np.random.default_rng(seed)
    later = clean.timestamp >= at
    poisoned = replace(
        clean,
        user=np.where(later, rng.integers(0, 31, len(clean)), clean.user).astype(np.int32),
        item=np.where(later, rng.integers(0, 41, len(clean)), clean.item).astype(np.int32),
        session=np.where(later, rng.integers(10**9, 2 * 10**9, len(clean)), clean.session),
        users=[*clean.users, "new"],
        n_items=clean.n_items + 1,
    )
    model = Fixed(np.arange(5, dtype=np.int32), np.ones(5))
    first, second = (simulate_weeks(one, model, at, WEEK, settings) for one in (clean, poisoned))
    assert first.users.tolist() == second.users.tolist()
    for name in ("weeks", "when_active", "random"):
        for column in ("listener", "draw", "item", "time", "known"):
            ours, theirs = getattr(getattr(first, name), column), getattr(getattr(second, name), column)
            assert ours.tolist() == theirs.tolist(), (name, column)


def test_simulated_weeks_lie_in_the_week_and_hold_known_items_only_as_re_listens() -> None:
    history, at = random_history(2), 90 * DAY_SECONDS
    found = simulate_weeks(history, NOTHING, at, WEEK, TwinSettings(draws=5))
    past = history.until(at).heard()
    pairs = set(zip(past.user.tolist(), past.item.tolist(), strict=True))
    week = found.when_active
    mine = zip(found.users[week.listener].tolist(), week.item.tolist(), strict=True)
    assert [pair in pairs for pair in mine] == week.known.tolist()
    assert week.time.min() >= at
    assert week.counts().min() >= 1
    assert (week.item >= 0).all()


@dataclass(frozen=True)
class Planted:
    """Discovers by the truth's taste: of each listener, or of the listener who stands in `whose`."""

    world: World
    known: Inputs
    at: float
    whose: NDArray[np.int64]

    def offers(self, users: NDArray[np.int32]) -> Offers:
        truth, items = self.world.truth, np.arange(len(self.world.items))
        heard = self.known.history.until(self.at).heard()
        met = np.zeros((len(self.whose), len(items)), np.bool_)
        met[heard.user, heard.item] = True
        likely = np.stack(
            [
                truth.affinity(int(self.whose[user]), items, self.at)
                * truth.reach
                * truth.kind_mix[self.whose[user]][truth.kind]
                for user in users
            ]
        )
        likely[:, truth.released > self.at] = 0.0
        likely[met[users]] = 0.0
        best = np.argsort(-likely, axis=1, kind="stable")[:, :200].astype(np.int32)
        scores = np.take_along_axis(likely, best, axis=1)
        return Offers(np.where(scores > 0, best, -1).astype(np.int32), np.log(np.maximum(scores, 1e-12)))

    def offers_before(self, users: NDArray[np.int32]) -> Offers | None:
        return None


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(WorldSettings(listeners=300, items=800, listens=60_000, playlists=20, days=180), seed=0)


def planted_twin(world: World, known: Inputs, whose: NDArray[np.int64]) -> Twin:
    at = world.settings.end - WEEK
    settings = TwinSettings(temperature=1.0, list_share=1.0, bootstrap=300)  # the scores are log probabilities
    return twin(known, known.history, Planted(world, known, at, whose), at, settings=settings)


def test_a_twin_with_the_planted_tastes_beats_last_week_and_the_tastes_of_others(world: World) -> None:
    known, listeners = world_inputs(world), np.arange(len(world.listeners))
    found = {one.measure: one for one in planted_twin(world, known, listeners).measures}
    others = {one.measure: one for one in planted_twin(world, known, np.roll(listeners, 1)).measures}
    for name in ("active", "plays", "distinct items", "hours", "genre mix", "kind mix", "items found"):
        assert found[name].verdict == "the twin is better than last week", name
    assert found["plays in band"].verdict == "calibrated"
    assert found["genre mix"].twin.value < others["genre mix"].twin.value - 0.02
    assert found["genre mix"].twin.value < found["genre mix"].random.value / 2
    assert found["items found"].twin.value > others["items found"].twin.value
    assert found["genre mix"].one_draw.value > found["genre mix"].twin.value


def test_data_and_table(world: World) -> None:
    known, at = world_inputs(world), world.settings.end - WEEK
    settings = TwinSettings(listeners=60, draws=4, bootstrap=50)
    found = twin(known, known.history, NOTHING, at, settings=settings)
    assert found == twin(known, known.history, NOTHING, at, settings=settings)
    data = found.to_json()
    assert data["listeners"] == 60
    rows = {row["measure"]: row for row in data["measures"]}
    assert rows["plays"]["random"] is None
    assert rows["plays in band"]["last_week"] is rows["plays in band"]["twin_minus_last_week"] is None
    assert set(rows["hours"]["twin"]) == {"value", "low", "high"}
    assert rows["items found"]["higher_is_better"]
    difference = rows["hours"]["twin"]["value"] - rows["hours"]["last_week"]["value"]
    assert rows["hours"]["twin_minus_last_week"]["value"] == pytest.approx(difference)
    assert "twins of 60 listeners, 4 weeks each" in found.table()


def test_what_cannot_be_simulated_is_refused() -> None:
    known = inputs_of(history_of([(0, 0, 1.0), (1, 0, 2.0)]))
    with pytest.raises(BadInput, match="no listener has 5 heard plays"):
        twin(known, known.history, NOTHING, 3 * DAY_SECONDS)
    with pytest.raises(BadInput, match="a whole number of days"):
        twin(known, known.history, NOTHING, 3 * DAY_SECONDS, horizon_days=1.5)


def test_settings_are_read_and_checked() -> None:
    assert Settings({"twin": {"draws": 5}}).section(TwinSettings).draws == 5
    with pytest.raises(BadSettings, match="draws = 0"):
        TwinSettings(draws=0)
    with pytest.raises(BadSettings, match="temperature = 0"):
        TwinSettings(temperature=0.0)
