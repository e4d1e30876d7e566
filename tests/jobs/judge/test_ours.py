"""Palate's methods under the judge: what is told of a listener counts for who is asked, and can be taken away."""

from dataclasses import replace

import numpy as np
import pytest

from palate.evaluation.coldstart import Described
from palate.jobs.judge.ours import FittedForYou, FittedTaste, Listeners
from palate.listening.listeners import ListenerColumns
from surfaces.planted import Planted, planted

N, NOTHING = 20, ListenerColumns({})


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(params=[FittedTaste, FittedForYou])
def fitted(request: pytest.FixtureRequest, world: Planted) -> FittedTaste | FittedForYou:
    """Everybody is asked before the first listen."""
    inputs = world.inputs
    nobody = replace(inputs, history=inputs.history.until(0.0))
    return request.param(world.trained, Listeners.of(nobody, world.now))  # type: ignore[no-any-return]


def lists(fitted: FittedTaste | FittedForYou) -> set[tuple[int, ...]]:
    users = np.arange(30, dtype=np.int32)
    return {tuple(row) for row in fitted.recommend(users, N, exclude_heard=False).tolist()}


def test_before_the_first_listen_lists_differ_by_what_is_told(fitted: FittedTaste | FittedForYou) -> None:
    assert isinstance(fitted, Described)
    assert len(lists(fitted)) > 5
    assert len(lists(fitted.described(NOTHING))) == 1
    assert lists(fitted.described(NOTHING).described(fitted.listeners.told)) == lists(fitted)


def test_an_encoder_that_reads_no_attributes_is_asked_once(fitted: FittedTaste | FittedForYou) -> None:
    plain = replace(fitted, trained=replace(fitted.trained, encoder=replace(fitted.trained.encoder, start=None)))
    assert plain.described(NOTHING) is plain
