"""What a new item's vector is worth after 1, 3 and 10 listens in a frozen space, by several ways of making it.

    python benchmarks/joining.py HOME [--items 300] [--days 28] [--seed 0]

Items are taken out of the log and off the playlists, the space is trained without them up to --days before the end,
and each joins from a few of its listens, drawn at random. Then all of them are ranked for the listeners who heard any
in the days after, by dot product, popularity left out: NDCG@10 and ROC-AUC, means over listeners. "trained" knows every
listen.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.home import Home
from palate.embeddings import joining
from palate.embeddings.inputs import Inputs
from palate.embeddings.joining import joined
from palate.jobs.inputs import gather
from palate.jobs.stability import retrained
from stamp import stamp

CONFIDENCE, REGULARIZATION = 40.0, 1.0  # those of the item model


@dataclass(frozen=True)
class Trial:
    """inputs with all; known without the listens of `hidden` items; their vectors are zeros in `frozen`."""

    inputs: Inputs
    known: Inputs
    moment: float
    hidden: NDArray[np.int64]
    frozen: NDArray[np.float32]
    tastes: NDArray[np.float32]


def without(inputs: Inputs, hidden: NDArray[np.int64]) -> Inputs:
    """The inputs without the listens of some items and their places on playlists."""
    keeps = np.ones(inputs.history.n_items, np.bool_)
    keeps[hidden] = False
    there = (inputs.playlists.item < 0) | keeps[np.maximum(inputs.playlists.item, 0)]
    history = inputs.history.take(keeps[inputs.history.item])
    return replace(inputs, history=history, playlists=inputs.playlists.take(there))


def ridge(trial: Trial, rows: dict[int, NDArray[np.int64]]) -> NDArray[np.float64]:
    """The item half-step of iALS against the tastes of who heard each."""
    x = trial.tastes[:, :-1].astype(np.float64)
    gram, out = x.T @ x + REGULARIZATION * np.eye(x.shape[1]), []
    for listens in rows.values():
        heard = x[trial.inputs.history.user[listens]]
        out.append(np.linalg.solve(gram + CONFIDENCE * heard.T @ heard, (1.0 + CONFIDENCE) * heard.sum(axis=0)))
    return np.array(out)


def of_company(sittings: float) -> Callable[[Trial, dict[int, NDArray[np.int64]]], NDArray[np.float64]]:
    """`joined` where an artist's mean counts like so many sittings."""

    def make(trial: Trial, rows: dict[int, NDArray[np.int64]]) -> NDArray[np.float64]:
        keeps = np.zeros(len(trial.inputs.history), np.bool_)
        keeps[np.concatenate([*rows.values(), np.zeros(0, np.int64)]).astype(np.int64)] = True
        old = ~np.isin(trial.inputs.history.item, trial.hidden) & (trial.inputs.history.timestamp < trial.moment)
        history = trial.inputs.history.take(keeps | old)
        joining.ARTIST_SITTINGS = sittings
        found = joined(trial.frozen, replace(trial.known, history=history)).vectors[trial.hidden, :-1]
        return found.astype(np.float64)

    return make


def judged(
    vectors: NDArray[np.float64], tastes: NDArray[np.float32], trial: Trial, rows: dict[int, NDArray[np.int64]]
) -> tuple[float, float, int]:
    """NDCG@10, ROC-AUC and how many listeners; what a listener gave to a vector is not asked of that listener."""
    history = trial.inputs.history
    place = np.full(history.n_items, -1)
    place[trial.hidden] = np.arange(len(trial.hidden))
    later = history.between(trial.moment, history.end).heard()
    later = later.take(place[later.item] >= 0)
    given = {(int(history.user[row]), item) for item, listens in rows.items() for row in listens}
    by_user: dict[int, set[int]] = {}
    for user, item in zip(later.user.tolist(), later.item.tolist(), strict=True):
        if (user, item) not in given and tastes[user].any():
            by_user.setdefault(user, set()).add(int(place[item]))
    gains, areas = [], []
    for user, targets in by_user.items():
        order = np.argsort(-(vectors @ tastes[user, :-1]), kind="stable")
        position = np.empty(len(order), np.int64)
        position[order] = np.arange(len(order))
        found = np.sort(position[list(targets)])
        ideal = (1.0 / np.log2(np.arange(min(10, len(found))) + 2)).sum()
        gains.append((1.0 / np.log2(found[found < 10] + 2)).sum() / ideal)
        areas.append(1.0 - (found - np.arange(len(found))).mean() / max(len(order) - len(found), 1))
    return float(np.mean(gains)), float(np.mean(areas)), len(gains)


def main() -> None:
    """Runs the trial and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--days", type=float, default=28.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    inputs, rng = gather(Home(options.home).require()), np.random.default_rng(options.seed)
    moment = inputs.end - options.days * DAY_SECONDS
    heard = inputs.history.heard()
    counts = [
        np.bincount(part.item, minlength=heard.n_items)
        for part in (heard.until(moment), heard.between(moment, heard.end))
    ]
    hidden = np.sort(rng.permutation(np.flatnonzero((counts[0] >= 15) & (counts[1] >= 3)))[: options.items])
    known = without(inputs.until(moment), hidden)
    space, whole = retrained(known, moment, "frozen"), retrained(inputs, moment, "trained")
    users, frozen = np.arange(len(inputs.history.users), dtype=np.int32), space.item_vectors.copy()
    frozen[hidden] = 0.0
    tastes = [one.tastes(known.history, inputs.columns.kind, users) for one in (space, whole)]
    for one, found in zip((space, whole), tastes, strict=True):
        found[:, list(one.encoder.habits.values())] = 0.0  # no item has any, and the ridge would give it some
    trial = Trial(inputs, known, moment, hidden, frozen, tastes[0])
    print(f"{stamp()}; {options.home.name}: {len(hidden)} items join")
    print(f"{'listens':>7}  {'how':<28}{'NDCG@10':>9}{'AUC':>8}{'listeners':>11}")
    trained = judged(whole.item_vectors[hidden, :-1].astype(np.float64), tastes[1], trial, {})
    print(f"{'all':>7}  {'trained':<28}{trained[0]:>9.4f}{trained[1]:>8.4f}{trained[2]:>11}")
    ways = {"ridge against tastes": ridge, "artist or genre alone": of_company(1e9), "company alone": of_company(1e-9)}
    ways |= {f"company, artist like {count:g}": of_company(count) for count in (1.0, 2.0, 4.0, 8.0, 16.0)}
    plays = np.flatnonzero(inputs.history.timestamp < moment)
    plays = plays[~inputs.history.skipped()[plays]]
    for listens in (1, 3, 10):
        rows = {int(item): rng.permutation(plays[inputs.history.item[plays] == item])[:listens] for item in hidden}
        for name, make in ways.items():
            gain, area, n = judged(make(trial, rows), trial.tastes, trial, rows)
            print(f"{listens:>7}  {name:<28}{gain:>9.4f}{area:>8.4f}{n:>11}", flush=True)


if __name__ == "__main__":
    main()
