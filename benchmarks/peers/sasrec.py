"""A causal transformer over the latest listens: what a whole history in order knows that a small record cannot.

SASRec (Kang and McAuley, arXiv 1808.09781) with what later work found to matter more than the architecture: many
negatives (gSASRec, arXiv 2308.07192) under a sampled softmax with logQ, and, as a setting, PinnerFormer's dense
all-action loss (arXiv 2205.04507), where each position predicts what is heard in the next 28 days instead of the next
listen alone. It reads items in their order and no times. The last coordinate of a vector is the item's learnt bias.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadSettings
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Method
from palate.listening.history import History

sys.path.append(str(Path(__file__).parents[1]))  # `palate eval run --method` loads this file alone
from peers.learning import (
    Encode,
    Heard,
    HeldOut,
    Negatives,
    Peer,
    alone,
    company_start,
    descend,
    gbce,
    sampled_softmax,
    trained_on_all,
)


@dataclass(frozen=True)
class SasRec:
    """Items by their dot product with what a transformer makes of the listener's `length` latest plays.

    dim         of the vectors and of the layers, a multiple of `heads`
    length      so many plays are read, the latest; positions are counted from the last one
    ahead_days  each position predicts a play of so many days after it (all-action); None: the next play
    loss        "softmax": sampled, with logQ; "gbce": generalised binary cross-entropy, uniform negatives
    negatives   shared by a batch, drawn with probability plays^exponent
    epochs      at most so many; the best on the last week of what is known is kept, then all is read `last_epochs` more
                times, so that the last week is learnt too
    """

    dim: int = 64
    length: int = 100
    layers: int = 2
    heads: int = 2
    dropout: float = 0.3
    ahead_days: float | None = None
    loss: str = "softmax"
    negatives: int = 512
    exponent: float = 0.5
    calibration: float = 0.75
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    epochs: int = 20
    patience: int = 3
    last_epochs: int = 1
    seed: int = 0
    everywhere: bool = False
    kind: str = "baseline"

    def __post_init__(self) -> None:
        if self.loss not in ("softmax", "gbce") or self.dim % self.heads:
            raise BadSettings(
                f"loss = {self.loss}, dim = {self.dim}, heads = {self.heads}; give the loss softmax or gbce, and a dim "
                "that is a multiple of heads"
            )

    @property
    def name(self) -> str:
        return "sasrec"

    def seeded(self, seed: int) -> "SasRec":
        """See `Seeded.seeded`."""
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Peer:
        heard, n_items = Heard.of(known.history), known.history.n_items
        with alone(self.seed) as rng:
            held = HeldOut.of(known, at)
            model = Transformer(company_start(held.part.known, held.part.window.at, heard, self.dim), self)
            if len(heard):
                self._train(model, heard, held, rng)
        vectors, encode = published(model, heard, n_items, self.length)
        return Peer.seeing(vectors, encode, known.history, at)

    def _train(self, model: "Transformer", heard: Heard, held: HeldOut, rng: np.random.Generator) -> None:
        adam = torch.optim.AdamW(model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)

        def epoch_of(whole: bool) -> Callable[[], None]:
            read = heard if whole else heard.before(held.part.window.at)
            return lambda: self._epoch(model, adam, read, rng)

        trained_on_all(model, held, epoch_of, lambda: published(model, heard, held.part.n_items, self.length), self)

    def _epoch(
        self, model: "Transformer", adam: torch.optim.Optimizer, heard: Heard, rng: np.random.Generator
    ) -> None:  # fmt: skip
        drawn = Negatives.of(np.bincount(heard.item, minlength=len(heard.items)), self._exponent)
        targets = self._targets(heard, rng)
        model.train()
        for rows in batches(heard, self.length, rng):
            places = torch.from_numpy(np.where(rows >= 0, heard.item[rows], -1))
            wanted = np.where(rows >= 0, targets[rows], -1)
            asked = torch.from_numpy(wanted >= 0)
            if not asked.any():
                continue
            states = model(places)[asked]
            negatives, positives = drawn.draw(self.negatives, rng), torch.from_numpy(wanted)[asked]
            if self.loss == "softmax":
                missed = sampled_softmax(states, positives, model.items, negatives, drawn.log_share)
            else:
                missed = gbce(states, positives, model.items, negatives, self.calibration)
            descend(adam, missed)

    @property
    def _exponent(self) -> float:
        return self.exponent if self.loss == "softmax" else 0.0

    def _targets(self, heard: Heard, rng: np.random.Generator) -> NDArray[np.int64]:
        """(n,) an item number that each play should predict, of the same listener and later; -1 where there is none."""
        here = np.arange(len(heard))
        last = last_ahead(heard, self.ahead_days)
        chosen = here + 1 + (rng.random(len(heard)) * (last - here)).astype(np.int64)
        if self.ahead_days is None:
            chosen = here + 1
        return np.where(last > here, heard.item[np.minimum(chosen, len(heard) - 1)], -1)


def last_ahead(heard: Heard, days: float | None) -> NDArray[np.int64]:
    """(n,) the listener's last play within `days` after each play (None: ever); the play itself when it is the last."""
    if not len(heard):
        return np.zeros(0, np.int64)
    span = heard.time.max() - heard.time.min() + 1.0
    reach = span if days is None else min(days * DAY_SECONDS, span)
    key = heard.user * (2.0 * span) + (heard.time - heard.time.min())
    return np.asarray(np.searchsorted(key, key + reach, side="right") - 1, np.int64)


