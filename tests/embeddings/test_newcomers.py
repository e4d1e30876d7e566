"""Strangers get what newcomers hear first, and who tells something what those liked who told the same."""

from dataclasses import replace

import numpy as np
import pytest

from palate.embeddings.encoder import Encoder, feature_count
from palate.embeddings.foundation import Foundation
from palate.embeddings.inputs import Inputs
from palate.embeddings.newcomers import first_days, fit_start
from palate.embeddings.records import UserRecord
from palate.embeddings.start import Start
from palate.listening.listeners import ListenerColumns

from .worlds import Play, history_of, inputs_of

DIM, ITEMS, LISTENERS = 3, 6, 60
FACTORS = np.array([[3, 0, 0], [3, 0, 0], [0, 3, 0], [0, 3, 0], [-3, -3, 0], [0, 0, 0]], np.float32)
KNOWN = np.array([True] * 5 + [False])


def foundation() -> Foundation:
    """A taste is its middle window; a stranger wants half the popularity there is."""
    weights = np.zeros((feature_count(DIM), DIM), np.float32)
    weights[DIM : 2 * DIM - 1, : DIM - 1] = np.eye(DIM - 1)
    weights[-1, -1] = 0.5
    return Foundation(FACTORS, FACTORS, Encoder(weights))


def first_and_later(first: int, later: int) -> list[Play]:
    """Everybody hears `first` on one day, and `later` ten times, two months on."""
    come = [(user, first, user) for user in range(LISTENERS)]
    stay = [(user, later, user + 60 + day / 10) for user in range(LISTENERS) for day in range(10)]
    return sorted([*come, *stay], key=lambda play: play[2])


def fitted(inputs: Inputs, statics: bool = True) -> Start:
    return fit_start(inputs, foundation(), KNOWN, 7.0, statics, seed=0)


def described(country: dict[int, str], plays: list[Play]) -> Inputs:
    inputs = inputs_of(history_of(plays, ITEMS))
    columns = ListenerColumns({"country": [country.get(user) for user in range(len(inputs.history.users))]})
    return replace(inputs, listeners=columns)


def two_countries(n: int = LISTENERS) -> Inputs:
    """Even listeners come from SE and hear item 0 and 1, odd ones from NO and hear items 2 and 3."""
    plays = [(user, 2 * (user % 2) + user // 2 % 2, float(user)) for user in range(n)]
    return described({user: ("SE", "NO")[user % 2] for user in range(n)}, plays)


def scores(start: Start, **told: str) -> np.ndarray:
    encoder = replace(foundation().encoder, start=start)
    columns = ListenerColumns({name: [text] for name, text in told.items()})
    return np.asarray(FACTORS @ encoder.encode([UserRecord.empty(DIM)], columns)[0])


def test_a_stranger_is_offered_what_comes_first_and_not_what_is_heard_most() -> None:
    for first, later in ((0, 2), (2, 0)):
        found = scores(fitted(inputs_of(history_of(first_and_later(first, later), ITEMS))))
        assert found[first] > found[later] > found[4]


def test_the_share_of_popularity_stays() -> None:
    assert fitted(two_countries()).stranger[-1] == 0.0
    assert not fitted(two_countries()).described[:, -1].any()


def test_first_days_by_hand() -> None:
    history = history_of([(0, 0, 0.0), (0, 1, 1.0), (1, 2, 60.0), (0, 3, 60.0)], ITEMS)
    found = first_days(replace(history, timestamp=history.timestamp), KNOWN, 7.0)
    assert found.items.tolist() == [0, 1, 2, 3, 4]
    half = pytest.approx(1 / 2 / 2, rel=1e-3)  # the first came 60 days before the end, and heard two items
    assert found.heard.tolist() == [[half, half, 0, 0, 0], [0, 0, pytest.approx(1, rel=1e-3), 0, 0]]
    assert not found.popularity[0].any()  # nothing was heard before the first week


def test_who_tells_a_country_is_offered_what_it_hears() -> None:
    start = fitted(two_countries())
    swede, norwegian, nobody = (scores(start, **told) for told in ({"country": "SE"}, {"country": "NO"}, {}))
    assert swede[0] > swede[2]
    assert norwegian[2] > norwegian[0]
    assert swede[0] > nobody[0] > norwegian[0]
    np.testing.assert_array_equal(scores(start, country="XX"), nobody)


def test_telling_says_nothing_by_itself() -> None:
    """Who told a country differs from the mean by as much as the others do: on average by nothing."""
    start = fitted(two_countries())
    rows = [place for place, name in enumerate(start.statics.names) if name in ("country=SE", "country=NO")]
    np.testing.assert_allclose(start.described[rows].mean(axis=0), 0.0, atol=1e-6)


def test_a_country_of_three_says_nothing() -> None:
    few = two_countries()
    rare = ListenerColumns({"country": ["IS" if user < 3 else "SE" for user in range(LISTENERS)]})
    start = fitted(replace(few, listeners=rare))
    np.testing.assert_array_equal(scores(start, country="IS"), scores(start))


@pytest.mark.parametrize("inputs", [two_countries(), replace(two_countries(), listeners=ListenerColumns({}))])
def test_without_attributes_only_the_stranger_is_learnt(inputs: Inputs) -> None:
    start = fitted(inputs, statics=not inputs.listeners.values)
    assert not start.reads_attributes
    np.testing.assert_array_equal(start.stranger, fitted(two_countries()).stranger)


def test_nobody_and_nothing() -> None:
    start = fitted(inputs_of(history_of([], ITEMS)))
    assert not start.stranger.any()
    assert not start.reads_attributes
