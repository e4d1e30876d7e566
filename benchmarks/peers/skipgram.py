"""The usual average of track embeddings: word2vec over what was heard in turn, and a listener is the mean of it.

Skip-gram with negative sampling (Mikolov et al., 2013) over sittings or over whole listeners. The sampling exponent,
the window and the subsampling are settings: for recommending they matter more than anything else (Caselles-Dupré,
Lesaint and Royo-Letelier, "Word2vec applied to Recommendation: Hyperparameters Matter", 2018).
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.factors import Embedded, Factors, mean_of
from palate.evaluation.baselines.profiles import Fading
from palate.evaluation.method import Method

sys.path.append(str(Path(__file__).parents[1]))  # `palate eval run --method` loads this file alone
from peers.learning import Heard, Negatives, alone, descend


@dataclass(frozen=True)
class SkipGram:
    """Items by their cosine to the mean vector of what the listener heard, each play fading.

    by_sitting      True: company is one sitting; False: all that a listener heard, in time order
    window          so many plays to either side are company, near ones more often
    exponent        negatives are drawn with probability plays^exponent: .75 is word2vec's for words, 0 draws all items
                    alike, below 0 rare ones more often
    subsample       an item that is more than this share of all plays is left out now and then; 0 leaves nothing out
    negatives       for each pair; they are shared by a batch, `SHARED_NEGATIVES` at a time
    half_life_days  how fast a play of the listener fades
    """

    dim: int = 128
    by_sitting: bool = False
    window: int = 5
    exponent: float = 0.75
    subsample: float = 0.0001
    negatives: int = 3
    epochs: int = 10
    learning_rate: float = 0.02
    half_life_days: float = 7.0
    every_play: bool = True
    seed: int = 0
    everywhere: bool = False
    kind: str = "baseline"

    @property
    def name(self) -> str:
        return "skip-gram"

    def seeded(self, seed: int) -> "SkipGram":
        """See `Seeded.seeded`."""
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Embedded:
        heard, n_items = Heard.of(known.history), known.history.n_items
        unit = np.zeros((n_items, self.dim), np.float32)
        if len(heard):
            with alone(self.seed) as rng:
                unit = heard.spread(functional.normalize(self._learnt(heard, rng)), n_items)
        fading = Fading(self.half_life_days, self.every_play)
        return Embedded.seeing(known.history, at, Factors(unit, mean_of(unit)), fading)

    def _learnt(self, heard: Heard, rng: np.random.Generator) -> Tensor:
        """(m, dim) one vector an item, after `epochs` passes with a learning rate that falls to 0."""
        m = len(heard.items)
        vectors = torch.nn.Parameter((torch.rand(m, self.dim) - 0.5) / self.dim)
        contexts = torch.nn.Parameter(torch.zeros(m, self.dim))
        adam = torch.optim.Adam([vectors, contexts], lr=self.learning_rate)
        drawn = Negatives.of(heard.plays, self.exponent)
        for epoch in range(self.epochs):
            for group in adam.param_groups:
                group["lr"] = self.learning_rate * (1 - epoch / self.epochs)
            for centre, context in self._batches(heard, rng):
                descend(adam, self._loss(vectors[centre], contexts, context, drawn.draw(SHARED_NEGATIVES, rng)))
        return vectors.detach()

    def _loss(self, states: Tensor, contexts: Tensor, context: Tensor, negatives: Tensor) -> Tensor:
        """The negatives of a batch are shared, and each counts as much as it takes to make `negatives` of them."""
        right = functional.logsigmoid((states * contexts[context]).sum(dim=1))
        wrong = functional.logsigmoid(-(states @ contexts[negatives].T)).sum(dim=1)
        return -(right + wrong * (self.negatives / SHARED_NEGATIVES)).mean()

    def _batches(self, heard: Heard, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Every pair of company of one pass in random order, BATCH at a time: (b,) items and (b,) their company."""
        kept = rng.random(len(heard)) < kept_share(heard.plays, self.subsample)[heard.item]
        group = (heard.sitting if self.by_sitting else heard.user)[kept]
        centre, context = company(heard.item[kept], group, self.window, rng)
        order = rng.permutation(len(centre))
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            yield torch.from_numpy(centre[part]), torch.from_numpy(context[part])


BATCH, SHARED_NEGATIVES = 8_192, 64


def kept_share(plays: NDArray[np.int64], subsample: float) -> NDArray[np.float64]:
    """(m,) the probability that a play of each item takes part: word2vec's sqrt(t / f) + t / f, at most 1."""
    if subsample <= 0:
        return np.ones(len(plays))
    rarity = subsample * plays.sum() / np.maximum(plays, 1)
    return np.asarray(np.minimum(np.sqrt(rarity) + rarity, 1.0), np.float64)


def company(
    item: NDArray[np.int64], group: NDArray[np.int64], window: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of plays of one group at most `window` apart, both ways round, without pairs of an item with itself.

    item, group # (n,) one group after another. Two plays `d` apart are a pair with probability (window - d + 1) /
    window, as word2vec's random window has it.
    """
    left: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    right = list(left)
    for apart in range(1, min(window, len(item) - 1) + 1):
        first, second = item[:-apart], item[apart:]
        chosen = (group[:-apart] == group[apart:]) & (first != second)
        chosen &= rng.random(len(first)) < (window - apart + 1) / window
        left += [first[chosen], second[chosen]]
        right += [second[chosen], first[chosen]]
    return np.concatenate(left), np.concatenate(right)


def methods(inputs: Inputs) -> Sequence[Method]:
    """What `palate eval run --method` judges."""
    return [SkipGram()]
