"""Which head should probes have, and what does a person on both sides of it do?

    python benchmarks/probe_head.py HOME [--part heads|people|chance]

heads   logistic regression with four penalties beside a network of one hidden layer with two seeds: the mean of the
        tasks for each space, seconds of processor, and how far the tasks move from seed to seed
people  random vectors, one a person: what they score when the same people teach and are judged, and when they do not
chance  twenty spaces of random vectors: the share of 95% intervals that do not hold chance
HOME is any home with a few months of listens (`palate demo` makes one). BLAS should have one thread: OMP_NUM_THREADS=1.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from palate.core.home import Home
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import Counts, MeanVectors, PureSvd
from palate.evaluation.method import Method
from palate.evaluation.probes import Probes, ProbeSettings, head, probe, run
from palate.evaluation.probes.rows import Examples
from palate.jobs.inputs import gather
from palate.listening.history import History
from stamp import stamp

Predicted = Callable[[NDArray[np.float32], NDArray[np.float64], NDArray[np.float32], str], NDArray[np.float64]]
CHEAP = ProbeSettings(train_weeks=4, test_weeks=4, folds=2, bootstrap=50)  # the network has to finish today


@dataclass(frozen=True)
class Random:
    """One vector of 64 random numbers for each listener, the same at every moment."""

    seed: int = 0
    known: History | None = None

    @property
    def name(self) -> str:
        return f"random {self.seed}"

    def fit(self, known: Inputs, at: float) -> "Random":
        return Random(self.seed, known.history)

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "Random":
        return self

    def recommend(self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: Any = None) -> NDArray[np.int32]:
        return np.full((len(users), n), -1, np.int32)

    def vectors(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        n = len(self.known.users) if self.known else 0
        return np.random.default_rng(self.seed).standard_normal((n, 64)).astype(np.float32)[users]


def network(epochs: int, seed: int) -> Predicted:
    """One hidden layer of 128, Adam at 0.001."""

    def fitted(
        train: NDArray[np.float32], labels: NDArray[np.float64], test: NDArray[np.float32], kind: str
    ) -> NDArray[np.float64]:
        made = MLPClassifier if kind == "binary" else MLPRegressor
        model: Any = made(
            hidden_layer_sizes=(128,), max_iter=epochs, random_state=seed, alpha=0.01, tol=0.0,
            n_iter_no_change=epochs + 1, batch_size=min(256, len(train)),
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the budget
            model.fit(train, labels)
        return np.asarray(model.predict_proba(test)[:, 1] if kind == "binary" else model.predict(test), np.float64)

    return fitted


def values(found: Probes) -> NDArray[np.float64]:
    """(tasks, spaces)"""
    return np.array([[one.scores[space].value for space in found.spaces] for one in found.tasks])


def heads(inputs: Inputs) -> None:
    spaces: list[Method] = [Counts(), PureSvd(), MeanVectors(), Random()]
    print(f"| head | {' | '.join(space.name for space in spaces)} | seconds |\n|---|{'---|' * (len(spaces) + 1)}")

    def line(name: str) -> NDArray[np.float64]:
        start = time.process_time()
        scores = values(probe(inputs, spaces, settings=CHEAP))
        means = " | ".join(f"{mean:.3f}" for mean in scores.mean(axis=0))
        print(f"| {name} | {means} | {time.process_time() - start:.0f} |", flush=True)
        return scores

    for penalty in (0.001, 0.01, 0.1, 1.0):
        head.PENALTY_INVERSE, head.RIDGE_PENALTY = penalty, 4.0 / penalty
        line(f"logistic regression, C = {penalty:g}")
    for epochs in (5, 20):
        one, two = (replaced_head(network(epochs, seed), line, f"network, {epochs} epochs") for seed in (0, 1))
        moved = np.abs(one - two)
        print(f"\nfrom seed to seed a task moves by {moved.mean():.3f}, at most {moved.max():.3f}\n", flush=True)


def replaced_head(other: Predicted, line: Callable[[str], NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    kept, run.predicted = run.predicted, other  # type: ignore[assignment]
    try:
        return line(name)
    finally:
        run.predicted = kept


def people(inputs: Inputs) -> None:
    def together(train: Examples, test: Examples, *_: object) -> Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        return [(np.ones(len(train), np.bool_), np.ones(len(test), np.bool_))]

    apart = probe(inputs, [Random()])
    kept, run.people_apart = run.people_apart, together  # type: ignore[assignment]
    same = probe(inputs, [Random()])
    run.people_apart = kept
    print("| task | other people | the same people |\n|---|---|---|")
    for one, two in zip(apart.tasks, same.tasks, strict=True):
        print(f"| {one.task} | {one.scores['random 0'].value:.3f} | {two.scores['random 0'].value:.3f} |")


def chance(inputs: Inputs) -> None:
    found = probe(inputs, [Random(seed) for seed in range(20)])
    outside = [
        not one.low <= (0.5 if line.metric == "auc" else 0.0) <= one.high
        for line in found.tasks
        for one in line.scores.values()
    ]
    print(f"{sum(outside)} of {len(outside)} intervals of random vectors do not hold chance")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parts = {"heads": heads, "people": people, "chance": chance}
    parser.add_argument("--part", choices=parts, action="append")
    chosen = parser.parse_args()
    print(stamp())
    inputs = gather(Home(chosen.home).require())
    for name in chosen.part or parts:
        print(f"\n{name}\n")
        parts[name](inputs)


if __name__ == "__main__":
    main()
