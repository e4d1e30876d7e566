"""How fast listens become durable: `palate import listens` of parquet and csv, beside what the machine allows.

    python benchmarks/import_speed.py --rows 2000000

Each import runs in a fresh process with a fresh home. "whole" counts from the start of that process to its end, so
it includes starting Python; "in_process" is ImportReport.seconds; "cpu" counts processor time of the import instead,
which says what a machine with nothing else to do would reach. The floors: reading the same file with polars, and
writing as many bytes as the finished log has and forcing them to disk.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from palate.core.home import Home
from stamp import stamp

# what the table shows -> digits behind the point; all but the last are listens, or listens a second
COLUMNS = {"listens": 0, "whole": 0, "in_process": 0, "cpu": 0, "read_floor": 0, "write_floor": 0, "bytes_a_listen": 1}
USERS, ITEMS, YEAR_SECONDS = 100_000, 200_000, 365 * 86_400
DATA = Path(os.environ.get("PALATE_DATA", Path(__file__).parents[1] / "../shared/data"))


def made_up(rows: int, seed: int) -> pl.DataFrame:
    """A year of listens, ascending by time, with listeners and items of very unequal activity."""
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "user_id": (USERS * random.random(rows) ** 2).astype(np.int64),
            "item_id": (ITEMS * random.random(rows) ** 3).astype(np.int64),
            "timestamp": np.sort(random.integers(1_600_000_000, 1_600_000_000 + YEAR_SECONDS, rows)),
            "seconds_played": random.integers(1, 300, rows),
        }
    ).with_columns(pl.format("user-{}", "user_id").alias("user_id"), pl.format("track:{}", "item_id").alias("item_id"))


def in_a_fresh_home(file: Path) -> None:
    """One import, its report as a line of JSON; runs in the process that is timed."""
    from palate.jobs.importing import import_listens

    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        home = Home(Path(folder))
        home.settings.touch()
        began = time.process_time()
        report = import_listens(home, [file], {}, strict=False, now=time.time())
        cpu = time.process_time() - began
        log_bytes = sum(one.stat().st_size for one in home.listening.iterdir() if one.is_file())
        told = {"accepted": report.accepted, "seconds": report.seconds, "cpu": cpu, "log_bytes": log_bytes}
        print(json.dumps(told))


def read_seconds(file: Path) -> float:
    began = time.perf_counter()
    pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file)
    return time.perf_counter() - began


def write_seconds(folder: Path, size: int) -> float:
    content = os.urandom(size)
    began = time.perf_counter()
    with (folder / "floor").open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - began


def measured(file: Path, folder: Path, repeats: int) -> dict[str, float]:
    """The fastest of some imports of one file, as listens a second and seconds."""
    runs = []
    for _ in range(repeats):
        began = time.perf_counter()
        command = [sys.executable, __file__, "--one", str(file)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        runs.append(told | {"whole": time.perf_counter() - began})
    best = min(runs, key=lambda run: run["whole"])
    return {
        "listens": best["accepted"],
        "whole": best["accepted"] / best["whole"],
        "in_process": best["accepted"] / min(run["seconds"] for run in runs),
        "cpu": best["accepted"] / min(run["cpu"] for run in runs),
        "read_floor": best["accepted"] / read_seconds(file),
        "write_floor": best["accepted"] / write_seconds(folder, int(best["log_bytes"])),
        "bytes_a_listen": best["log_bytes"] / best["accepted"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3, help="imports of each file; the fastest counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        in_a_fresh_home(options.one)
        return
    print(f"{stamp()}, seed {options.seed}")
    print(f"{'file':<8}" + "".join(f"{name:>16}" for name in COLUMNS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listens = made_up(options.rows, options.seed)
        files = {"parquet": folder / "listens.parquet", "csv": folder / "listens.csv"}
        listens.write_parquet(files["parquet"])
        listens.write_csv(files["csv"])
        music = DATA / "30music" / "listens.parquet"
        if music.is_file():
            files["30Music"] = Path(shutil.copy(music, folder / "30music.parquet"))
        for what, file in files.items():
            row = measured(file, folder, options.repeats)
            print(f"{what:<8}" + "".join(f"{row[name]:>16,.{digits}f}" for name, digits in COLUMNS.items()))


if __name__ == "__main__":
    main()
