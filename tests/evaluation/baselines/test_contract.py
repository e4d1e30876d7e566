"""What the docstrings of `evaluation.method` promise, for every baseline."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import Counts, IAls, ItemKnn, MeanVectors, PureSvd, embedding_baselines, standard
from palate.evaluation.method import Continues, Embeds, EmbedsItems, Fitted, Method, Neighbours, Refreshes
from palate.listening.history import History
from palate.testing.strategies import histories

from ..worlds import history_of, inputs_of, playlists_of, random_history
from .asking import AT

USERS = np.arange(30, dtype=np.int32)


def described(n_items: int) -> ItemColumns:
    """Seven artists, three genres, some releases without a date."""
    rows = np.arange(n_items)
    return replace(
        ItemColumns.unknown(n_items),
        artist=(rows % 7).astype(np.int32),
        genre=(rows % 3 - 1).astype(np.int32),
        released=np.where(rows % 5, rows * DAY_SECONDS, np.nan),
    )


def home(seed: int, history: History | None = None) -> Inputs:
    """Random listening and four random playlists."""
    history = random_history(seed) if history is None else history
    rng = np.random.default_rng(seed)
    places = [
        (int(p), int(i), float(d))
        for p, i, d in zip(rng.integers(0, 4, 50), rng.integers(0, 40, 50), rng.uniform(0, 100, 50), strict=True)
    ]
    return inputs_of(
        history, playlists_of([place for place in places if place[1] < history.n_items]), described(history.n_items)
    )


SMALL = {"ials": IAls(dim=8), "mean-vectors": MeanVectors(dim=8), "svd": PureSvd(dim=8)}
METHODS: list[Method] = [SMALL.get(method.name, method) for method in standard(described(3))]
METHODS += [Counts(), ItemKnn(neighbours=5)]
NAMES = [method.name for method in METHODS[:-1]] + ["item-knn-5"]
VECTORS = {"ials", "mean-vectors", "svd"}
NEIGHBOURS = VECTORS | {"item-knn", "ease", "own-artists"}
ABILITIES = {
    Refreshes: {method.name for method in METHODS},
    Continues: NEIGHBOURS | {"popular-all", "popular-7d"},
    Neighbours: NEIGHBOURS,
    Embeds: VECTORS | {"counts"},
    EmbedsItems: VECTORS,
}
each_method = pytest.mark.parametrize("method", METHODS, ids=NAMES)


def each_that(ability: type) -> pytest.MarkDecorator:
    able = [method for method in METHODS if method.name in ABILITIES[ability]]
    return pytest.mark.parametrize("method", able, ids=[NAMES[METHODS.index(method)] for method in able])


def test_names_are_distinct() -> None:
    names = [method.name for method in [*standard(described(3)), Counts()]]
    assert len(set(names)) == len(names)


@each_method
def test_abilities(method: Method) -> None:
    fitted = method.fit(home(1), AT)
    assert {ability for ability in ABILITIES if isinstance(fitted, ability)} == {
        ability for ability, able in ABILITIES.items() if method.name in able
    }


def test_those_for_probes_have_vectors() -> None:
    assert {method.name for method in embedding_baselines()} == ABILITIES[Embeds]


@each_method
class TestLists:
    def test_shape_padding_and_no_repeats(self, method: Method) -> None:
        ranked = method.fit(home(1), AT).recommend(USERS, 60, exclude_heard=False)
        assert ranked.shape == (30, 60)
        assert ranked.dtype == np.int32
        assert ranked.max() < 40
        for row in ranked.tolist():
            kept = [item for item in row if item >= 0]
            assert row == kept + [-1] * (60 - len(kept))
            assert len(set(kept)) == len(kept)

    def test_heard_items_are_left_out_and_skipped_ones_are_not(self, method: Method) -> None:
        known = home(2)
        heard = known.history.heard()
        for user, row in enumerate(method.fit(known, AT).recommend(USERS, 40, exclude_heard=True).tolist()):
            assert not set(row) & set(heard.item[heard.user == user].tolist())

    @pytest.mark.parametrize("exclude_heard", [False, True])
    def test_only_what_is_asked_for(self, method: Method, exclude_heard: bool) -> None:
        fitted, only = method.fit(home(2), AT), np.arange(40) % 4 == 1
        everything = fitted.recommend(USERS, 40, exclude_heard).tolist()
        expected = [[item for item in row if item >= 0 and only[item]] for row in everything]
        asked = fitted.recommend(USERS, 10, exclude_heard, only).tolist()
        assert [[item for item in row if item >= 0] for row in asked] == expected

    def test_one_listener_at_a_time_gives_the_same(self, method: Method) -> None:
        fitted, users = method.fit(home(3), AT), np.array([4, 0, 17, 4], np.int32)
        for exclude_heard in (False, True):
            together = fitted.recommend(users, 12, exclude_heard)
            alone = [fitted.recommend(users[[row]], 12, exclude_heard)[0] for row in range(4)]
            np.testing.assert_array_equal(together, alone)

    def test_a_shorter_list_is_the_start_of_a_longer_one(self, method: Method) -> None:
        fitted = method.fit(home(4), AT)
        np.testing.assert_array_equal(fitted.recommend(USERS, 5, False), fitted.recommend(USERS, 25, False)[:, :5])

    def test_a_listener_without_plays_gets_a_list_or_padding_and_no_error(self, method: Method) -> None:
        known = home(5, replace(random_history(5), users=[f"u{row}" for row in range(31)]))
        assert method.fit(known, AT).recommend(np.array([30], np.int32), 5, True).shape == (1, 5)

    def test_an_empty_log_recommends_nothing(self, method: Method) -> None:
        fitted = method.fit(inputs_of(history_of([], n_users=2, n_items=3)), AT)
        assert (fitted.recommend(np.array([0, 1], np.int32), 4, False) == -1).all()

    def test_nobody_asks(self, method: Method) -> None:
        assert method.fit(home(6), AT).recommend(np.array([], np.int32), 4, False).shape == (0, 4)

    def test_the_same_data_gives_the_same_lists(self, method: Method) -> None:
        one, two = (method.fit(home(7), AT).recommend(USERS, 20, False) for _ in range(2))
        np.testing.assert_array_equal(one, two)


@each_method
def test_listeners_items_listens_and_playlists_of_later_move_nothing(method: Method) -> None:
    known = home(14)
    history = known.history
    days = AT / DAY_SECONDS
    future = history_of([(row, 40 + row % 5, days + row) for row in range(35)], n_users=35, n_items=45)
    columns = ("user", "item", "timestamp", "event", "seconds_played", "duration_seconds", "session")
    joined = {name: np.concatenate([getattr(history, name), getattr(future, name)]) for name in columns}
    later = playlists_of([(0, 3, days + 1), (4, 41, days + 2)])
    places = known.playlists
    stays = ("playlist", "item", "position", "added", "removed")
    more = {name: np.concatenate([getattr(places, name), getattr(later, name)]) for name in stays}
    made = described(45)
    made.released[40:] = AT + 1.0
    wider = inputs_of(replace(future, **joined), replace(later, **more), made)
    narrow, wide = (method.fit(inputs.until(AT), AT) for inputs in (known, wider))
    for exclude_heard in (False, True):
        np.testing.assert_array_equal(
            narrow.recommend(USERS, 20, exclude_heard), wide.recommend(USERS, 20, exclude_heard)
        )


@each_method
class TestRefreshed:
    def test_with_what_was_known_it_is_what_was_fitted(self, method: Method) -> None:
        known = home(8)
        fitted = method.fit(known, AT)
        again = refreshed(fitted, known.history, AT)
        for exclude_heard in (False, True):
            np.testing.assert_array_equal(
                again.recommend(USERS, 20, exclude_heard), fitted.recommend(USERS, 20, exclude_heard)
            )

    def test_heard_means_heard_by_then(self, method: Method) -> None:
        known = home(9)
        early = method.fit(known.until(50 * DAY_SECONDS), 50 * DAY_SECONDS)
        heard = known.history.heard()
        for user, row in enumerate(refreshed(early, known.history, AT).recommend(USERS, 40, True).tolist()):
            assert not set(row) & set(heard.item[heard.user == user].tolist())

    def test_one_listener_does_not_move_another(self, method: Method) -> None:
        known = home(10)
        fitted = method.fit(known.until(50 * DAY_SECONDS), 50 * DAY_SECONDS)
        both = refreshed(fitted, known.history, AT).recommend(USERS[:2], 20, False)
        alone = known.history.take(np.flatnonzero(known.history.user == 1))
        np.testing.assert_array_equal(refreshed(fitted, alone, AT).recommend(USERS[1:2], 20, False), both[1:])


def refreshed(fitted: Fitted, history: History, at: float) -> Fitted:
    assert isinstance(fitted, Refreshes)
    return fitted.refreshed(history, np.full(len(history.users), at))


@each_that(Continues)
def test_playlists_go_on_without_what_they_hold(method: Method) -> None:
    fitted = method.fit(home(11), AT)
    assert isinstance(fitted, Continues)
    playlists = [np.array(items, np.int32) for items in ([3, 1, 4], [], [9, 9], list(range(40)))]
    ranked = fitted.continued(playlists, 12)
    assert ranked.shape == (4, 12)
    assert ranked.dtype == np.int32
    assert (ranked[3] == -1).all()
    for items, row in zip(playlists, ranked, strict=True):
        assert not set(items.tolist()) & set(row.tolist())
    alone = [fitted.continued([items], 12)[0] for items in playlists]
    np.testing.assert_array_equal(alone, ranked)
    only = np.arange(40) < 20
    assert fitted.continued(playlists, 12, only).max() < 20
    assert fitted.continued([], 12).shape == (0, 12)


@each_that(Neighbours)
def test_neighbours_are_never_the_item_itself(method: Method) -> None:
    fitted = method.fit(home(12), AT)
    assert isinstance(fitted, Neighbours)
    items = np.arange(40, dtype=np.int32)
    near = fitted.similar(items, 45)
    assert near.shape == (40, 45)
    assert not (near == items[:, None]).any()
    np.testing.assert_array_equal(fitted.similar(items[5:6], 45), near[5:6])


@each_that(Embeds)
def test_vectors_are_finite_and_zero_for_strangers(method: Method) -> None:
    known = home(13, replace(random_history(13), users=[f"u{row}" for row in range(31)], n_items=41))
    fitted = method.fit(known, AT)
    assert isinstance(fitted, Embeds)
    vectors = fitted.vectors(np.arange(31, dtype=np.int32))
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert (vectors[30] == 0).all()
    assert vectors[:30].any(axis=1).all()
    np.testing.assert_array_equal(fitted.vectors(np.array([3], np.int32))[0], vectors[3])
    if isinstance(fitted, EmbedsItems):
        assert fitted.item_vectors.shape == (41, vectors.shape[1])
        assert fitted.item_vectors.dtype == np.float32
        assert (fitted.item_vectors[40] == 0).all()


@each_method
@given(history=histories())
def test_any_log_can_be_learnt_from(method: Method, history: History) -> None:
    at = history.end
    fitted = method.fit(inputs_of(history, columns=described(history.n_items)), at)
    users = np.arange(len(history.users), dtype=np.int32)
    ranked = fitted.recommend(users, history.n_items, exclude_heard=False)
    assert ranked.shape == (len(users), history.n_items)
    again = refreshed(fitted, history, at).recommend(users, history.n_items, exclude_heard=False)
    np.testing.assert_array_equal(again, ranked)