def batches(heard: Heard, length: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """(b, longest) positions in `heard` of stretches of one listener's plays, padded on the left with -1.

    A listener of more than `length` plays is cut at other places in each pass. Stretches of like length go together.
    """
    first = np.searchsorted(heard.user, heard.user)
    shift = rng.integers(0, length, int(heard.user.max(initial=0)) + 1)
    many = np.bincount(heard.user, minlength=len(shift)) > length
    part = (np.arange(len(heard)) - first + np.where(many, shift, 0)[heard.user]) // length
    starts = np.flatnonzero(np.diff(heard.user, prepend=-1) | np.diff(part, prepend=-1))
    ends = np.append(starts[1:], len(heard))
    order = rng.permutation(len(starts))
    for pool in np.array_split(order, max(1, len(order) // POOL)):
        pool = pool[np.argsort(ends[pool] - starts[pool], kind="stable")]
        cuts = np.flatnonzero(np.diff(np.cumsum(ends[pool] - starts[pool]) // BATCH_PLAYS)) + 1
        groups = np.split(pool, cuts)
        for place in rng.permutation(len(groups)):
            if len(groups[place]):
                yield padded(starts[groups[place]], ends[groups[place]])


POOL, BATCH_PLAYS = 2_048, 2_048


def padded(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """(b, longest) the positions start..end - 1 of each stretch, aligned on the right; -1 to their left."""
    longest = int((ends - starts).max(initial=0))
    rows = ends[:, None] - longest + np.arange(longest)
    return np.where(rows >= starts[:, None], rows, -1)


class Transformer(nn.Module):
    """Item numbers (b, t), padded on the left with -1 -> (b, t, dim): what each position expects, and a last 1.

    items # (m, dim): read at the bottom and predicted at the top; the last coordinate is the bias
    """

    def __init__(self, start: Tensor, settings: SasRec) -> None:
        super().__init__()
        dim = settings.dim
        self.items = nn.Parameter(start)
        self.positions = nn.Parameter(torch.randn(settings.length, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, settings.heads, settings.dropout) for _ in range(settings.layers))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, dim - 1)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, places: Tensor) -> Tensor:
        there = places >= 0
        t = places.shape[1]
        from_the_end = torch.arange(t - 1, -1, -1)
        x = self.items[places.clamp(min=0)] * self.items.shape[1] ** 0.5 + self.positions[from_the_end]
        x = self.dropout(x) * there[:, :, None]
        before = torch.ones(t, t, dtype=torch.bool).tril()
        # A padded position sees itself, or its softmax would be over nothing.
        seen = (before & there[:, None, :]) | torch.eye(t, dtype=torch.bool)
        for block in self.blocks:
            x = block(x, seen[:, None])
        state = self.head(self.norm(x))
        return torch.cat([state, torch.ones_like(state[:, :, :1])], dim=2)


class Block(nn.Module):
    """Attention, then a layer of four times the width, each behind a norm and beside a bypass."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.norms = nn.ModuleList([nn.LayerNorm(dim), nn.LayerNorm(dim)])
        self.queries, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.wide = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        b, t, dim = x.shape
        query, key, value = self.queries(self.norms[0](x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, seen)
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(b, t, dim)))
        wide: Tensor = self.dropout(self.wide(self.norms[1](x)))
        return x + wide


def published(model: Transformer, heard: Heard, n_items: int, length: int) -> tuple[NDArray[np.float32], Encode]:
    """The item vectors and the encoder of a trained model, which goes on training without moving them."""
    frozen = deepcopy(model).double().eval()  # in float64 the padding of a batch does not reach the float32 result
    number = np.full(n_items, -1, np.int64)
    number[heard.items] = np.arange(len(heard.items))

    def encode(history: History, at: NDArray[np.float64], users: NDArray[np.int32]) -> NDArray[np.float32]:
        out = np.zeros((len(users), frozen.items.shape[1]), np.float32)
        place = np.full(len(history.users), -1, np.int64)
        place[users] = np.arange(len(users))
        rows = np.flatnonzero((place[history.user] >= 0) & (number[history.item] >= 0))
        rows = rows[np.argsort(place[history.user[rows]], kind="stable")]
        who, item = place[history.user[rows]], number[history.item[rows]]
        some = np.unique(who)
        ends = np.searchsorted(who, some, side="right")
        starts = np.maximum(np.searchsorted(who, some), ends - length)
        order = np.argsort(ends - starts, kind="stable")
        with torch.no_grad():
            for part in np.split(order, range(ENCODED, len(order), ENCODED)):
                cells = padded(starts[part], ends[part])
                states = frozen(torch.from_numpy(np.where(cells >= 0, item[cells], -1)))
                out[some[part]] = states[:, -1].numpy().astype(np.float32) if len(part) else 0.0
        return out

    return heard.spread(model.items, n_items), encode


ENCODED = 256


def methods(inputs: Inputs) -> Sequence[Method]:
    """What `palate eval run --method` judges."""
    return [SasRec()]
