"""A graph of who heard what: vectors that are smoothed along it, learnt so that neighbours end up close.

LightGCN (He et al., arXiv 2002.02126): no weights but the vectors of the first layer, which pass over the normalised
graph `layers` times; what is scored is the mean over the layers. Learnt with a sampled softmax, which needs far fewer
passes than BPR's single negatives (Wu et al., "On the Effectiveness of Sampled Softmax Loss", arXiv 2201.02327).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.profiles import Fading
from palate.evaluation.method import Method
from palate.listening.history import History

sys.path.append(str(Path(__file__).parents[1]))  # `palate eval run --method` loads this file alone
from peers.learning import Encode, Heard, Negatives, Peer, alone, descend, sampled_softmax


@dataclass(frozen=True)
class LightGcn:
    """Items by the dot product of their smoothed vector with the listener's.

    half_life_days  an edge weighs 2^(-days since the listener's last play of the item / half_life_days); None: 1, as in
                    the paper
    steps, batch    each step passes over the whole graph once there and once back, and asks of `batch` edges
    negatives       shared by a batch, drawn with probability plays^exponent
    weight_decay    of the vectors of the first layer
    """

    dim: int = 128
    layers: int = 2
    half_life_days: float | None = None
    steps: int = 100
    batch: int = 8_192
    negatives: int = 512
    exponent: float = 0.5
    learning_rate: float = 0.02
    weight_decay: float = 0.0001
    seed: int = 0
    everywhere: bool = False
    kind: str = "baseline"

    @property
    def name(self) -> str:
        return "lightgcn"

    def seeded(self, seed: int) -> "LightGcn":
        """See `Seeded.seeded`."""
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Peer:
        heard, history = Heard.of(known.history), known.history
        fading = Fading(self.half_life_days)
        profiles = fading.profiles(history.heard(), np.full(len(history.users), at))
        edges = sparse.csr_array(profiles[heard.users][:, heard.items])
        with alone(self.seed) as rng:
            graph = Graph.of(edges)
            start = self._learnt(graph, edges, rng) if len(heard) else torch.zeros(0, self.dim)
        layers = graph.layers(start.numpy(), self.layers)
        n_users = len(heard.users)
        items = heard.spread(torch.from_numpy(np.mean([layer[n_users:] for layer in layers], axis=0)), history.n_items)
        first = np.zeros((len(history.users), self.dim), np.float32)
        first[heard.users] = layers[0][:n_users] / len(layers)
        return Peer.seeing(items, folded(fading, first, arriving(graph, layers, heard, history.n_items)), history, at)

    def _learnt(self, graph: "Graph", edges: sparse.csr_array, rng: np.random.Generator) -> Tensor:
        """(users + items, dim) the vectors of the first layer."""
        n_users = edges.shape[0]
        start = nn.Parameter(torch.randn(sum(edges.shape), self.dim) * 0.1)
        adam = torch.optim.AdamW([start], lr=self.learning_rate, weight_decay=self.weight_decay)
        drawn = Negatives.of(np.bincount(edges.indices, minlength=edges.shape[1]), self.exponent)
        user, item = (torch.from_numpy(np.asarray(side, np.int64)) for side in edges.nonzero())
        for step in range(self.steps):
            for group in adam.param_groups:
                group["lr"] = self.learning_rate * (1 - step / self.steps)
            chosen = torch.from_numpy(rng.integers(0, len(user), self.batch))
            negatives = drawn.draw(self.negatives, rng)
            vectors = Smoothed.apply(start, graph, self.layers)  # type: ignore[no-untyped-call]
            states, items = vectors[:n_users][user[chosen]], vectors[n_users:]
            descend(adam, sampled_softmax(states, item[chosen], items, negatives, drawn.log_share))
        return start.detach()


@dataclass(frozen=True)
class Graph:
    """Listeners and items as one graph, edges divided by the roots of the weights that meet in both of their ends.

    both   # (users + items, users + items) sparse float32, symmetric
    weight # (users + items,) what meets in each
    """

    both: sparse.csr_array
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, edges: sparse.csr_array) -> "Graph":
        """From (users, items) weights above 0."""
        cells, n_users, size = sparse.coo_array(edges), edges.shape[0], sum(edges.shape)
        user, item = (side.astype(np.int64) for side in cells.coords)
        ends = np.concatenate([user, n_users + item]), np.concatenate([n_users + item, user])
        values = np.tile(cells.data.astype(np.float64), 2)
        weight = np.bincount(ends[0], values, minlength=size)
        scaled = (values / np.sqrt(weight[ends[0]] * weight[ends[1]])).astype(np.float32)
        return cls(sparse.csr_array(sparse.coo_array((scaled, ends), shape=(size, size))), weight.astype(np.float64))

    def layers(self, start: NDArray[np.float32], count: int) -> list[NDArray[np.float32]]:
        """The first layer and `count` more, each (users + items, d)."""
        found = [start]
        for _ in range(count):
            found.append(np.asarray(self.both @ found[-1], np.float32))
        return found


class Smoothed(torch.autograd.Function):
    """The mean of the layers. It is linear and symmetric, so that the way back is the way there."""

    @staticmethod
    def forward(ctx: Any, start: Tensor, graph: Graph, count: int) -> Tensor:
        ctx.graph, ctx.count = graph, count
        return mean_layer(graph, start, count)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return mean_layer(ctx.graph, gradients[0], ctx.count), None, None


def mean_layer(graph: Graph, start: Tensor, count: int) -> Tensor:
    """(users + items, d) the mean over the first layer and `count` more."""
    return torch.from_numpy(np.mean(graph.layers(start.detach().numpy(), count), axis=0))


def arriving(graph: Graph, layers: list[NDArray[np.float32]], heard: Heard, n_items: int) -> NDArray[np.float32]:
    """(n_items, d) what an edge of weight 1 from each item brings to a listener, but for the listener's own root."""
    n_users = len(heard.users)
    below = np.sum(layers[:-1], axis=0)[n_users:] / len(layers)
    scale = np.sqrt(np.maximum(graph.weight[n_users:], 1e-30))
    return heard.spread(torch.from_numpy(below / scale[:, None]), n_items)


def folded(fading: Fading, first: NDArray[np.float32], items: NDArray[np.float32]) -> Encode:
    """Listeners as the graph would have them with these edges: their own first layer, and what their items bring.

    Who came after training has no first layer of their own.
    """

    def encode(history: History, at: NDArray[np.float64], users: NDArray[np.int32]) -> NDArray[np.float32]:
        edges = fading.profiles(history, at)[users].astype(np.float64)
        weight = np.maximum(np.asarray(edges.sum(axis=1)).ravel(), 1e-30)
        brought = (edges @ items.astype(np.float64)) / np.sqrt(weight)[:, None]
        return (first[users] + brought).astype(np.float32)

    return encode


def methods(inputs: Inputs) -> Sequence[Method]:
    """What `palate eval run --method` judges."""
    return [LightGcn()]
