"""How often the drift watch alarms on days of a simulated world, where nothing was planted.

    python benchmarks/drift_alarms.py [--worlds 8] [--listeners 300] [--listens 40000]

Each world is looked at from four moments, eight weeks apart, over the 28 days after each; at two of them with a space
trained there. Printed is the share of days on which any feature alarms, and each feature's, by the threshold.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.home import Home
from palate.embeddings.encoder import UserSettings
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemSettings
from palate.jobs import drift
from palate.jobs.fit import FitSettings
from palate.jobs.importing import import_items, import_listens
from palate.jobs.inputs import gather
from palate.jobs.stability import retrained
from palate.sources.world import WorldSettings, simulate
from stamp import stamp

THRESHOLDS = (4.0, 5.0, 6.0, 7.0, 8.0)
QUICK = FitSettings(items=ItemSettings(dim=32, iterations=5), users=UserSettings(epochs=1, situations=2_000))


def world(listeners: int, listens: int, seed: int) -> Inputs:
    """A simulated world, imported into a home that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        simulate(WorldSettings(listeners=listeners, items=2_000, listens=listens, playlists=100), seed).write(root)
        home = Home(root / "home")
        home.root.mkdir()
        home.settings.touch()
        import_items(home, [root / "items.parquet"], {}, True, time.time())
        import_listens(home, [root / "listens.parquet"], {}, True, time.time())
        return gather(home)


def alarms(inputs: Inputs) -> Iterator[tuple[list[str], NDArray[np.bool_]]]:
    """From each moment: the features, and (thresholds, features, days) whether each alarmed."""
    for back in (28, 84, 140, 196):
        moment = inputs.end - (back + 1) * DAY_SECONDS
        space = retrained(inputs, moment, "quick", QUICK) if back in (28, 140) else None
        known, found = inputs.until(moment + 28 * DAY_SECONDS + 1.0), []
        for threshold in THRESHOLDS:
            drift.ALARM = threshold
            names, over = watched(known, moment, space)
            found.append(over)
        yield names, np.array(found)


def watched(known: Inputs, moment: float, space: object) -> tuple[list[str], NDArray[np.bool_]]:
    """The features, and (features, days) whether each alarmed."""
    rows: list[NDArray[np.bool_]] = []
    names: list[str] = []

    def feature(name: str, usual: float, values: NDArray[np.float64], z: NDArray[np.float64]) -> drift.Feature:
        names.append(name)
        rows.append(z > drift.ALARM)
        return original(name, usual, values, z)

    original, drift._feature = drift._feature, feature
    try:
        drift.drift(known, moment, space)  # type: ignore[arg-type]
    finally:
        drift._feature = original
    return names, np.array(rows)


def main() -> None:
    """Prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--listeners", type=int, default=300)
    parser.add_argument("--listens", type=int, default=40_000)
    options = parser.parse_args()
    days: list[NDArray[np.bool_]] = []
    by_feature: dict[str, list[NDArray[np.bool_]]] = {}
    for seed in range(options.worlds):
        for names, over in alarms(world(options.listeners, options.listens, seed)):
            days.append(over.any(axis=1))
            for name, rows in zip(names, over.transpose(1, 0, 2), strict=True):
                by_feature.setdefault(name, []).append(rows)
    every = np.concatenate(days, axis=1)
    print(f"{stamp()}; {options.worlds} worlds of {options.listeners:,} listeners, {every.shape[1]:,} days")
    print(f"{'':<18}" + "".join(f"{threshold:>9g}" for threshold in THRESHOLDS))
    for name, parts in ({"any": [every]} | by_feature).items():
        shares = np.concatenate(parts, axis=1).mean(axis=1)
        print(f"{name:<18}" + "".join(f"{share:>9.4f}" for share in shares))


if __name__ == "__main__":
    main()
