"""What one event says about a taste."""

import numpy as np
import pytest

from palate.core.listens import Event
from palate.embeddings.weights import event_weights, taste_weights

from .worlds import history_of, with_event

CHOICES = {Event.PLAY, Event.SAVE, Event.ADD_TO_PLAYLIST, Event.ONBOARDING}


@pytest.mark.parametrize("event", Event)
def test_a_choice_of_an_item_counts_one_and_anything_else_nothing(event: Event) -> None:
    known = np.array([100.0], np.float32), np.array([200.0], np.float32)
    weights, skipped = event_weights(np.array([event], np.uint8), *known)
    assert weights.tolist() == [1.0 if event in CHOICES else 0.0]
    assert skipped.tolist() == [event is Event.SKIP]


def test_a_play_cut_short_is_a_skip_and_a_save_never_is() -> None:
    events = np.array([Event.PLAY, Event.PLAY, Event.PLAY, Event.SAVE], np.uint8)
    played = np.array([5.0, 5.0, np.nan, 5.0], np.float32)
    weights, skipped = event_weights(events, played, np.array([200.0, 8.0, 200.0, 200.0], np.float32))
    assert weights.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert skipped.tolist() == [True, False, False, False]


def test_a_history_is_weighed_event_by_event() -> None:
    history = with_event(history_of([(0, 1, 1.0), (1, 2, 2.0), (0, 1, 3.0)]), 1, Event.HIDE)
    assert taste_weights(history).tolist() == [1.0, 0.0, 1.0]
