"""Two towers that meet in a dot product: a listener as decayed windows, and what is heard in the next 28 days.

The listener's tower reads what Palate's record holds (embeddings/records.py): per half-life the mean of the item
vectors and how much was heard; the items' tower is a table. Trained contrastively, each item of the next 28 days
against many drawn ones, by a sampled softmax with logQ (Yi et al., "Sampling-Bias-Corrected Neural Modeling", 2019).
"""

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.embeddings.records import HALF_LIVES_SECONDS, decay
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
    sampled_softmax,
    trained_on_all,
)


@dataclass(frozen=True)
class TwoTower:
    """Items by their dot product with a network's reading of the listener's decayed windows.

    cut_days    between the moments of the past from which the towers learn; at each, who heard something in the
                `ahead_days` after it is an example, and each item of these days a positive
    hidden      width of the listener's network; what it gives is added to a mix of the windows themselves
    negatives   shared by a batch, drawn with probability plays^exponent
    epochs      at most so many; the best on the last week of what is known is kept, then all is read `last_epochs` more
                times, so that the last week is learnt too
    """

    dim: int = 128
    hidden: int = 256
    dropout: float = 0.5
    cut_days: float = 28.0
    ahead_days: float = 28.0
    negatives: int = 1_024
    exponent: float = 0.5
    learning_rate: float = 0.0005
    weight_decay: float = 0.01
    epochs: int = 20
    patience: int = 2
    last_epochs: int = 1
    seed: int = 0
    everywhere: bool = False
    kind: str = "baseline"

    @property
    def name(self) -> str:
        return "two-tower"

    def seeded(self, seed: int) -> "TwoTower":
        """See `Seeded.seeded`."""
        return replace(self, seed=seed)

    def fit(self, known: Inputs, at: float) -> Peer:
        heard, n_items = Heard.of(known.history), known.history.n_items
        with alone(self.seed) as rng:
            held = HeldOut.of(known, at)
            towers = Towers(company_start(held.part.known, held.part.window.at, heard, self.dim), self)
            if len(heard):
                self._train(towers, heard, held, rng)
        vectors, encode = published(towers, heard, n_items)
        return Peer.seeing(vectors, encode, known.history, at)

    def _train(self, towers: "Towers", heard: Heard, held: HeldOut, rng: np.random.Generator) -> None:
        adam = torch.optim.AdamW(towers.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)

        def epoch_of(whole: bool) -> Callable[[], None]:
            examples = self._examples(heard if whole else heard.before(held.part.window.at))
            return lambda: self._epoch(towers, adam, examples, rng)

        trained_on_all(towers, held, epoch_of, lambda: published(towers, heard, held.part.n_items), self)

    def _examples(self, heard: Heard) -> "Examples":
        """What the towers learn from: the latest moment is the latest that has `ahead_days` after it."""
        ahead, step = self.ahead_days * DAY_SECONDS, self.cut_days * DAY_SECONDS
        end, begin = heard.time.max(initial=-np.inf), heard.time.min(initial=np.inf)
        moments = np.arange(end - ahead, begin, -step) if end > begin else np.zeros(0)
        return Examples.of(heard, moments.tolist(), ahead)

    def _epoch(
        self, towers: "Towers", adam: torch.optim.Optimizer, examples: "Examples", rng: np.random.Generator
    ) -> None:  # fmt: skip
        plays = np.bincount(examples.ahead.indices, minlength=examples.ahead.shape[1])
        drawn = Negatives.of(plays, self.exponent)
        towers.train()
        order = rng.permutation(examples.ahead.shape[0])
        for start in range(0, len(order), BATCH):
            part = np.sort(order[start : start + BATCH])
            row, positive = examples.ahead[part].nonzero()
            states = towers(examples.windows.take(part))[torch.from_numpy(row.astype(np.int64))]
            negatives, positives = drawn.draw(self.negatives, rng), torch.from_numpy(positive.astype(np.int64))
            descend(adam, sampled_softmax(states, positives, towers.items, negatives, drawn.log_share))


BATCH, ENCODED = 256, 2_048


@dataclass(frozen=True)
class Windows:
    """Listeners as decayed windows, each seen from their latest play.

    shares # per half-life (q, m) sparse float32: what part of the listening each item was; the same cells in each
    counts # (q, half-lives) float32: decayed plays
    """

    shares: list[sparse.csr_array]
    counts: NDArray[np.float32]

    @classmethod
    def of(
        cls, user: NDArray[np.int64], item: NDArray[np.int64], time: NDArray[np.float64], shape: tuple[int, int]
    ) -> "Windows":
        """Plays in any order (n,), listeners and items below `shape`; a listener without plays has empty rows."""
        latest = np.full(shape[0], -np.inf)
        np.maximum.at(latest, user, time)
        shares, counts = [], []
        for half_life in HALF_LIVES_SECONDS:
            weight = decay(latest[user] - time, half_life)
            count = np.bincount(user, weight, minlength=shape[0])
            cells = sparse.coo_array(((weight / count[user]).astype(np.float32), (user, item)), shape=shape)
            shares.append(sparse.csr_array(cells))
            counts.append(count.astype(np.float32))
        return cls(shares, np.stack(counts, axis=1))

    def take(self, rows: NDArray[np.integer]) -> "Windows":
        """Some of the listeners."""
        return Windows([share[rows] for share in self.shares], self.counts[rows])


