"""The ranker: gradient-boosted trees over the features, trained to put what was heard next on top.

LightGBM with the XE_NDCG loss (Bruch et al., arXiv 1911.09798), trained on what the merged retrievers would have
offered at moments in the past, labelled with what the listener then heard. Few lists teach it, so several members that
each see half of the rows and columns are averaged: one alone is mostly noise. Heads beside it say how likely each
action is (heads.py). LambdaRank scored lower here and took ten times as long (docs/log.md).
"""

import json
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import atomic_file
from palate.core.errors import Corrupt
from palate.core.settings import Range
from palate.ranking.actions import Actions, ActionWeights
from palate.ranking.features import NAMES
from palate.ranking.heads import ActionHeads, Told

FORMAT = 2  # 1 was the text of one LightGBM model
# How LightGBM's text begins and ends. Given half of it, LightGBM does not raise but ends the whole process.
FIRST_LINE, LAST_LINE = "tree\n", "pandas_categorical:"


@dataclass(frozen=True)
class RankerSettings:
    """How the ranker is trained ([ranker] in palate.toml)."""

    SECTION: ClassVar[str] = "ranker"

    cuts: int = 12  # moments in the past, a week apart, whose following week is learnt from
    lists_per_cut: int = 400  # listeners per moment; bounds time and memory: 12 x 400 lists of 340 candidates
    members: int = 3  # rankers whose scores are averaged; more are no better on 30Music, and each costs a request .4 ms
    # of what was not heard, how much a member learns from, drawn anew for each: XE_NDCG gives every unheard candidate a
    # share of its target, and of hundreds that is most of it
    unheard_share: Annotated[float, Range(0.1, 1.0)] = 0.2
    rounds: Annotated[int, Range(30, 600, log=True)] = 60
    leaves: Annotated[int, Range(4, 63, log=True)] = 10
    learning_rate: Annotated[float, Range(0.01, 0.3, log=True)] = 0.06
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """One list of candidates of one listener at one moment.

    features # (n, f) float32
    labels   # (n,) float32, 1 where heard in the week after
    acted    # (n, actions.ACTED) bool, what else was done then; None where nobody asks
    """

    features: NDArray[np.float32]
    labels: NDArray[np.float32]
    acted: NDArray[np.bool_] | None = None

    @property
    def teaches(self) -> bool:
        """Whether it holds both heard and unheard items; from others nothing can be learnt or judged."""
        return bool(0 < self.labels.sum() < len(self.labels))


