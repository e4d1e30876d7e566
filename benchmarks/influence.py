"""How much one listener weighs in the item vectors: trained with and without them, beside another random start.

    python benchmarks/influence.py HOME [--listeners 30] [--seed 0]

Listens of items with fewer than LEAST_LISTENERS are left aside: such an item says what a few people did, and no bound
can hide that. Listeners are drawn evenly over activity, who heard the most among them. For each the item vectors are
learnt anew, twice: `emptied` puts one listen of the most heard item in the place of theirs, so that the matrix keeps
its shape and the random start is the same; `removed` takes them out, as the next training after a deletion does, which
also shifts the random start of all others. `another seed` is the scale to read both by. Each result is turned onto the
vectors with everybody (orthogonal Procrustes) before they are compared. The last coordinate, recent popularity, is no
factor: it is told apart. HOME is any home with listens. BLAS should have one thread: OMP_NUM_THREADS=1.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemSettings, fit_items
from palate.jobs.inputs import gather, settle
from palate.listening.history import History
from stamp import stamp

LEAST_LISTENERS = 5
NEIGHBOURS = 50
ASKED = 2_000  # items whose neighbours are compared


@dataclass(frozen=True)
class Change:
    """How far vectors moved, of items with enough listeners.

    items, own  # relative change |v' - v| / |v| of every item; of those that the listener heard
    neighbours  # mean share of an item's nearest NEIGHBOURS that are others now
    popularity  # largest change of the last coordinate
    """

    items: NDArray[np.float64]
    own: NDArray[np.float64]
    neighbours: float
    popularity: float

    def row(self, name: str) -> str:
        """One line of the table."""
        told = [np.median(self.items), np.percentile(self.items, 99), self.items.max()]
        told += [np.median(self.own), self.own.max()] if len(self.own) else [np.nan, np.nan]
        cells = "  ".join(f"{value:8.4f}" for value in (*told, self.neighbours, self.popularity))
        return f"{name:34}  {cells}"


HEAD = f"{'':34}  {'median':>8}  {'p99':>8}  {'max':>8}  {'own med':>8}  {'own max':>8}  {'nbr':>8}  {'popular':>8}"


def vectors_of(inputs: Inputs, history: History, settings: ItemSettings, seed: int = 0) -> NDArray[np.float64]:
    """The item vectors learnt from `history` and the rest of `inputs`."""
    learnt = fit_items(history, inputs.playlists, inputs.columns, replace(settings, seed=seed))
    return learnt.vectors.astype(np.float64)


def emptied(history: History, user: int) -> History:
    """One listen of the most heard item, at its owner's last time, in the place of all that `user` heard."""
    rows = np.flatnonzero(history.user == user)
    popular = np.bincount(history.heard().item, minlength=history.n_items).argmax()
    item = history.item.copy()
    item[rows[-1]] = popular
    kept = np.ones(len(history), np.bool_)
    kept[rows[:-1]] = False
    return replace(history, item=item).take(np.flatnonzero(kept))


def change(
    before: NDArray[np.float64], after: NDArray[np.float64], shared: NDArray[np.bool_], mine: NDArray[np.bool_]
) -> Change:
    """Between two trainings, the second turned onto the first."""
    one, two = before[shared, :-1], after[shared, :-1]
    turn, _ = scipy.linalg.orthogonal_procrustes(two, one)
    moved = np.linalg.norm(two @ turn - one, axis=1) / np.linalg.norm(one, axis=1)
    asked = np.random.default_rng(0).choice(len(one), min(ASKED, len(one)), replace=False)
    near = [_nearest(vectors, asked) for vectors in (one, two)]
    same = np.mean([len(np.intersect1d(a, b)) / NEIGHBOURS for a, b in zip(*near, strict=True)])
    popularity = np.abs(before[shared, -1] - after[shared, -1]).max()
    return Change(moved, moved[mine[shared]], 1.0 - float(same), float(popularity))


def _nearest(vectors: NDArray[np.float64], asked: NDArray[np.intp]) -> NDArray[np.intp]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit[asked] @ unit.T
    cosine[np.arange(len(asked)), asked] = -np.inf
    return np.argpartition(-cosine, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def well_known(history: History) -> tuple[History, NDArray[np.intp]]:
    """The heard listens of items with enough listeners, so that none vanishes with one of them; (items,) listeners."""
    heard = history.heard()
    pairs = np.unique(heard.user.astype(np.int64) * history.n_items + heard.item)
    listeners = np.bincount(pairs % history.n_items, minlength=history.n_items)
    return heard.take(np.flatnonzero(listeners[heard.item] >= LEAST_LISTENERS)), listeners


def drawn(history: History, count: int, seed: int) -> NDArray[np.intp]:
    """Users evenly over activity: one from each of `count` equal parts, of the last part who heard the most items."""
    pairs = np.unique(history.user.astype(np.int64) * history.n_items + history.item)
    items = np.bincount(pairs // history.n_items, minlength=len(history.users))
    order = np.argsort(items, kind="stable")
    parts = np.array_split(order[items[order] > 0], count)
    rng = np.random.default_rng(seed)
    return np.array([*(rng.choice(part) for part in parts[:-1]), order[-1]])


def main() -> None:
    """Trains as often as it takes and prints a line each, then the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--listeners", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    home = Home(options.home).require()
    settle(home)
    inputs, settings = gather(home), read_settings(home.settings).section(ItemSettings)
    history, listeners = well_known(inputs.history)
    heard = history.heard()
    before = vectors_of(inputs, history, settings)
    shared = (listeners >= LEAST_LISTENERS) & before[:, :-1].any(axis=1)
    print(
        f"{stamp()}; {options.home.name}: {len(history):,} listens, {shared.sum():,} items compared\n{HEAD}", flush=True
    )
    nobody = np.zeros(history.n_items, np.bool_)
    print(change(before, vectors_of(inputs, history, settings, seed=1), shared, nobody).row("another seed"), flush=True)
    worst = {"emptied": 0.0, "removed": 0.0}
    for user in drawn(history, options.listeners, options.seed).tolist():
        mine = nobody.copy()
        mine[heard.item[heard.user == user]] = True
        ways = {"emptied": emptied(history, user), "removed": history.take(history.user != user)}
        for way, without in ways.items():
            found = change(before, vectors_of(inputs, without, settings), shared, mine)
            worst[way] = max(worst[way], float(np.percentile(found.items, 99)))
            print(found.row(f"{way}, {mine.sum():,} items heard"), flush=True)
    print(f"largest p99 of a listener: emptied {worst['emptied']:.4f}, removed {worst['removed']:.4f}")


if __name__ == "__main__":
    main()
