import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import palate.surfaces.offering as module
from palate.core.errors import BadInput
from palate.surfaces.choices import ARTIST, Choices
from palate.surfaces.offering import Guide, entropy, informative, posterior

LANGUAGES = ["en", "sv", None]


def guide(tastes: NDArray[np.float32], vectors: NDArray[np.float32], plays: NDArray[np.float64]) -> Guide:
    """One item a choice, in order of plays."""
    n = len(vectors)
    order = np.argsort(-plays, kind="stable")
    choices = Choices(
        [f"a{row}" for row in order.tolist()], [ARTIST] * n, [LANGUAGES[row % 3] for row in order.tolist()],
        plays[order], np.arange(n + 1), order.astype(np.int32),
    )  # fmt: skip
    return Guide(choices, tastes, vectors, plays, listeners=10)


def tribes(alike: int = 5) -> Guide:
    """Four tribes of ten; of the first `alike` artists are a third more known, of each other tribe there is one."""
    vectors = np.eye(4, dtype=np.float32)[[*[0] * alike, 1, 2, 3]]
    tastes = np.repeat(np.eye(4, dtype=np.float32), 10, axis=0)
    return guide(tastes, vectors, np.array([40.0 + place for place in range(alike)] + [30.0] * 3))


def test_the_docstrings_hold() -> None:
    assert doctest.testmod(module).failed == 0


def test_one_of_each_tribe_before_a_second_of_the_most_popular() -> None:
    found = tribes()
    first = [found.choices.names[place] for place in found.offer(3)]
    assert len({name if name in ("a5", "a6", "a7") else "first tribe" for name in first}) == 3
    assert found.choices.names[:3] == ["a4", "a3", "a2"]  # what popularity alone would have offered


def test_the_next_question_is_about_what_is_still_open() -> None:
    tribe, first_pair, second_pair = [0.9, 0.9, 0.1, 0.1], [0.9, 0.1, 0.05, 0.05], [0.05, 0.05, 0.9, 0.1]
    likely = np.array([tribe, first_pair, second_pair]).T
    for picked, passed, telling in (([0], [], 1), ([], [0], 2)):
        belief = posterior(likely, picked, passed)
        assert informative(likely[:, 1:], belief, 1, seed=0) == [telling - 1]


def test_who_picked_an_artist_is_of_its_tribe() -> None:
    found = tribes()
    places = {name: place for place, name in enumerate(found.choices.names)}
    told = posterior(found.likely(np.arange(8)), [places["a6"]], [places["a0"]])
    assert told[20:30].sum() > 0.9


def test_what_nobody_knows_and_what_everybody_likes_tells_nothing() -> None:
    likely = np.array([[1e-9, 1.0 - 1e-9, 0.9], [1e-9, 1.0 - 1e-9, 0.1]])
    assert informative(likely, np.full(2, 0.5), 3, seed=0)[0] == 2


def test_offers_speak_the_language() -> None:
    found = tribes()
    for place in found.offer(8, languages=["EN"]):
        assert found.choices.languages[place] in ("en", None)
    assert set(found.offer(8)) == set(range(8))


def test_without_listeners_the_most_heard_are_offered() -> None:
    found = guide(np.zeros((0, 4), np.float32), np.eye(4, dtype=np.float32), np.array([1.0, 4.0, 2.0, 3.0]))
    assert [found.choices.names[place] for place in found.offer(3, passed=[0])] == ["a3", "a2", "a0"]


def test_nothing_to_offer_is_an_empty_list_and_no_offers_an_error() -> None:
    empty = guide(np.ones((3, 2), np.float32), np.zeros((0, 2), np.float32), np.zeros(0))
    assert empty.offer(5) == []
    with pytest.raises(BadInput, match="at least 1"):
        empty.offer(0)


def test_more_plays_are_known_by_more() -> None:
    known = tribes().known(np.arange(8))
    assert (np.diff(known) <= 0).all()
    assert 0.0 < known[-1] < known[0] < 1.0


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 1_000))
def test_offers_are_distinct_never_answered_and_the_same_again(data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    c, m = int(rng.integers(1, 15)), int(rng.integers(0, 12))
    found = guide(
        rng.normal(size=(m, 3)).astype(np.float32),
        rng.normal(size=(c, 3)).astype(np.float32),
        rng.integers(0, 9, c) * 1.0,
    )
    answered = data.draw(st.lists(st.integers(0, c - 1), unique=True, max_size=c))
    half = len(answered) // 2
    offer = found.offer(6, answered[:half], answered[half:])
    assert len(set(offer)) == len(offer) <= 6
    assert not set(offer) & set(answered)
    assert found.offer(6, answered[:half], answered[half:]) == offer
    open_ = [place for place in found.choices.heard().tolist() if place not in answered]
    assert len(offer) == min(6, len(open_))


@given(st.lists(st.floats(1e-6, 1.0 - 1e-6), min_size=2, max_size=5))
def test_an_answer_never_tells_less_than_nothing(chances: list[float]) -> None:
    likely, belief = np.array([chances]).T, np.full(len(chances), 1 / len(chances))
    assert entropy(belief @ likely)[0] >= (belief @ entropy(likely))[0] - 1e-9


def test_belief_after_answers_is_that_of_bayes() -> None:
    likely = np.array([[0.8, 0.5], [0.2, 0.25]])
    np.testing.assert_allclose(posterior(likely, [0], [1]), np.array([0.8 * 0.5, 0.2 * 0.75]) / (0.4 + 0.15))
    np.testing.assert_allclose(posterior(likely, [], []), [0.5, 0.5])
