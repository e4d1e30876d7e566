"""What the peers share: one seeded thread, what was heard as numbers without gaps, negatives, losses, dot products."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from palate.core.clock import DAY_SECONDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines.meanvectors import MeanVectors
from palate.evaluation.baselines.profiles import heard_matrix
from palate.evaluation.baselines.scored import Scores, recommended
from palate.evaluation.metrics import hits, ndcg
from palate.evaluation.splits import EvalSettings, Split, Window, split
from palate.evaluation.tasks.questions import Questions
from palate.evaluation.tasks.week import Next
from palate.listening.history import History

# The listeners' vectors: what was heard, when each listener is asked (users,), who (q,) -> (q, d).
Encode = Callable[[History, NDArray[np.float64], NDArray[np.int32]], NDArray[np.float32]]


@contextmanager
def alone(seed: int) -> Iterator[np.random.Generator]:
    """One thread and a fixed seed for torch, both put back at the end; gives a numpy generator of the same seed.

    With one thread sums are added in one order, so that the same seed gives the same model.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield np.random.default_rng(seed)
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Heard:
    """Heard plays, one listener after another, each in time order, with items and listeners numbered without gaps.

    Only who was heard, or heard something, has a number: rows that came later cannot move a random start.

    user, item # (n,) int64, rows of `users` and `items`
    time       # (n,) float64, home seconds
    sitting    # (n,) int64, equal within one sitting
    users      # (u,) int32, rows of the history, ascending
    items      # (m,) int32, rows of the catalogue, ascending
    """

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    time: NDArray[np.float64]
    sitting: NDArray[np.int64]
    users: NDArray[np.int32]
    items: NDArray[np.int32]

    @classmethod
    def of(cls, history: History) -> "Heard":
        """The heard plays of a history."""
        heard = history.heard()
        heard = heard.take(np.argsort(heard.user, kind="stable"))
        users, user = np.unique(heard.user, return_inverse=True)
        items, item = np.unique(heard.item, return_inverse=True)
        return cls(user.astype(np.int64), item.astype(np.int64), heard.timestamp, heard.session, users, items)

    def __len__(self) -> int:
        return len(self.user)

    def before(self, moment: float) -> "Heard":
        """The plays before `moment` (home seconds), under the same numbers."""
        rows = np.flatnonzero(self.time < moment)
        return replace(
            self, user=self.user[rows], item=self.item[rows], time=self.time[rows], sitting=self.sitting[rows]
        )

    @property
    def plays(self) -> NDArray[np.int64]:
        """(m,) how often each item was heard."""
        return np.bincount(self.item, minlength=len(self.items))

    def spread(self, vectors: Tensor, n_items: int) -> NDArray[np.float32]:
        """(n_items, d) float32: the vectors (m, d) at their items' rows of the catalogue, zeros elsewhere."""
        out = np.zeros((n_items, vectors.shape[1]), np.float32)
        out[self.items] = vectors.detach().numpy().astype(np.float32)
        return out


@dataclass(frozen=True)
class Negatives:
    """Draws items with probability proportional to plays^power: 1 as often as they are heard, 0 each alike.

    cumulative # (m,) float64, ends at 1
    log_share  # (m,) float32, the logarithm of each item's probability: logQ
    """

    cumulative: NDArray[np.float64]
    log_share: Tensor

    @classmethod
    def of(cls, plays: NDArray[np.int64], power: float) -> "Negatives":
        share = np.maximum(plays, 1).astype(np.float64) ** power
        share /= share.sum()
        return cls(np.cumsum(share), torch.from_numpy(np.log(share).astype(np.float32)))

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """(count,) int64 item numbers, with replacement."""
        drawn = np.searchsorted(self.cumulative, rng.random(count), side="right")
        return torch.from_numpy(np.minimum(drawn, len(self.cumulative) - 1))


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down the gradient, whose norm is cut at 1: the first batches of an epoch can be steep."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for group in optimizer.param_groups:
        nn.utils.clip_grad_norm_(group["params"], 1.0)
    optimizer.step()


def sampled_softmax(
    states: Tensor, positives: Tensor, vectors: Tensor, negatives: Tensor, log_share: Tensor
) -> Tensor:  # fmt: skip
    """The mean cross-entropy of each positive among shared negatives, each score less the log of its chance (logQ).

    states (b, d), positives (b,) and negatives (k,) item numbers, vectors (m, d). The correction makes drawing unbiased
    (Bengio and Senecal, 2008); the positive, which is always there and was not drawn, has none (arXiv 2507.09331). A
    negative that is the positive does not count. With a single item the loss is 0.
    """
    right = (states * vectors[positives]).sum(dim=1, keepdim=True)
    wrong = states @ vectors[negatives].T - log_share[negatives] - float(np.log(len(negatives)))
    wrong = wrong.masked_fill(negatives[None, :] == positives[:, None], -torch.inf)
    return (torch.logsumexp(torch.cat([right, wrong], dim=1), dim=1) - right[:, 0]).mean()


def gbce(states: Tensor, positives: Tensor, vectors: Tensor, negatives: Tensor, calibration: float) -> Tensor:
    """Generalised binary cross-entropy over shared negatives drawn uniformly (gSASRec, arXiv 2308.07192).

    The positive's probability is raised to beta = a (t (1 - 1 / a) + 1 / a), a = k / (m - 1), t = `calibration`: with
    t = 1 the scores are calibrated however few negatives there are, with t = 0 it is plain cross-entropy.
    """
    share = len(negatives) / max(len(vectors) - 1, 1)
    beta = share * (calibration * (1 - 1 / share) + 1 / share)
    right = functional.logsigmoid((states * vectors[positives]).sum(dim=1))
    wrong = functional.logsigmoid(-(states @ vectors[negatives].T))
    wrong = wrong.masked_fill(negatives[None, :] == positives[:, None], 0.0)
    missed: Tensor = (beta * right + wrong.sum(dim=1)).mean()
    return -missed


