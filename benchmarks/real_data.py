"""From a file of listens to recommendations for everybody, as a user would: whole processes, seconds and peak memory.

    python benchmarks/real_data.py [LISTENS.parquet] [--repeats 1]

The floor beside each step is the least arithmetic that its method needs, at the speed of a float32 matrix product
measured in the same run on all cores: for training the normal equations of iALS (two item models and their fold-ins),
for recommending one dot product of every listener with every item.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from stamp import stamp

DIM, SWEEPS = 128, 15 + 1  # of embeddings/items.py; the fold-in is one more
DATA = Path(os.environ.get("PALATE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def run(*words: str, home: Path) -> tuple[float, float]:
    """Seconds and peak megabytes (largest process) of one palate command."""
    start = time.monotonic()
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    palate = [sys.executable, "-m", "palate", "--home", str(home)]
    done = subprocess.run([sys.executable, "-c", script, *palate, *words], check=True, capture_output=True, text=True)
    return time.monotonic() - start, int(done.stdout.split()[-1]) / 1024


def matrix_speed() -> float:
    """Floating-point operations a second of a float32 product, the best of five."""
    a = np.ones((1024, 1024), np.float32)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / min(times)


def main() -> None:
    """Runs the steps and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listens", type=Path, nargs="?", default=DATA / "30music" / "listens.parquet")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    table = pl.read_parquet(options.listens)
    users, items = table["user_id"].n_unique(), table["item_id"].n_unique()
    pairs = len(table.select("user_id", "item_id").unique())
    speed = matrix_speed()
    solves = 2 * SWEEPS * (pairs * 2 * DIM**2 * 2 + (users + items) * DIM**3 / 3)
    floors = {"train": solves / speed, "recommend": users * items * 2 * DIM / speed}
    print(
        stamp(),
        f"{len(table):,} listens, {users:,} listeners, {items:,} items; matrix product {speed / 1e9:.0f} GFLOP/s",
    )
    print(f"{'step':<28}{'seconds':>9}{'floor s':>9}{'peak MB':>9}")
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            home, ids = Path(folder) / "home", Path(folder) / "users.txt"
            ids.write_text("\n".join(map(str, table["user_id"].unique(maintain_order=True))) + "\n", encoding="utf-8")
            out = str(Path(folder) / "recs.parquet")
            run("init", home=home)
            steps = {
                "import": ("import", "listens", str(options.listens)),
                "train": ("train",),
                "train again (nothing to do)": ("train",),
                "recommend": ("recommend", "--users", str(ids), "--n", "100", "--out", out),
                "embed users": ("embed", "users", "--out", out),
            }
            for name, words in steps.items():
                seconds, megabytes = run(*words, home=home)
                floor = f"{floors[name]:.2f}" if name in floors else "-"
                print(f"{name:<28}{seconds:>9.1f}{floor:>9}{megabytes:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
