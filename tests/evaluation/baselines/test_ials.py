import numpy as np

from palate.evaluation.baselines import IAls
from palate.evaluation.method import Neighbours, Seeded

from ..worlds import history_of, inputs_of, playlists_of, random_history
from .asking import AT, goes_on, lists

SMALL = IAls(dim=8)


def blocks() -> list[tuple[int, int, float]]:
    """40 listeners with ten items of their half each; 7 never plays item 3, and 33 never item 15."""
    half = [(user, item, 90.0) for user in range(40) for item in range(20) if (user < 20) == (item < 10)]
    return [play for play in half if play[:2] not in ((7, 3), (33, 15))]


def test_planted_halves_are_found() -> None:
    known = inputs_of(history_of(blocks()))
    assert lists(SMALL, known, [7, 33], n=1, exclude_heard=True) == [[3], [15]]
    fitted = SMALL.fit(known, AT)
    assert isinstance(fitted, Neighbours)
    near = fitted.similar(np.array([2, 12], np.int32), 9)
    assert (near[0] < 10).all()
    assert (near[1] >= 10).all()
    assert {*goes_on(fitted, [0, 1, 2], n=7)[0]} == set(range(3, 10))


def test_playlists_teach_as_listeners_do() -> None:
    places = playlists_of([(user, item, day) for user, item, day in blocks()])
    fitted = SMALL.fit(inputs_of(history_of([], n_users=1, n_items=20), places), AT)
    assert {*goes_on(fitted, [10, 11, 12], n=7)[0]} == set(range(13, 20))


def test_a_listener_is_solved_exactly_against_the_items() -> None:
    fitted = SMALL.fit(inputs_of(random_history(1)), AT)
    items = fitted.item_vectors.astype(np.float64)
    for user, solved in enumerate(fitted.vectors(np.arange(5, dtype=np.int32))):
        confidence = SMALL.confidence * fitted.profiles[[user]].toarray()[0]
        # minimises sum over items of c (p - x y)^2 + regularization |x|^2, with c = 1, p = 0 for what was not played
        square = items.T @ (np.where(confidence > 0, confidence, 1.0)[:, None] * items)
        square += SMALL.regularization * np.eye(8)
        np.testing.assert_allclose(solved, np.linalg.solve(square, items.T @ confidence), rtol=1e-3, atol=1e-4)


def test_the_seed_decides() -> None:
    assert isinstance(SMALL, Seeded)
    known, users = inputs_of(random_history(2)), np.arange(30, dtype=np.int32)
    one, two, other = (method.fit(known, AT).vectors(users) for method in (SMALL, SMALL.seeded(0), SMALL.seeded(1)))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0.01


def test_listeners_and_items_of_later_do_not_move_what_is_learnt() -> None:
    train = random_history(3)
    more = history_of([], n_users=50, n_items=60)
    wider = train.__class__(**{**vars(train), "users": more.users, "n_items": 60})
    narrow, wide = (SMALL.fit(inputs_of(history), AT).item_vectors for history in (train, wider))
    np.testing.assert_array_equal(narrow, wide[:40])
    assert (wide[40:] == 0).all()
