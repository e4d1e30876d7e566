"""Probabilities of actions: the ranker's score made a probability, and a small model for each thing done after playing.

    P(played)          logistic in the ranker's score and how much the listener listens, fitted on lists kept out
    P(action | played) trees on what was played; return: on what was heard

A head whose label hardly ever occurs, or hardly ever fails, in the examples is left out: its action is certain (finish)
or never happens (the others).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from palate.ranking.actions import ACTED, Actions
from palate.ranking.calibration import fit_logistic, probabilities
from palate.ranking.features import NAMES

LEAST = 100  # examples with the label, and without it: fewer teach a head nothing
ROUNDS = 60
LABELS = {
    "finish": "heard",
    "skip": "skipped",
    "save": "saved",
    "add_to_playlist": "added",
    "return_in_week": "returned",
}
HOW_MUCH = [NAMES.index(name) for name in ("listener_week", "listener_events", "listener_days_away")]


@dataclass(frozen=True)
class Told:
    """Candidates of many lists, one after the other: features # (n, f), done # (n, len(ACTED)) in the week after."""

    features: NDArray[np.float32]
    done: NDArray[np.bool_]


class ActionHeads:
    """What turns features and the ranker's scores into Actions.

    calibration # (1 + 1 + HOW_MUCH,) of P(played)
    boosters    by action, those that were learnt
    """

    def __init__(self, calibration: NDArray[np.float64], boosters: Mapping[str, lgb.Booster]) -> None:
        self.calibration, self.boosters = calibration, dict(boosters)

    @classmethod
    def train(cls, learnt: "Told", judged: "Told", scores: NDArray[np.float32], seed: int) -> "ActionHeads":
        """judged: lists that the ranker has not learnt from, with its `scores` # (m,): of its own it is too sure."""
        played = judged.done[:, ACTED.index("played")].astype(np.float64)
        calibration = fit_logistic(_columns(judged.features, scores), played)
        boosters = {}
        for action, label in LABELS.items():
            given = learnt.done[:, ACTED.index("heard" if action == "return_in_week" else "played")]
            found = _head(learnt.features[given], learnt.done[given, ACTED.index(label)], seed)
            if found is not None:
                boosters[action] = found
        return cls(calibration, boosters)

    def predict(self, features: NDArray[np.float32], scores: NDArray[np.float32]) -> Actions:
        """features # (n, f), scores # (n,) the ranker's -> the probability of each action."""
        played = probabilities(_columns(features, scores), self.calibration)
        finish = played * self._given(features, "finish", 1.0)
        rest = [played * self._given(features, action, 0.0) for action in ("skip", "save", "add_to_playlist")]
        found = (finish, *rest, finish * self._given(features, "return_in_week", 0.0))
        return Actions(*(one.astype(np.float32) for one in found))

    def _given(self, features: NDArray[np.float32], action: str, otherwise: float) -> NDArray[np.float64]:
        head = self.boosters.get(action)
        if head is None or not len(features):
            return np.full(len(features), otherwise)
        return np.asarray(head.predict(features, num_threads=1), np.float64)


def _columns(features: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.column_stack([scores, features[:, HOW_MUCH]]).astype(np.float64)


def _head(features: NDArray[np.float32], labels: NDArray[np.bool_], seed: int) -> lgb.Booster | None:
    """Trees for one label; None where it hardly ever varies."""
    if min(int(labels.sum()), int((~labels).sum())) < LEAST:
        return None
    parameters: dict[str, Any] = {
        "objective": "binary", "num_leaves": 7, "learning_rate": 0.05, "min_data_in_leaf": 50, "feature_fraction": 0.7,
        "seed": seed, "verbose": -1, "deterministic": True, "force_row_wise": True, "num_threads": 1,
    }  # fmt: skip
    data = lgb.Dataset(features, labels.astype(np.float32), feature_name=list(NAMES), params=parameters)
    return lgb.train(parameters, data, ROUNDS)
