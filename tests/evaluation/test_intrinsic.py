from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.core.settings import Settings
from palate.embeddings.inputs import Inputs
from palate.evaluation.intrinsic import Intrinsic, IntrinsicSettings, Lift, intrinsic
from palate.evaluation.intrinsic.alike import Closest, Labels, Sets, Within, members
from palate.evaluation.intrinsic.items import Sitting, Tempo
from palate.evaluation.intrinsic.listeners import Activity, Attribute, DominantCode, Hours, KindMix, TopItems, dominant
from palate.evaluation.intrinsic.measure import RANDOM
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.sources.world import World, WorldSettings, simulate

from .simulated import world_inputs
from .worlds import history_of, inputs_of, playlists_of

SMALL = IntrinsicSettings(nearest=2, min_plays=1)


def inputs(history: History, **columns: list[str | None]) -> Inputs:
    return replace(inputs_of(history), listeners=ListenerColumns(dict(columns)))


def two_groups() -> tuple[Inputs, NDArray[np.float64]]:
    """Listeners 0 to 2 from Sweden hear item 0, 3 to 5 from Brazil item 1; their vectors point two ways."""
    history = history_of([(user, user // 3, 1.0) for user in range(6)])
    known = inputs(history, country=["SE"] * 3 + ["BR"] * 3)
    return known, np.array([[1.0, 0.1 * u] if u < 3 else [0.1 * u, 1.0] for u in range(6)])


def by_name(lifts: list[Lift], heuristic: str, space: str) -> Lift:
    return next(one for one in lifts if one.heuristic == heuristic and one.space == space)


def test_share_random_and_lift_by_hand() -> None:
    known, vectors = two_groups()
    found = by_name(intrinsic(known, {"two ways": (vectors, None)}, SMALL).listeners, "same country", "two ways")
    # Both others of the own group are near; of five others two are alike.
    assert found.share.value == 1.0
    assert found.random == pytest.approx(2 / 5)
    assert found.lift.value == pytest.approx(1 / (2 / 5))
    assert found.n == 6
    assert not found.trained_on


def test_neighbours_that_are_never_alike_have_no_lift() -> None:
    known, vectors = two_groups()
    known = replace(known, listeners=ListenerColumns({"country": ["SE", "BR", "NO", "SE", "BR", "NO"]}))
    found = by_name(intrinsic(known, {"two ways": (vectors, None)}, SMALL).listeners, "same country", "two ways")
    assert (found.share.value, found.lift.value, found.random) == (0.0, 0.0, pytest.approx(1 / 5))


def test_who_has_zeros_in_any_space_takes_no_part() -> None:
    known, vectors = two_groups()
    vectors[5] = 0.0
    found = intrinsic(known, {"two ways": (vectors, None), "all": (np.ones((6, 1)), None)}, SMALL).listeners
    assert {one.n for one in found if one.heuristic == "same country"} == {5}
    assert by_name(found, "same country", "two ways").random == pytest.approx((3 * (2 / 4) + 2 * (1 / 4)) / 5)


def test_listeners_with_few_plays_are_neither_sampled_nor_neighbours() -> None:
    known, vectors = two_groups()
    more = [(user, user // 3, 2.0) for user in range(5)] + [(user, user // 3, 1.0) for user in range(6)]
    known = replace(known, history=history_of(more))
    settings = replace(SMALL, min_plays=2)
    found = by_name(intrinsic(known, {"two ways": (vectors, None)}, settings).listeners, "same country", "two ways")
    assert found.n == 5


def test_a_long_vector_is_near_to_everybody_by_dot_product_alone() -> None:
    known, _ = two_groups()
    vectors = np.array([[1.0, 0.0], [0.9, 0.2], [0.0, 9.0], [0.1, 0.9], [0.3, 1.0], [0.2, 1.0]])
    known = replace(known, listeners=ListenerColumns({"country": ["A", "A", "C", "D", "D", "D"]}))

    def share(similarity: str) -> float:
        settings = IntrinsicSettings(nearest=1, min_plays=1, similarity=similarity)  # type: ignore[arg-type]
        lifts = intrinsic(known, {"one": (vectors, None)}, settings).listeners
        return by_name(lifts, "same country", "one").share.value

    # By cosine 0 and 1 find each other, 2 finds 3, and 3, 4 and 5 find one of their own. By dot product everybody but 0
    # finds 2, and 0 finds 1.
    assert share("cosine") == pytest.approx(5 / 6)
    assert share("dot") == pytest.approx(1 / 6)


def test_only_items_that_somebody_heard_or_listed_take_part() -> None:
    history = history_of([(0, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0)], n_items=6)
    columns = replace(ItemColumns.unknown(6), genre=np.array([0, 0, 1, 1, 0, 1], np.int32), genres=["folk", "dub"])
    known = inputs_of(history, playlists_of([(0, 3, 0.0)]), columns)
    found = intrinsic(known, {"one": (None, np.eye(6))}, replace(SMALL, nearest=1)).items
    assert by_name(found, "same genre", "one").n == 4  # 4 and 5 owe their vectors to their artist or genre


def test_four_ways_to_be_alike() -> None:
    rows, others = np.array([0, 1]), np.array([0, 1, 2])
    held = members(np.array([0, 0, 1, 1, 2, 2]), np.array([4, 4, 4, 5, 5, 6]), (4, 7))
    yes, no = True, False
    assert Labels(np.array([7, 8, 7])).among(rows, others).tolist() == [[yes, no, yes], [no, yes, no]]
    assert Sets(held).among(rows, others).tolist() == [[yes, yes, no], [yes, yes, yes]]
    assert Sets(held).known.tolist() == [True, True, True, False]
    assert Within(np.array([120.0, 125.0, 130.1, np.nan]), 5.0).among(rows, others).tolist() == [
        [yes, yes, no],
        [yes, yes, no],
    ]
    # Jaccard of 1 with 0 is 1 of 2, with 2 it is 1 of 3; 0 and 2 share nothing, so 0 has one nearest and not two.
    assert Closest(held, 1).among(rows, others).tolist() == [[no, yes, no], [yes, no, no]]
    assert Closest(held, 2).among(rows, others).tolist() == [[no, yes, no], [yes, no, yes]]


def test_labels_of_listeners_by_hand() -> None:
    history = history_of([(0, 0, 10.0), (0, 0, 20.0), (0, 1, 50.0), (1, 1, 50.0), (1, 2, 50.5), (2, 2, 1.0)])
    columns = replace(ItemColumns.unknown(3), genre=np.array([5, 6, -1], np.int32), kind=np.array([0, 1, 1], np.uint8))
    known = replace(inputs(history, languages=["sv|en", None, "en"]), columns=columns)
    assert DominantCode("genre").labels(known).codes.tolist() == [5, 6, -1]
    assert Activity().labels(known).codes.tolist() == [1, 2, 0]  # 1, 2 and 0 plays since day 22.5
    assert Hours().labels(known).codes.tolist() == [0, 0, 0]
    mix = KindMix().labels(known).codes.tolist()
    assert mix[1] == mix[2] != mix[0]
    assert Attribute("languages").labels(known).among(np.array([0]), np.array([1, 2])).tolist() == [[False, True]]
    assert TopItems().labels(known).among(np.array([0]), np.array([1, 2])).tolist() == [[True, False]]


def test_the_most_frequent_label_and_among_equals_the_smaller() -> None:
    owner, label = np.array([0, 0, 0, 1, 1, 3]), np.array([9, 2, 9, 4, 3, -1])
    assert dominant(owner, label, 4).tolist() == [9, 3, -1, -1]


def test_tempo_is_read_where_the_catalogue_has_it() -> None:
    known, _ = two_groups()
    assert not Tempo().applies(known)
    columns = replace(ItemColumns.unknown(2), tempo_bpm=np.array([120.0, 124.0], np.float32))
    assert Tempo().labels(replace(known, columns=columns)).among(np.array([0]), np.array([1])).tolist() == [[True]]


def test_sittings_of_later_are_not_trained_on() -> None:
    before, after = history_of([(0, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0)]), history_of([(0, 1, 5.0), (0, 2, 5.0)])
    known = inputs(before)
    assert Sitting().trained_on
    assert not Sitting(after).trained_on
    assert Sitting(after).labels(known).among(np.array([1]), np.array([0, 2])).tolist() == [[False, True]]
    names = {one.heuristic for one in intrinsic(known, {}, replace(SMALL, nearest=1), later=after).items}
    assert names == {"heard in one sitting", "heard in one sitting later"}


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_if_everybody_is_a_neighbour_the_lift_is_one(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    history = history_of([(user, int(rng.integers(0, 4)), float(rng.uniform(0, 50))) for user in range(n)] * 2, n, 4)
    known = inputs(history, country=[str(one) for one in rng.integers(0, 3, n)])
    settings = IntrinsicSettings(nearest=n - 1, min_plays=1, bootstrap=20)
    for one in intrinsic(known, {"any": (rng.normal(size=(n, 3)), None)}, settings).listeners:
        assert one.share.value == pytest.approx(one.random)
        assert np.isnan(one.lift.value) or one.lift.value == pytest.approx(1.0)


def test_what_the_data_does_not_hold_is_left_out_with_a_reason() -> None:
    known, vectors = two_groups()
    found = intrinsic(known, {"two ways": (vectors, None)}, replace(SMALL, nearest=4))
    assert found.left_out["listeners: same dominant genre"] == "the data does not hold it"
    assert found.left_out["listeners: same language"] == "the data does not hold it"
    assert "more than 4 are needed" in found.left_out["items: heard in one sitting"]


def test_data_and_table() -> None:
    known, vectors = two_groups()
    known = replace(known, listeners=ListenerColumns({"country": list("ABCDEF")}))  # no two are alike
    found = intrinsic(known, {"two ways": (vectors, None)}, SMALL)
    data = found.to_json()
    row = next(one for one in data["listeners"] if one["heuristic"] == "same country" and one["space"] == RANDOM)
    assert row["lift"] == {"value": None, "low": None, "high": None}
    assert set(row) == {"space", "heuristic", "about", "trained_on", "share", "random", "lift", "n"}
    text = found.table()
    assert "same top item *" in text
    assert "left out, the data does not hold it" in text
    assert Intrinsic([], [], {}).table().startswith("listeners")


def test_vectors_that_cannot_be_used_are_refused() -> None:
    known, vectors = two_groups()
    with pytest.raises(BadInput, match="one row for each of 6 was needed"):
        intrinsic(known, {"short": (vectors[:5], None)}, SMALL)
    with pytest.raises(BadInput, match="space odd gave listeners with values that are not finite"):
        intrinsic(known, {"odd": (np.full((6, 2), np.nan), None)}, SMALL)


def test_settings_are_read_and_checked() -> None:
    read = Settings({"intrinsic": {"similarity": "dot", "columns": ["device"]}}).section(IntrinsicSettings)
    assert (read.similarity, read.columns) == ("dot", ("device",))
    with pytest.raises(BadSettings, match="nearest = 0"):
        IntrinsicSettings(nearest=0)


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(WorldSettings(listeners=200, items=800, listens=20_000, playlists=60), seed=0)


def test_planted_tastes_are_found_and_random_vectors_are_not(world: World) -> None:
    known, truth = world_inputs(world), world.truth
    listeners = np.arange(len(world.listeners))
    taste = truth.taste_at(listeners, np.full(len(listeners), world.settings.end))
    settings = IntrinsicSettings(nearest=10, bootstrap=200)
    found = intrinsic(known, {"planted": (taste, truth.topic)}, settings)
    assert by_name(found.listeners, "same dominant genre", "planted").lift.low > 3.0
    assert by_name(found.items, "same genre", "planted").lift.low > 6.0
    assert by_name(found.items, "on one playlist", "planted").lift.low > 3.0
    hours = by_name(found.listeners, "same hours", "planted").lift
    assert hours.low < 1.1  # tastes say nothing of the hour
    random = [one.lift for one in found.listeners + found.items if one.space == RANDOM]
    assert np.mean([one.value for one in random]) == pytest.approx(1.0, abs=0.05)
    assert np.mean([one.low <= 1.0 <= one.high for one in random]) > 0.7


def test_the_same_seed_gives_the_same_and_a_sample_is_as_large_as_asked(world: World) -> None:
    known = world_inputs(world)
    settings = IntrinsicSettings(nearest=10, listeners=30, items=40, bootstrap=50, seed=3)
    first = intrinsic(known, {}, settings)
    assert first == intrinsic(known, {}, settings)
    assert {one.n for one in first.listeners if one.heuristic == "same activity"} == {30}
    assert first != intrinsic(known, {}, replace(settings, seed=4))


def test_nothing_after_the_moment_is_needed(world: World) -> None:
    known = world_inputs(world)
    at = world.settings.end - 30 * DAY_SECONDS
    found = intrinsic(
        known.until(at), {}, IntrinsicSettings(nearest=10, bootstrap=50), known.history.between(at, at * 2)
    )
    later = by_name(found.items, "heard in one sitting later", RANDOM)
    assert later.n > 100
    assert 0.5 < later.lift.value < 1.5