class Ranker:
    """Scores candidates; higher is better, comparable within one request."""

    def __init__(self, members: Sequence[lgb.Booster] | None, heads: ActionHeads | None = None) -> None:
        self._members, self._heads = tuple(members or ()), heads
        self._weights: ActionWeights | None = None

    @classmethod
    def train(
        cls,
        examples: Sequence[Example],
        settings: RankerSettings,
        after_round: Callable[[int, lgb.Booster], None] | None = None,
        kept_out: Sequence[Example] = (),
    ) -> "Ranker":
        """Learns from lists that hold both heard and unheard items. With none, scores by `taste_score`.

        after_round: shown the first member's trees so far, with how many rounds they are, from 1 on; it changes nothing
        kept_out: lists that make the score a probability; without any, those that were learnt from do
        """
        useful = [e for e in examples if e.teaches]
        if not useful:
            return cls(None)
        watching = [] if after_round is None else [lambda told: after_round(told.iteration + 1, told.model)]
        members = [
            _member(useful, settings, number, watching if number == 0 else []) for number in range(settings.members)
        ]
        ranker = cls(members)
        return cls(members, _heads(useful, [e for e in kept_out if len(e.labels)] or useful, ranker, settings.seed))

    @property
    def booster(self) -> lgb.Booster | None:
        """LightGBM's model of the first member, to be read only; None for an untrained ranker."""
        return self._members[0] if self._members else None

    @property
    def heads(self) -> ActionHeads | None:
        """What makes actions of scores; None where nothing was learnt of them."""
        return self._heads

    @property
    def weights(self) -> ActionWeights | None:
        """What `score` weighs actions with; None where it says how soon each will be heard."""
        return self._weights

    def weighed(self, weights: ActionWeights | None) -> "Ranker":
        """The same ranker, whose `score` is what it predicts of each action, weighed; None for how soon it is heard."""
        if weights is self._weights:
            return self
        other = copy(self)
        other._weights = weights
        return other

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, f) -> (n,) float32: how soon each will be heard, or what its actions are worth by the weights."""
        return self.soon(features) if self._weights is None else self.predict(features).score(self._weights)

    def soon(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, f) -> (n,) float32: how soon each will be heard; the mean of the members."""
        if not self._members or not len(features):
            return features[:, 0].copy()
        one_core = [np.asarray(member.predict(features, num_threads=1), np.float64) for member in self._members]
        return np.asarray(np.mean(one_core, axis=0), np.float32)

    def predict(self, features: NDArray[np.float32]) -> Actions:
        """(n, f) -> the probability of each action; without heads, only of finish, and in order but not calibrated."""
        scores = self.soon(features)
        if self._heads is not None:
            return self._heads.predict(features, scores)
        nothing = np.zeros(len(scores), np.float32)
        finish = (1.0 / (1.0 + np.exp(-np.clip(scores, -40.0, 40.0)))).astype(np.float32)
        return Actions(finish, nothing, nothing, nothing, nothing)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, f + 1) float32: what each feature adds to the score of each row, in the order of NAMES; then the base.

        They add up to `soon` (Lundberg et al., arXiv 1802.03888). Of an untrained ranker all is `taste_score`.
        """
        if not self._members or not len(features):
            out = np.zeros((len(features), len(NAMES) + 1), np.float32)
            out[:, 0] = features[:, 0]
            return out
        told = [np.asarray(member.predict(features, num_threads=1, pred_contrib=True)) for member in self._members]
        return np.asarray(np.mean(told, axis=0), np.float32)

    def importance(self) -> dict[str, float]:
        """Share of the total gain by feature, descending; empty for an untrained ranker."""
        if not self._members:
            return {}
        gain = np.sum([member.feature_importance("gain") for member in self._members], axis=0)
        shares = gain / max(float(gain.sum()), 1e-9)
        return {NAMES[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}

    def save(self, path: Path) -> None:
        """Writes the ranker whole or not at all, as JSON; an untrained one is an empty file."""
        told: dict[str, Any] = {"format": FORMAT, "features": NAMES}
        told["members"] = [member.model_to_string() for member in self._members]
        if self._heads is not None:
            told["calibration"] = self._heads.calibration.tolist()
            told["heads"] = {name: head.model_to_string() for name, head in self._heads.boosters.items()}
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(told) if self._members else "", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Ranker":
        """Reads what `save` wrote; Corrupt when it is something else, or not all of it."""
        try:
            text = path.read_text(encoding="utf-8")
            if not text:
                return cls(None)
            if text.startswith(FIRST_LINE):
                raise Corrupt(f"{path} is not of the format that this Palate reads; run `palate train`")
            told = json.loads(text)
            if told["format"] != FORMAT or told["features"] != list(NAMES):
                raise Corrupt(f"{path} was trained on other features than this Palate computes; run `palate train`")
            members = [_model(one, path) for one in told["members"]]
            heads = {name: _model(one, path) for name, one in told.get("heads", {}).items()}
        except (lgb.basic.LightGBMError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Corrupt(f"{path} is not a ranker ({error}); restore it or train again") from error
        calibration = told.get("calibration")
        return cls(members, None if calibration is None else ActionHeads(np.array(calibration), heads))


def _model(text: str, path: Path) -> lgb.Booster:
    if not (text.startswith(FIRST_LINE) and text.rpartition("\n" + LAST_LINE)[1]):
        raise Corrupt(f"{path} is not a whole ranker; restore it or train again")
    return lgb.Booster(model_str=text)


def _parameters(settings: RankerSettings, number: int) -> dict[str, Any]:
    # One thread: with two, another ranker each time, and on 2 busy cores they were no faster (544,000 candidates, 30
    # rounds: 3.1 s with one, 11.2 s with two). Rows are drawn, not whole lists: `bagging_by_query` finds nothing to
    # split in four rounds of five.
    return {
        "objective": "rank_xendcg", "num_leaves": settings.leaves, "learning_rate": settings.learning_rate,
        "min_data_in_leaf": 50, "feature_fraction": 0.5, "bagging_fraction": 0.5, "bagging_freq": 1,
        "seed": settings.seed + number, "verbose": -1, "deterministic": True, "force_row_wise": True,
        "num_threads": 1, "max_bin": 63,
    }  # fmt: skip


def _member(
    useful: Sequence[Example], settings: RankerSettings, number: int, watching: list[Callable[..., None]]
) -> lgb.Booster:
    """One of the rankers that are averaged, on all that was heard and its own draw of what was not."""
    parameters, generator = _parameters(settings, number), np.random.default_rng(settings.seed + number)
    drawn = [(e.labels > 0) | (generator.random(len(e.labels)) < settings.unheard_share) for e in useful]
    data = lgb.Dataset(
        np.concatenate([e.features[rows] for e, rows in zip(useful, drawn, strict=True)]),
        np.concatenate([e.labels[rows] for e, rows in zip(useful, drawn, strict=True)]),
        group=[int(rows.sum()) for rows in drawn], feature_name=list(NAMES), params=parameters,
    )  # fmt: skip
    return lgb.train(parameters, data, settings.rounds, callbacks=watching)


def _heads(learnt: Sequence[Example], judged: Sequence[Example], ranker: Ranker, seed: int) -> ActionHeads | None:
    """None where the examples do not say what was done."""
    told, kept = _told(learnt), _told(judged)
    if told is None or kept is None:
        return None
    return ActionHeads.train(told, kept, ranker.score(kept.features), seed)


def _told(examples: Sequence[Example]) -> Told | None:
    done = [one.acted for one in examples if one.acted is not None]
    if len(done) < len(examples):
        return None
    return Told(np.concatenate([one.features for one in examples]), np.concatenate(done))
