"""Exposures meet listens: only a play from the slate itself counts, once, at its place."""

from pathlib import Path

import numpy as np

from palate.core.ids import ItemId, UserId
from palate.core.listens import Event, Listen, in_columns
from palate.evaluation.online.attributed import heard_from, logged
from palate.listening.exposures import Exposure, ExposureLog, Exposures
from palate.listening.log import ListeningLog


def shown(tmp_path: Path, *slates: tuple[str, str, str, tuple[float, ...]]) -> Exposures:
    """(slate, listener, items as letters, propensities)."""
    with ExposureLog(tmp_path / "exposures.sqlite") as log:
        for slate, user, items, chances in slates:
            log.append([Exposure(1.0, user, "e", "control", "home", slate, tuple(items), chances)])
        return log.read("e")


def listen(item: str, slate: str | None, time: float = 2.0, event: Event = Event.PLAY, seconds: float = 99.0) -> Listen:
    return Listen(UserId("ana"), ItemId(item), time, event, seconds, 200.0, context_id=slate)


def test_what_was_heard_from_its_slate(tmp_path: Path) -> None:
    exposures = shown(tmp_path, ("s", "ana", "abc", (0.5,) * 3), ("t", "bo", "ab", (0.2, 0.4)))
    listens = [
        listen("b", "s"),
        listen("b", "s", time=3.0),  # twice is once
        listen("a", None),  # heard elsewhere
        listen("c", "s", event=Event.SKIP, seconds=3.0),
        listen("a", "t", seconds=4.0),  # a skip by its length
        listen("b", "t", event=Event.SAVE),
        listen("z", "t"),  # not on it
    ]
    with ListeningLog(tmp_path / "log.sqlite") as log:
        log.append(in_columns(listens))
        reward = heard_from(exposures, log.replay(0))
    assert reward.tolist() == [0, 1, 0, 0, 0]


def test_a_log_without_contexts_has_no_rewards(tmp_path: Path) -> None:
    exposures = shown(tmp_path, ("s", "ana", "a", (1.0,)))
    with ListeningLog(tmp_path / "log.sqlite") as log:
        log.append(in_columns([listen("a", None)]))
        assert heard_from(exposures, log.replay(0)).tolist() == [0]


def test_slates_of_different_lengths_are_filled_up(tmp_path: Path) -> None:
    exposures = shown(tmp_path, ("s", "bo", "abc", (0.5, 0.25, 0.1)), ("t", "ana", "a", (0.2,)), ("u", "bo", "", ()))
    one = logged(exposures, np.array([1.0, 0.0, 1.0, 1.0]))
    assert one.propensity.tolist() == [[0.5, 0.25, 0.1], [0.2, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert one.reward.tolist() == [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert one.listener.tolist() == [1, 0, 1]


def test_no_exposures(tmp_path: Path) -> None:
    exposures = shown(tmp_path)
    assert heard_from(exposures, []).tolist() == []
    assert logged(exposures, np.zeros(0)).propensity.shape == (0, 0)