@dataclass(frozen=True)
class Examples:
    """Listeners at moments of the past.

    windows how they were then
    ahead   # (e, m) sparse, non-zero for what they heard in the days after, at least one item
    """

    windows: Windows
    ahead: sparse.csr_array

    @classmethod
    def of(cls, heard: Heard, moments: Sequence[float], ahead_seconds: float) -> "Examples":
        """Everybody who was heard before a moment and within `ahead_seconds` after it."""
        shape = (len(heard.users), len(heard.items))
        parts, aheads = [], [sparse.csr_array((0, shape[1]), dtype=np.float32)]
        for moment in moments:
            past = heard.time < moment
            after = ~past & (heard.time < moment + ahead_seconds)
            rows = np.intersect1d(heard.user[past], heard.user[after])
            parts.append(Windows.of(heard.user[past], heard.item[past], heard.time[past], shape).take(rows))
            cells = (np.ones(after.sum(), np.float32), (heard.user[after], heard.item[after]))
            aheads.append(sparse.csr_array(sparse.coo_array(cells, shape=shape))[rows])
        none = [sparse.csr_array((0, shape[1]), dtype=np.float32)]
        shares = [
            sparse.csr_array(sparse.vstack(none + [part.shares[place] for part in parts]))
            for place in range(len(HALF_LIVES_SECONDS))
        ]
        counts = [np.zeros((0, len(HALF_LIVES_SECONDS)), np.float32)] + [part.counts for part in parts]
        return cls(Windows(shares, np.concatenate(counts)), sparse.csr_array(sparse.vstack(aheads)))


class Towers(nn.Module):
    """Windows of b listeners -> (b, dim), the last coordinate 1; `items` # (m, dim), the last coordinate the bias.

    What was heard is read through a table of its own, `heard`.
    """

    def __init__(self, start: Tensor, settings: TwoTower) -> None:
        super().__init__()
        dim, windows = settings.dim - 1, len(HALF_LIVES_SECONDS)
        self.items, self.heard = nn.Parameter(start), nn.Parameter(start[:, :-1].clone())
        self.mix = nn.Parameter(torch.full((windows, dim), 1.0 / windows))
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE))
        last = nn.Linear(settings.hidden, dim)
        nn.init.zeros_(last.weight)  # the start is the mean of what was heard
        first = nn.Linear(windows * (dim + 1), settings.hidden)
        self.network = nn.Sequential(first, nn.GELU(), nn.Dropout(settings.dropout), last)

    def forward(self, windows: Windows) -> Tensor:
        means = torch.stack([bags(self.heard, share) for share in windows.shares], dim=1)
        counts = torch.log1p(torch.from_numpy(windows.counts)).to(means.dtype)
        read = self.network(torch.cat([means.flatten(1), counts], dim=1))
        state = self.scale * ((self.mix * means).sum(dim=1) + read)
        return torch.cat([state, torch.ones_like(state[:, :1])], dim=1)


FIRST_SCALE = 8.0  # with unit item vectors the first scores span about +-8


def bags(table: Tensor, share: sparse.csr_array) -> Tensor:
    """(b, d): each row's items of the table, weighted and summed."""
    items = torch.from_numpy(share.indices.astype(np.int64))
    starts = torch.from_numpy(share.indptr.astype(np.int64))
    weights = torch.from_numpy(share.data).to(table.dtype)
    return nn.functional.embedding_bag(
        items, table, starts, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


def published(towers: Towers, heard: Heard, n_items: int) -> tuple[NDArray[np.float32], Encode]:
    """The item vectors and the encoder of trained towers, which go on training without moving them."""
    frozen = deepcopy(towers).double().eval()  # in float64 the size of a batch does not reach the float32 result
    number = np.full(n_items, -1, np.int64)
    number[heard.items] = np.arange(len(heard.items))

    def encode(history: History, at: NDArray[np.float64], users: NDArray[np.int32]) -> NDArray[np.float32]:
        out = np.zeros((len(users), frozen.items.shape[1]), np.float32)
        place = np.full(len(history.users), -1, np.int64)
        place[users] = np.arange(len(users))
        rows = np.flatnonzero((place[history.user] >= 0) & (number[history.item] >= 0))
        who, item = place[history.user[rows]], number[history.item[rows]]
        windows = Windows.of(who, item, history.timestamp[rows], (len(users), len(heard.items)))
        some = np.unique(who)
        with torch.no_grad():
            for part in np.split(some, range(ENCODED, len(some), ENCODED)):
                if len(part):
                    out[part] = frozen(windows.take(part)).numpy().astype(np.float32)
        return out

    return heard.spread(towers.items, n_items), encode


def methods(inputs: Inputs) -> Sequence[Method]:
    """What `palate eval run --method` judges."""
    return [TwoTower()]
