"""The ranker: gradient-boosted trees over the features, trained to put what was heard next on top.

LightGBM with the XE_NDCG loss (Bruch et al., arXiv 1911.09798), trained on what the merged retrievers would have
offered at moments in the past, labelled with what the listener then heard. LambdaRank scored lower here and took ten
times as long (docs/log.md). Saved as LightGBM's own text: no pickle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import atomic_file
from palate.core.errors import Corrupt
from palate.core.settings import Range
from palate.ranking.features import NAMES

# How LightGBM's text begins and ends. Given half of it, LightGBM does not raise but ends the whole process.
FIRST_LINE, LAST_LINE = "tree\n", "pandas_categorical:"


@dataclass(frozen=True)
class RankerSettings:
    """How the ranker is trained ([ranker] in palate.toml)."""

    SECTION: ClassVar[str] = "ranker"

    cuts: int = 12  # moments in the past, a week apart, whose following week is learnt from
    lists_per_cut: int = 400  # listeners per moment; bounds time and memory: 12 x 400 lists of 340 candidates
    rounds: Annotated[int, Range(50, 600, log=True)] = 150
    leaves: Annotated[int, Range(4, 63, log=True)] = 15
    learning_rate: Annotated[float, Range(0.01, 0.3, log=True)] = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """One list of candidates of one listener at one moment: features (n, f) and labels (n,) 1 where heard next."""

    features: NDArray[np.float32]
    labels: NDArray[np.float32]

    @property
    def teaches(self) -> bool:
        """Whether it holds both heard and unheard items; from others nothing can be learnt or judged."""
        return bool(0 < self.labels.sum() < len(self.labels))


class Ranker:
    """Scores candidates; higher is better, comparable within one request."""

    def __init__(self, booster: lgb.Booster | None) -> None:
        self._booster = booster

    @classmethod
    def train(
        cls,
        examples: Sequence[Example],
        settings: RankerSettings,
        after_round: Callable[[int, lgb.Booster], None] | None = None,
    ) -> "Ranker":
        """Learns from lists that hold both heard and unheard items. With none, scores by `taste_score`.

        after_round: shown the trees so far, with how many rounds they are, from 1 on; it changes nothing of them.
        """
        useful = [e for e in examples if e.teaches]
        if not useful:
            return cls(None)
        # One thread: with two, drawing whole lists (bagging_by_query) makes another ranker each time, and on 2 busy
        # cores they were no faster (544,000 candidates, 30 rounds: 3.1 s with one, 11.2 s with two).
        parameters: dict[str, Any] = {
            "objective": "rank_xendcg", "num_leaves": settings.leaves,
            "learning_rate": settings.learning_rate, "min_data_in_leaf": 50, "feature_fraction": 0.7,
            "bagging_fraction": 0.8, "bagging_freq": 1, "bagging_by_query": True, "seed": settings.seed, "verbose": -1,
            "deterministic": True, "force_row_wise": True, "num_threads": 1,
        }  # fmt: skip
        data = lgb.Dataset(
            np.concatenate([e.features for e in useful]), np.concatenate([e.labels for e in useful]),
            group=[len(e.labels) for e in useful], feature_name=list(NAMES), params=parameters,
        )  # fmt: skip
        watching = [] if after_round is None else [lambda told: after_round(told.iteration + 1, told.model)]
        return cls(lgb.train(parameters, data, settings.rounds, callbacks=watching))

    @property
    def booster(self) -> lgb.Booster | None:
        """LightGBM's model, to be read only; None for an untrained ranker."""
        return self._booster

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, f) -> (n,) float32."""
        if self._booster is None or not len(features):
            return features[:, 0].copy()
        scores = self._booster.predict(features, num_threads=1)  # a request has one core
        return np.asarray(scores, np.float32)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, f) -> (n, f + 1): what each feature adds to the score (Shapley values), and what all begin with.

        Each row sums to the score. Of an untrained ranker the score is the first feature, and so is its contribution.
        """
        if self._booster is None or not len(features):
            out = np.zeros((len(features), features.shape[1] + 1))
            out[:, 0] = features[:, 0]
            return out
        return np.asarray(self._booster.predict(features, pred_contrib=True, num_threads=1), np.float64)

    def importance(self) -> dict[str, float]:
        """Share of the total gain by feature, descending; empty for an untrained ranker."""
        if self._booster is None:
            return {}
        gain = self._booster.feature_importance("gain")
        shares = gain / max(float(gain.sum()), 1e-9)
        return {NAMES[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}

    def save(self, path: Path) -> None:
        """Writes the ranker whole or not at all; an untrained one is an empty file."""
        with atomic_file(path) as temporary:
            temporary.write_text("" if self._booster is None else self._booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Ranker":
        """Reads what `save` wrote; Corrupt when it is something else, or not all of it."""
        try:
            text = path.read_text(encoding="utf-8")
            if not text:
                return cls(None)
            if not (text.startswith(FIRST_LINE) and text.rpartition("\n" + LAST_LINE)[1]):
                raise Corrupt(f"{path} is not a whole ranker; restore it or train again")
            booster = lgb.Booster(model_str=text)
        except (lgb.basic.LightGBMError, UnicodeDecodeError) as error:
            raise Corrupt(f"{path} is not a ranker ({error}); restore it or train again") from error
        if booster.feature_name() != list(NAMES):
            raise Corrupt(f"{path} was trained on other features than this Palate computes; run `palate train`")
        return cls(booster)