def company_start(known: Inputs, at: float, heard: Heard, dim: int) -> Tensor:
    """(m, dim) item vectors of about unit length to start from: who is heard together, factored, and a last 0.

    The vectors of the baseline mean-vectors. What that knows nothing of gets a random direction.
    """
    start: Tensor = torch.randn(len(heard.items), dim) / np.sqrt(dim - 1)
    found = torch.from_numpy(MeanVectors(dim - 1).fit(known, at).item_vectors[heard.items])
    some = found.any(dim=1)
    start[some, :-1] = found[some]
    start[:, -1] = 0.0
    return start


@dataclass(frozen=True)
class Peer:
    """Items by their dot product with the listener's vector: `Fitted`, `Refreshes`, `Embeds`, `EmbedsItems`.

    item_vectors # (n_items, d) float32, zeros for an item that nobody heard
    encode       how listeners get their vectors; one listener must not move another
    history, at  what was heard, and when each listener (users,) is asked
    heard        # (users, n_items) sparse, non-zero where the listener heard the item
    """

    item_vectors: NDArray[np.float32]
    encode: Encode
    history: History
    at: NDArray[np.float64]
    heard: sparse.csr_array

    @classmethod
    def seeing(cls, item_vectors: NDArray[np.float32], encode: Encode, known: History, at: float) -> "Peer":
        """All listeners of `known`, asked at one moment."""
        moments, heard = np.full(len(known.users), at), known.heard()
        return cls(item_vectors, encode, heard, moments, heard_matrix(heard))

    def vectors(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Embeds.vectors`."""
        out = np.zeros((len(users), self.item_vectors.shape[1]), np.float32)
        some = np.diff(self.heard.indptr)[users] > 0
        if some.any():
            asked, place = np.unique(users[some], return_inverse=True)
            out[some] = self.encode(self.history, self.at, asked)[place]
        return out

    def scores(self, users: NDArray[np.int32]) -> Scores:
        """(q, n_items) summed in float64, so that a score does not depend on how many are asked; -inf for strangers."""
        listeners = self.vectors(users)
        scores = (listeners.astype(np.float64) @ self.item_vectors.astype(np.float64).T).astype(np.float32)
        scores[~listeners.any(axis=1)] = -np.inf
        scores[:, ~self.item_vectors.any(axis=1)] = -np.inf
        return scores

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """See `Fitted.recommend`; an item that nobody heard is never recommended."""
        return recommended(self.scores, self.heard, users, n, exclude_heard, only)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Peer":
        """See `Refreshes.refreshed`."""
        heard = known.heard()
        return replace(self, history=heard, at=at, heard=heard_matrix(heard))


@dataclass(frozen=True)
class HeldOut:
    """The last week of what is known, kept from training so that it can say when to stop.

    part what was known before that week, and the week; asked which listeners of it are asked what
    """

    part: Split
    asked: Questions

    @classmethod
    def of(cls, known: Inputs, at: float) -> "HeldOut":
        """The week before `at` (home seconds)."""
        start = at - HELD_OUT_DAYS * DAY_SECONDS
        part = split(known, Window(start, start, at))
        asked = Next().questions(part, EvalSettings(min_train_plays=2))
        fewer = asked.indptr[: MOST_HELD_OUT + 1]
        return cls(part, Questions(asked.rows[: len(fewer) - 1], fewer, asked.items[: fewer[-1]]))

    def mark(self, item_vectors: NDArray[np.float32], encode: Encode) -> float:
        """NDCG@100 of these vectors on *next*; the listeners are as they were before the week."""
        peer = Peer.seeing(item_vectors, encode, self.part.known.history, self.part.window.at)
        found = hits(Next().answers(peer, self.part, self.asked, 100), self.asked.indptr, self.asked.items)
        return float(ndcg(found, self.asked.sizes, 100).mean())


HELD_OUT_DAYS, MOST_HELD_OUT = 7.0, 1_000


def trained(model: nn.Module, epoch: Callable[[], None], mark: Callable[[], float], epochs: int, patience: int) -> None:
    """Runs up to `epochs` epochs and leaves the model with the weights of the one with the best mark.

    It stops when `patience` epochs in a row were no better.
    """
    best, kept, best_epoch = -1.0, deepcopy(model.state_dict()), 0
    for number in range(1, epochs + 1):
        epoch()
        now = mark()
        if now > best:
            best, kept, best_epoch = now, deepcopy(model.state_dict()), number
        elif number - best_epoch >= patience:
            break
    model.load_state_dict(kept)


class Passes(Protocol):
    """How often a peer reads what it learns from; settings of each."""

    @property
    def epochs(self) -> int: ...

    @property
    def patience(self) -> int: ...

    @property
    def last_epochs(self) -> int: ...


def trained_on_all(
    model: nn.Module,
    held: HeldOut,
    epoch_of: Callable[[bool], Callable[[], None]],
    publish: Callable[[], tuple[NDArray[np.float32], Encode]],
    passes: Passes,
) -> None:
    """Early stopping on the last week, then everything once more; without a last week, as often as allowed.

    epoch_of  gives one pass over what is known, the last week included or not
    publish   the model's item vectors and encoder as they are now
    """
    if len(held.asked):
        trained(model, epoch_of(False), lambda: held.mark(*publish()), passes.epochs, passes.patience)
    epoch = epoch_of(True)
    for _ in range(passes.last_epochs if len(held.asked) else passes.epochs):
        epoch()
