"""What one listen does to a learnt taste: for how many listeners it moves towards what was heard, and how far.

    python benchmarks/dilution.py --home HOME [--listeners 2000]

The record's windows keep their laws exactly (tests/embeddings/test_dilution.py). A learnt encoder mixes coordinates and
may break them for an item; here real listeners hear, in their live record, (a) an item that they never heard, drawn as
everybody hears them, and (b) the item of theirs that was longest ago, ten times in a row, an hour apart.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.embeddings.bulk import build_records
from palate.embeddings.items import recent_popularity
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.jobs.inputs import gather
from stamp import stamp

TIMES, TOP, LEAST_PLAYS = 10, 100, 5
COHORTS = {"5 to 10 plays": (5, 10), "11 to 50": (11, 50), "over 50": (51, 10**9)}


def tastes_of(space: Space, record: UserRecord, item: int, kind: int) -> NDArray[np.float32]:
    """(TIMES + 1, dim): before, and after each play of the item, an hour apart."""
    records = [record]
    for _ in range(TIMES):
        later = records[-1].copy()
        later.add(item, kind, space.listened[item], later.at + 3_600.0, 1.0, False)
        records.append(later)
    return space.encoder.encode(records)


def told(space: Space, tastes: NDArray[np.float32], item: int, listed: NDArray[np.bool_]) -> dict[str, float]:
    """What the plays did, of one listener and item."""
    vectors, factors = np.asarray(space.item_vectors, np.float64), space.encoder.factors
    scores = tastes.astype(np.float64) @ vectors.T
    scores[:, ~listed] = -np.inf
    ranks = (scores > scores[:, [item]]).sum(axis=1)
    heads = [set(np.argsort(-row, kind="stable")[:TOP].tolist()) for row in scores[[0, 1, TIMES]]]
    parts = tastes[:, :factors].astype(np.float64)
    lengths, vector = np.linalg.norm(parts, axis=1), vectors[item, :factors]
    near = parts @ vector / np.maximum(lengths * np.linalg.norm(vector), 1e-12)
    return {
        "score rises": float(scores[1, item] > scores[0, item]),
        "cosine rises": float(near[1] > near[0]),
        "score rises ten times": float((np.diff(scores[:, item]) > 0).all()),
        "cosine rises ten times": float((np.diff(near) > 0).all()),
        "rank is no worse": float(ranks[1] <= ranks[0]),
        "step / length of the taste": float(np.linalg.norm(parts[1] - parts[0]) / max(lengths[0], 1e-12)),
        "of the first 100 kept after one": len(heads[0] & heads[1]) / TOP,
        "of the first 100 kept after ten": len(heads[0] & heads[2]) / TOP,
        "rank before": float(ranks[0] + 1),
        "rank after one": float(ranks[1] + 1),
        "rank after ten": float(ranks[TIMES] + 1),
    }


def measured(home: Home, listeners: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """By case and cohort: the mean of each number, ranks by their median; "listeners" says of how many."""
    space, inputs = Spaces(home.require().spaces).live, gather(home)
    kinds = ItemColumns.load(space.folder / "columns.npz").kind
    popular = recent_popularity(inputs.history, 365.0).astype(np.float64)
    heard = np.bincount(inputs.history.heard().item, minlength=len(popular)) > 0
    chance = np.expm1(popular) * heard
    rng, found = np.random.default_rng(seed), {}
    records = list(build_records(inputs.history, np.asarray(space.listened), kinds))
    enough = [(user, record) for user, record in records if record.heard.sum() >= LEAST_PLAYS and len(record.items) > 1]
    chosen = rng.choice(len(enough), min(listeners, len(enough)), replace=False)
    for case in ("never heard before", "longest ago"):
        rows: list[tuple[int, dict[str, float]]] = []
        for place in chosen.tolist():
            record = enough[place][1]
            if case == "longest ago":
                item = int(record.items[np.argmin(record.heard_last)])
            else:
                free = chance.copy()
                free[record.items] = 0.0
                item = int(rng.choice(len(free), p=free / free.sum()))
            plays = int(record.heard.sum())
            rows.append((plays, told(space, tastes_of(space, record, item, int(kinds[item])), item, heard)))
        found[case] = {"all": summed([row for _, row in rows])}
        for cohort, (low, high) in COHORTS.items():
            found[case][cohort] = summed([row for plays, row in rows if low <= plays <= high])
    return found


def summed(rows: list[dict[str, float]]) -> dict[str, float]:
    """Means, and medians of ranks."""
    if not rows:
        return {"listeners": 0}
    names = rows[0]
    middle = {name: np.median if name.startswith("rank ") and name != "rank is no worse" else np.mean for name in names}
    return {"listeners": len(rows)} | {name: float(middle[name]([row[name] for row in rows])) for name in names}


def main() -> None:
    """Prints one table a case, or everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--listeners", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        found = measured(Home(options.home), options.listeners, options.seed)
    except PalateError as error:
        sys.exit(f"error: {error}")
    if options.json:
        print(json.dumps({"stamp": stamp(), "cases": found}))
        return
    print(stamp())
    for case, cohorts in found.items():
        print(f"\n| {case} | {' | '.join(cohorts)} |\n|{'---|' * (len(cohorts) + 1)}")
        for name in cohorts["all"]:
            cells = [f"{one.get(name, float('nan')):.4g}" for one in cohorts.values()]
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
