"""Two trainings from scratch a month apart: what heads of the older one are worth on the newer one, turned and not.

    python benchmarks/stability.py HOME [--days 28] [--after 28] [--weights root|even|plays] [--seed 1]

The older training ends --after days and --days before the log does, the newer one --after days before, so that neither
has learnt from the weeks that judge the heads (the last four; four before them teach). --seed is that of the newer
training's factors; the older one has 0. HOME is any home with half a year of listens.
BLAS should have one thread: OMP_NUM_THREADS=1.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.rotation import Rotation
from palate.evaluation.probes.settings import ProbeSettings
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.readable import Readable
from palate.jobs.rotating import plays_of
from palate.jobs.stability import WEEKS, retrained, stability
from palate.listening.history import History
from stamp import stamp

WEIGHTS = {"root": 0.5, "even": 0.0, "plays": 1.0}  # how much an item weighs: its plays to this power


def turned(old: Readable, new: Readable, known: History, power: float) -> tuple[Readable, Rotation]:
    """`new` in the axes of `old`, as the chain does it."""
    shared = min(len(old.item_vectors), len(new.item_vectors))
    plays = plays_of(known)[:shared].astype(np.float64)
    weight = np.where(plays > 0, plays**power, 0.0)
    n = new.encoder.factors
    rotation = Rotation.fit(old.item_vectors[:shared, :n], new.item_vectors[:shared, :n], weight)
    encoder = new.encoder.with_rows(rotation.turn_factors(new.encoder.rows))
    encoder = replace(encoder, habits_since=old.encoder.habits_since)
    return replace(new, item_vectors=rotation.turn_factors(new.item_vectors), encoder=encoder), rotation


def main() -> None:
    """Trains twice and prints the table of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--days", type=float, default=28.0)
    parser.add_argument("--after", type=float, default=28.0)
    parser.add_argument("--weights", nargs="*", choices=WEIGHTS, default=["root"])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    home = Home(options.home).require()
    inputs, settings = gather(home), FitSettings.read(read_settings(home.settings))
    newer = inputs.end - options.after * DAY_SECONDS
    older = newer - options.days * DAY_SECONDS
    other = replace(settings, items=replace(settings.items, seed=options.seed))
    old, new = retrained(inputs, older, "older", settings), retrained(inputs, newer, "newer", other)
    print(f"{stamp()}; {options.home.name}: {len(inputs.history):,} listens, {options.days:g} days apart")
    probes = ProbeSettings(train_weeks=WEEKS, test_weeks=WEEKS)
    print("\nas trained\n" + stability(old, new, inputs, probes).table(), flush=True)
    for name in options.weights:
        rotated, rotation = turned(old, new, inputs.history.until(newer), WEIGHTS[name])
        print(
            f"\nturned, items weigh {name}: {rotation.shared} shared items, residual {rotation.residual:.3f}, mean "
            f"cosine {rotation.mean_cosine_before:.3f} -> {rotation.mean_cosine_after:.3f}"
        )
        print(stability(old, rotated, inputs, probes).table(), flush=True)


if __name__ == "__main__":
    main()
