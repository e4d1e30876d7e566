"""What every peer promises; each is taken from its file as `palate eval run --method` takes it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palate.core.clock import DAY_SECONDS
from palate.evaluation.leakage import leaks
from palate.evaluation.method import Embeds, EmbedsItems, Fitted, Method, Refreshes, Seeded
from palate.evaluation.splits import EvalSettings, windows
from palate.evaluation.tasks.week import Discover, Next
from palate.jobs.judge.method_files import load

from .halves import AT, ITEMS, LISTENERS, halves, history_of, inputs_of, right_share

pytest.importorskip("torch", reason="the peers learn with torch, which is not installed")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
SMALL = {
    "skipgram": {"dim": 16, "epochs": 20, "subsample": 0.0},
    "bpr": {"dim": 9},
    "lightgcn": {"dim": 16, "steps": 40, "batch": 512, "negatives": 32, "learning_rate": 0.05},
    "sasrec": {"dim": 16, "length": 20, "epochs": 4, "negatives": 32, "learning_rate": 0.01},
    "two_tower": {"dim": 16, "hidden": 16, "epochs": 4, "cut_days": 7.0, "negatives": 32, "learning_rate": 0.005},
    "blend": {},
}
VECTORS = [name for name in SMALL if name != "blend"]
USERS = np.arange(LISTENERS, dtype=np.int32)
each_file = pytest.mark.parametrize("file", SMALL)
each_with_vectors = pytest.mark.parametrize("file", VECTORS)


def peer(file: str) -> Method:
    """The method of one file, small."""
    (method,) = load(FOLDER / f"{file}.py")(halves())
    return replace(method, **SMALL[file])


@pytest.fixture(scope="module")
def fitted() -> dict[str, Fitted]:
    """Every method as trained on the planted world."""
    known = halves()
    return {file: peer(file).fit(known, AT) for file in SMALL}


@each_file
def test_planted_halves_are_found(fitted, file: str) -> None:
    assert right_share(fitted[file].recommend(USERS, 5, exclude_heard=True)) >= 0.95
    assert right_share(fitted[file].recommend(USERS, 10, exclude_heard=False)) >= 0.95


@pytest.mark.parametrize(
    ("file", "setting"),
    [
        pytest.param("sasrec", {"loss": "gbce", "epochs": 60, "patience": 60}, marks=pytest.mark.slow),
        ("sasrec", {"ahead_days": 28.0}),
        ("skipgram", {"by_sitting": True, "epochs": 40}),
        ("lightgcn", {"half_life_days": 30.0}),
    ],
)
def test_planted_halves_are_found_with_other_settings(file: str, setting: dict[str, object]) -> None:
    other = replace(peer(file), **setting).fit(halves(), AT)
    assert right_share(other.recommend(USERS, 10, exclude_heard=False)) >= 0.95


@each_file
def test_heard_items_and_items_that_may_not_appear_are_left_out(fitted, file: str) -> None:
    heard, only = halves().history, np.arange(ITEMS) % 3 == 0
    for user, row in enumerate(fitted[file].recommend(USERS, ITEMS, exclude_heard=True).tolist()):
        assert not set(row) & set(heard.item[heard.user == user].tolist())
    shown = fitted[file].recommend(USERS, 4, exclude_heard=False, only=only)
    assert only[shown].all()


@each_file
def test_one_listener_at_a_time_gives_the_same(fitted, file: str) -> None:
    users = np.array([4, 0, 17, 4], np.int32)
    together = fitted[file].recommend(users, 12, exclude_heard=False)
    alone = [fitted[file].recommend(users[[row]], 12, exclude_heard=False)[0] for row in range(4)]
    np.testing.assert_array_equal(together, alone)


@each_file
def test_refreshed_with_what_was_known_it_is_what_was_fitted(fitted, file: str) -> None:
    one = fitted[file]
    assert isinstance(one, Refreshes)
    again = one.refreshed(halves().history, np.full(LISTENERS, AT))
    for exclude_heard in (False, True):
        np.testing.assert_array_equal(
            again.recommend(USERS, 20, exclude_heard), one.recommend(USERS, 20, exclude_heard)
        )


@pytest.mark.parametrize("file", ["skipgram", "lightgcn", "sasrec", "two_tower"])
def test_refreshed_by_other_listens_a_listener_moves_and_the_others_stay(fitted, file: str) -> None:
    known = halves().history
    others = np.where(known.user == 3, (known.item + ITEMS // 2) % ITEMS, known.item).astype(np.int32)
    again = fitted[file].refreshed(replace(known, item=others), np.full(LISTENERS, AT))
    before, after = (one.vectors(USERS) for one in (fitted[file], again))
    stays = USERS != 3
    np.testing.assert_array_equal(after[stays], before[stays])
    assert np.abs(after[3] - before[3]).max() > 0.01


@each_with_vectors
def test_a_score_is_the_dot_product_of_two_vectors(fitted, file: str) -> None:
    one = fitted[file]
    assert isinstance(one, Embeds)
    assert isinstance(one, EmbedsItems)
    listeners, items = one.vectors(USERS), one.item_vectors
    assert listeners.dtype == items.dtype == np.float32
    scores = listeners.astype(np.float64) @ items.astype(np.float64).T
    best = np.sort(scores, axis=1)[:, ::-1][:, :5]
    shown = np.take_along_axis(scores, one.recommend(USERS, 5, exclude_heard=False).astype(np.int64), axis=1)
    np.testing.assert_allclose(shown, best, rtol=1e-5)


@each_with_vectors
def test_strangers_and_unheard_items_are_zeros(file: str) -> None:
    known = halves().history
    wider = replace(known, users=[*known.users, "stranger"], n_items=ITEMS + 1)
    one = peer(file).fit(inputs_of(wider), AT)
    assert isinstance(one, Embeds)
    assert isinstance(one, EmbedsItems)
    assert (one.vectors(np.array([LISTENERS], np.int32)) == 0).all()
    assert (one.item_vectors[ITEMS] == 0).all()
    assert (one.recommend(np.array([LISTENERS], np.int32), 5, exclude_heard=False) == -1).all()


@each_file
def test_the_seed_decides(fitted, file: str) -> None:
    method = peer(file)
    assert isinstance(method, Seeded)
    again = method.seeded(0).fit(halves(), AT)
    np.testing.assert_array_equal(again.recommend(USERS, 20, False), fitted[file].recommend(USERS, 20, False))
    if file in VECTORS:
        np.testing.assert_array_equal(again.item_vectors, fitted[file].item_vectors)
        other = method.seeded(1).fit(halves(), AT)
        assert np.abs(other.item_vectors - again.item_vectors).max() > 0.01


@each_file
def test_nothing_of_later_is_seen(file: str) -> None:
    known, settings = halves(), EvalSettings(windows=1, k=(5, 10))
    window = windows(known, settings)[0]
    assert leaks(lambda inputs: [peer(file)], known, window, settings, [Next(), Discover()]) == []


@each_file
def test_an_empty_log_recommends_nothing(file: str) -> None:
    nothing = inputs_of(history_of(np.zeros(0), np.zeros(0), np.zeros(0), 2, 3))
    assert (peer(file).fit(nothing, AT).recommend(np.array([0, 1], np.int32), 4, False) == -1).all()


@each_file
def test_one_play_is_enough_to_learn_from(file: str) -> None:
    single = inputs_of(history_of(np.zeros(1), np.ones(1), np.array([AT - DAY_SECONDS]), 1, 3))
    ranked = peer(file).fit(single, AT).recommend(np.array([0], np.int32), 3, False)
    assert ranked.tolist() == [[1, -1, -1]]
