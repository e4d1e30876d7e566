"""The student: item vectors and an encoder that give the teacher's order with one dot product. Needs torch.

    taste        = features(record) @ weights         the record sums `listened`, the vectors of what was heard
    score        = taste . offered                    the vectors of what may be played next, popularity their last

Both sides of an item are learnt, since what was heard and what will be heard next are not the same question: with one
vector for both, NDCG@100 on 30Music is 2% (next) and 5% (discover) lower. They start as the teacher's factors. The loss
is the cross-entropy of a softmax over items with the teacher's list, whose r-th item weighs 1 / r. It is over all
items, or in a large catalogue over the list and uniform negatives, whose number is corrected for (logQ). It is asked
twice, about all items and about those that the listener has not heard. Learning the order of a stronger model's list:
Tang and Wang, "Ranking Distillation", 2018; the loss: Cao et al., "Learning to Rank: From Pairwise Approach to Listwise
Approach", 2007.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from palate.embeddings.encoder import Encoder, UserSettings
from palate.embeddings.foundation import SHARPNESS, Foundation, with_last
from palate.embeddings.teacher import Lesson

NEVER = -1e4  # a score that no softmax sees; minus infinity would make gradients of 0 * infinity


class Vectors(torch.nn.Module):
    """The parameters, and the scores that follow from them."""

    def __init__(self, start: Foundation) -> None:
        super().__init__()
        weights = start.encoder.weights.copy()
        weights[:, :-1] /= SHARPNESS
        self.listened = torch.nn.Parameter(torch.from_numpy(start.listened.copy()))
        self.offered = torch.nn.Parameter(torch.from_numpy(start.vectors[:, :-1].copy()))
        self.weights = torch.nn.Parameter(torch.from_numpy(weights))

    def learnt(self, popularity: NDArray[np.float32], count_power: float) -> Foundation:
        """As arrays, with the popularity # (items,) of the moment."""
        listened, offered, weights = (one.detach().cpu().numpy().copy() for one in self.parameters())
        weights[:, :-1] *= SHARPNESS
        return Foundation(listened, with_last(offered, popularity), Encoder(weights, count_power))

    def tastes(self, batch: "Batch", count_power: float) -> torch.Tensor:
        """(n, dim): what encoder.py answers to the records of these situations, but for SHARPNESS."""
        windows = [
            functional.embedding_bag(batch.items, self.listened, batch.starts, mode="sum", per_sample_weights=share)
            / count.clamp_min(1e-9)[:, None] ** count_power
            for share, count in zip(batch.shares, batch.counts, strict=True)
        ]
        ones = torch.ones(len(batch.starts), 1, device=self.weights.device)
        return torch.cat([*windows, torch.log1p(batch.counts.T), ones], dim=1) @ self.weights

    def scores(self, tastes: torch.Tensor, items: torch.Tensor, popularity: torch.Tensor) -> torch.Tensor:
        """(n, m) for items # (m,) or (n, m), with their popularity # (n, m)."""
        offered = functional.embedding(items, self.offered)  # indexing would add its gradients up in any order
        factors = tastes[:, :-1]
        dots = factors @ offered.T if items.dim() == 1 else (offered @ factors[:, :, None])[:, :, 0]
        return SHARPNESS * dots + tastes[:, -1:] * popularity


@dataclass(frozen=True)
class Batch:
    """Some situations, on the device.

    items, starts  # (listens,), (n,) int64, as torch's embedding_bag wants them
    shares, counts # (half-lives, listens), (half-lives, n)
    heard          # (2, pairs) int64: row and item of what each situation holds
    liked, unheard # (n, listed) int64, -1 where a list is short
    popularity     # (n, items) float32
    """

    items: torch.Tensor
    starts: torch.Tensor
    shares: torch.Tensor
    counts: torch.Tensor
    heard: torch.Tensor
    liked: torch.Tensor
    unheard: torch.Tensor
    popularity: torch.Tensor

    @classmethod
    def of(
        cls, lesson: Lesson, rows: NDArray[np.int64], listed: int, device: torch.device,
        hidden: NDArray[np.bool_] | None = None,
    ) -> "Batch":  # fmt: skip
        """The situations `rows` with the first `listed` of each list.

        hidden # (n,) True where the student sees no listen, though the lists are those of the listener
        """
        windows = lesson.situations.take(rows).windows()
        heard = np.stack([windows.rows, windows.items])
        if hidden is not None:
            windows = windows.without(hidden[windows.rows])
        arrays: list[NDArray[Any]] = [
            windows.items, windows.pointers[:-1], windows.shares, windows.counts,
            heard, lesson.liked[rows, :listed].astype(np.int64),
            lesson.unheard[rows, :listed].astype(np.int64), lesson.popularity[lesson.week[rows]],
        ]  # fmt: skip
        return cls(*(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays))


@dataclass
class ListLoss:
    """The loss of a batch: cross-entropy with the teacher's lists.

    known # (m,) int64, items that anybody has heard: only these compete
    """

    settings: UserSettings
    known: torch.Tensor
    generator: torch.Generator

    @property
    def whole(self) -> bool:
        """Whether every known item is scored in every step."""
        return len(self.known) <= self.settings.all_items_below

    def loss(self, vectors: Vectors, batch: Batch) -> torch.Tensor:
        """A number: the mean over the batch."""
        tastes = vectors.tastes(batch, self.settings.count_power)
        others = self.known if self.whole else self._drawn()
        scores = vectors.scores(tastes, others, batch.popularity[:, others])
        if not self.whole:  # each of those drawn stands for several (logQ correction, equal for all)
            scores = scores + float(np.log(len(self.known) / len(others)))
        place = torch.full((batch.popularity.shape[1],), -1, device=others.device)
        place[others] = torch.arange(len(others), device=others.device)
        row, column = batch.heard[0], place[batch.heard[1]]
        drawn = column >= 0
        fresh = scores.index_put((row[drawn], column[drawn]), scores.new_tensor(NEVER))
        everything = self._entropy(vectors, tastes, batch, batch.liked, scores)
        return everything + self.settings.unheard_share * self._entropy(vectors, tastes, batch, batch.unheard, fresh)

    def _entropy(
        self, vectors: Vectors, tastes: torch.Tensor, batch: Batch, listed: torch.Tensor, others: torch.Tensor
    ) -> torch.Tensor:
        """Of one list # (n, listed), -1 where it is short, among the scores of others # (n, m)."""
        there = listed >= 0
        items = listed.clamp_min(0)
        scores = vectors.scores(tastes, items, batch.popularity.gather(1, items)).masked_fill(~there, NEVER)
        total = others if self.whole else torch.cat([scores, others], dim=1)
        weight = there / (torch.arange(listed.shape[1], device=listed.device) + 1.0)
        weight = weight / weight.sum(1, keepdim=True).clamp_min(1e-9)
        return -((scores - total.logsumexp(1, keepdim=True)) * weight).sum(1).mean()

    def _drawn(self) -> torch.Tensor:
        chosen = torch.randint(len(self.known), (self.settings.negatives,), generator=self.generator)
        return self.known[torch.unique(chosen).to(self.known.device)]
