"""What the foundation costs against the number of listens: seconds, memory, the law of growth, and what it says.

    OMP_NUM_THREADS=1 python benchmarks/foundation_scale.py [--sizes 1000000 2000000 5000000] [--target 20000000]

A simulated world of each size, a listener for every 200 listens and an item for every 400, goes through each part of
training in a process of its own, as after a restart of the chain. Each part leaves its result and its cost in --work,
so that what was interrupted goes on and nothing is measured twice; delete a part's .json to measure it again.
Peak memory is that of the process: Python, the inputs, what the part reads, and what it makes. BLAS and implicit take
as many threads as OMP_NUM_THREADS says.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.artefacts import read_json, write_json
from palate.core.items import KINDS
from palate.core.progress import progress
from palate.embeddings.bulk import build_records
from palate.embeddings.company import LARGEST_GROUP, Company, fit_company
from palate.embeddings.encoder import feature_count
from palate.embeddings.foundation import (
    Foundation,
    FoundationSettings,
    factor_settings,
    fit_factors,
    fit_foundation,
    fit_lesson,
)
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel
from palate.embeddings.teacher import Lesson
from palate.listening.history import History
from palate.sources.world import World, WorldSettings, simulate
from stamp import stamp

SETTINGS = FoundationSettings()
ENCODED = 4_096  # records in a batch, as in jobs/fit.py
CG_PRODUCTS = 4  # implicit solves a row with three steps of conjugate gradients, each one product, and one to begin
FOLDED_ITEMS = 100  # different items of a situation, roughly
ADAM_WAITS = 120  # operations of a product that take as long as Adam on a coordinate: it waits for memory
Told = dict[str, float]


@dataclass
class Watch:
    """What the part itself took, without reading its inputs."""

    told: Told = field(default_factory=dict)

    @contextmanager
    def running(self, prefix: str = "") -> Iterator[None]:
        """Adds `seconds` and `cpu_seconds` of the block."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.told[prefix + "seconds"] = time.perf_counter() - wall
        self.told[prefix + "cpu_seconds"] = time.process_time() - cpu


def make_world(folder: Path, listens: int, watch: Watch) -> None:
    """The world as the inputs of a training; no part of its cost."""
    sizes = {"listeners": max(listens // 200, 1), "items": max(listens // 400, 400), "playlists": listens // 1_000}
    with watch.running():
        world = simulate(WorldSettings(listens=listens, **sizes), seed=0)
        inputs = Inputs(_history(world), _playlists(world), _columns(world))
    inputs.save(folder / "inputs")
    watch.told |= {"listens": len(inputs.history), "listeners": sizes["listeners"], "items": inputs.history.n_items}


def _history(world: World) -> History:
    plays = world.plays
    durations = np.array([item.duration_seconds for item in world.items], np.float32)
    sittings = int(plays.sitting.max(initial=0)) + 2
    return History(
        plays.user, plays.item, plays.timestamp, plays.event, plays.seconds_played, durations[plays.item],
        plays.user.astype(np.int64) * sittings + plays.sitting + 1,
        [str(one.user_id) for one in world.listeners], len(world.items),
    )  # fmt: skip


def _playlists(world: World) -> Playlists:
    rows = {item.item_id: row for row, item in enumerate(world.items)}
    ids = {stay.playlist_id: None for stay in world.playlists}
    numbers = {playlist: number for number, playlist in enumerate(ids)}
    stays = [(numbers[one.playlist_id], rows[one.item_id], one.position) for one in world.playlists]
    playlist, item, position = np.array(stays, np.int32).reshape(-1, 3).T.copy()
    never, nobody = np.full(len(item), np.nan), [None] * len(ids)
    return Playlists(playlist, item, position, never, never, list(map(str, ids)), list(nobody), list(nobody))


def _columns(world: World) -> ItemColumns:
    artists, artist = np.unique([item.artists[0] if item.artists else "" for item in world.items], return_inverse=True)
    columns = ItemColumns.unknown(len(world.items))
    columns.kind[:] = [KINDS.index(item.kind) for item in world.items]
    columns.artist[:] = artist
    columns.artists.extend(artists.tolist())
    return columns


def load(folder: Path, watch: Watch) -> None:
    """Inputs from the snapshot."""
    with watch.running():
        Inputs.load(folder / "inputs")
    watch.told["gflop"] = 0.0


def factors(folder: Path, watch: Watch) -> None:
    """The factorizations, and what their conjugate gradients multiply at least."""
    inputs = Inputs.load(folder / "inputs")
    with watch.running():
        models = fit_factors(inputs, SETTINGS)
    np.save(folder / "factors.npy", np.stack([model.vectors for model in models]), allow_pickle=False)
    heard = inputs.history.heard()
    pairs = len(np.unique(heard.user.astype(np.int64) * heard.n_items + heard.item)) + len(inputs.playlists)
    rows = len(inputs.history.users) + len(inputs.playlists.ids) + inputs.history.n_items
    d = SETTINGS.items.dim - 1
    product = 2 * pairs * 4 * d + rows * 2 * d * d  # of one step on both sides, and of the dense part
    watch.told |= {"pairs": pairs, "gflop": len(models) * SETTINGS.items.iterations * CG_PRODUCTS * product / 1e9}


def company(folder: Path, watch: Watch) -> None:
    """Who is heard together; a sitting of n different items is n * n additions."""
    inputs = Inputs.load(folder / "inputs")
    with watch.running():
        found = fit_company(inputs.history, inputs.playlists)
    found.save(folder / "company.npz")
    heard = inputs.history.heard()
    pair = np.unique(heard.session * heard.n_items + heard.item)
    sizes = np.unique(pair // heard.n_items, return_counts=True)[1].astype(np.float64)
    watch.told["gflop"] = 2 * float(np.square(sizes[sizes <= LARGEST_GROUP]).sum()) / 1e9


def lesson(folder: Path, watch: Watch) -> None:
    """The teacher's lists."""
    inputs, company = Inputs.load(folder / "inputs"), Company.load(folder / "company.npz")
    models = [ItemModel(vectors, factor_settings(SETTINGS.items)) for vectors in np.load(folder / "factors.npy")]
    with watch.running():
        made = fit_lesson(inputs, models, company, SETTINGS)
    made.save(folder / "lesson.npz")
    watch.told |= {"situations": len(made.situations), "gflop": lesson_gflop(len(made.situations), len(made.known))}


def lesson_gflop(situations: float, items: float) -> float:
    """The product that scores every item by every factorization, and the equations of the fold-ins."""
    d = SETTINGS.items.dim - 1
    equations = FOLDED_ITEMS * 2 * d * d + 2 * d**3 / 3
    return situations * SETTINGS.teacher.ensemble * (items * 2 * d + equations) / 1e9


def student(folder: Path, watch: Watch) -> None:
    """Vectors and encoder; it may stop before its last epoch, as in life."""
    inputs, lists = Inputs.load(folder / "inputs"), Lesson.load(folder / "lesson.npz")
    models = [ItemModel(vectors, factor_settings(SETTINGS.items)) for vectors in np.load(folder / "factors.npy")]
    with watch.running():
        made = fit_foundation(inputs, models, lists, SETTINGS)
    made.save(folder / "foundation.npz")
    watch.told["gflop"] = student_gflop(len(lists.situations), len(lists.known))


def student_gflop(situations: float, items: float, adam: float = 20) -> float:
    """Scores and features, forwards and twice backwards; and `adam` operations on every coordinate in a step."""
    users, dim = SETTINGS.users, SETTINGS.items.dim
    others = items if items <= users.all_items_below else users.negatives
    each = 3 * 2 * ((others + 2 * users.listed) * dim + feature_count(dim) * dim)
    return users.epochs * (situations * each + situations / users.batch * 2 * items * dim * adam) / 1e9


def records(folder: Path, watch: Watch) -> None:
    """Every listener's record and taste, a block at a time; then the encoder alone on one block, the best of five."""
    inputs, made = Inputs.load(folder / "inputs"), Foundation.load(folder / "foundation.npz")
    block: list[Any] = []
    with watch.running():
        remaining = build_records(inputs.history, made.listened, inputs.columns.kind)
        while found := [record for _, record in islice(remaining, ENCODED)]:
            made.encoder.encode(found)
            block = block or found
    once = []
    for _ in range(5):
        start = time.process_time()
        made.encoder.encode(block)
        once.append(time.process_time() - start)
    watch.told["encoded_per_cpu_second"] = len(block) / min(once)
    watch.told["gflop"] = len(inputs.history) * 3 * 2 * SETTINGS.items.dim / 1e9


PARTS: dict[str, Callable[[Path, Watch], None]] = {
    "load": load, "factors": factors, "company": company, "lesson": lesson, "student": student, "records": records,
}  # fmt: skip


# What a part has to hold at least: its inputs and what it makes, which lie on disk as they lie in memory.
HELD = {
    "load": ["inputs/*"],
    "factors": ["inputs/*", "factors.npy"],
    "company": ["inputs/*", "company.npz"],
    "lesson": ["inputs/*", "factors.npy", "company.npz", "lesson.npz"],
    "student": ["inputs/*", "factors.npy", "lesson.npz", "foundation.npz"],
    "records": ["inputs/*", "foundation.npz"],
}


def measure(part: str, folder: Path, listens: int) -> None:
    """What the process of one part does: works, and leaves its cost."""
    watch = Watch()
    if part == "world":
        make_world(folder, listens, watch)
    else:
        PARTS[part](folder, watch)
    unit = 1 if sys.platform == "darwin" else 1_024
    watch.told["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    write_json(folder / f"{part}.json", watch.told)


def costs(folder: Path, listens: int, parts: list[str]) -> dict[str, Told]:
    """The cost of each part at one size, measured now where it was not before."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for part in ["world", *parts]:
        kept = folder / f"{part}.json"
        if not kept.is_file():
            command = [sys.executable, __file__, "--part", part, "--work", str(folder), "--sizes", str(listens)]
            subprocess.run(command, check=True)
            told = read_json(kept)
            print(f"  {listens:>12,} {part:<8} {told['seconds']:8.1f} s", file=sys.stderr, flush=True)
        held = sum(file.stat().st_size for pattern in HELD.get(part, ()) for file in folder.glob(pattern))
        found[part] = read_json(kept) | {"floor_bytes": held}
    return found


def situations_of(told: dict[str, Told], listens: int) -> float:
    """How many there are, or will be."""
    users = SETTINGS.users
    return told.get("lesson", {}).get("situations", min(users.situations, listens // 200 * (1 + users.situations_each)))


def work(part: str, told: dict[str, Told], listens: int) -> float:
    """What the seconds of a part grow with: listens, but where situations are bounded the operations they take."""
    items, n = max(listens // 400, 400), situations_of(told, listens)
    if part == "lesson":
        return lesson_gflop(n, items)
    return student_gflop(n, items, ADAM_WAITS) if part == "student" else float(listens)


def forecast(part: str, measured: dict[int, dict[str, Told]], target: int) -> float:
    """CPU seconds at `target` listens: by the power law, or by the operations where situations are bounded."""
    last, there = max(measured), work(part, {}, target)
    if part in ("lesson", "student"):
        return measured[last][part]["cpu_seconds"] * there / work(part, measured[last], last)
    factor, exponent = growth(part, measured)
    return factor * there**exponent


def growth(part: str, measured: dict[int, dict[str, Told]]) -> tuple[float, float]:
    """The law of CPU seconds against listens."""
    return law([float(size) for size in measured], [told[part]["cpu_seconds"] for told in measured.values()])


def law(x: list[float], y: list[float]) -> tuple[float, float]:
    """(factor, exponent) of y = factor * x ** exponent, by least squares of logarithms; exponent 1 for one point."""
    if len(x) < 2 or min(x) == max(x):
        return y[-1] / x[-1], 1.0
    exponent, constant = np.polyfit(np.log(x), np.log(y), 1)
    return float(np.exp(constant)), float(exponent)


def line(x: list[float], y: list[float]) -> tuple[float, float]:
    """(constant, slope) of y = constant + slope * x."""
    if len(x) < 2:
        return 0.0, y[-1] / x[-1]
    slope, constant = np.polyfit(x, y, 1)
    return float(constant), float(slope)


def matmul_gflops() -> float:
    """What a core of this machine multiplies in a CPU second: the floor of every product."""
    one: NDArray[np.float32] = np.random.default_rng(0).random((1_024, 1_024), np.float32)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        one @ one
        seconds.append(time.process_time() - start)
    return 2 * 1_024**3 / min(seconds) / 1e9


def table(measured: dict[int, dict[str, Told]], parts: list[str], target: int) -> Iterator[str]:
    """The lines: per part its seconds and peak memory at each size, the law, the floor, and the target by the law."""
    sizes, peak = sorted(measured), matmul_gflops()
    heads = [f"{size / 1e6:g} M s" for size in sizes] + [f"{size / 1e6:g} M MB" for size in sizes]
    ends = ["floor MB", "exponent", "GFLOP", "floor s", f"{target / 1e6:g} M s", f"{target / 1e6:g} M MB"]
    yield f"{'part':<9}" + "".join(f"{head:>10}" for head in heads + ends)
    total = 0.0
    for part in parts:
        told = [measured[size][part] for size in sizes]
        seconds, memory = [one["cpu_seconds"] for one in told], [one["peak_bytes"] / 1e6 for one in told]
        constant, slope = line([float(size) for size in sizes], memory)
        there, exponent = forecast(part, measured, target), growth(part, measured)[1]
        total += there
        cells = [f"{one:.1f}" for one in seconds] + [f"{one:,.0f}" for one in memory]
        gflop, held = told[-1]["gflop"], told[-1]["floor_bytes"] / 1e6
        cells += [f"{held:,.0f}", f"{exponent:.2f}", f"{gflop:,.0f}", f"{gflop / peak:.1f}", f"{there:,.0f}"]
        yield f"{part:<9}" + "".join(f"{cell:>10}" for cell in [*cells, f"{constant + slope * target:,.0f}"])
    yield f"all parts at {target:,} listens, by the law: {total / 60:.0f} CPU minutes; a product: {peak:.0f} GFLOP/s"


def main() -> None:
    """Measures what was not yet and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 2_000_000, 5_000_000])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--target", type=int, default=20_000_000)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "palate-scale")
    parser.add_argument("--part", choices=["world", *PARTS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        measure(options.part, options.work, options.sizes[0])
        return
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    measured = {}
    for size in progress(sorted(options.sizes), "sizes"):
        measured[size] = costs(options.work / str(size), size, options.parts)
        listeners, items = (f"{measured[size]['world'][name]:,.0f}" for name in ("listeners", "items"))
        print(f"{stamp()}; {threads} threads; {size:,} listens, {listeners} listeners, {items} items", flush=True)
        for text in table(measured, options.parts, options.target):
            print(text, flush=True)
        clock = sum(measured[size][part]["seconds"] for part in options.parts) / 60
        print(f"{size:,} listens took {clock:.1f} minutes on the clock", flush=True)
        if "records" in options.parts:
            print(f"encode: {measured[size]['records']['encoded_per_cpu_second']:,.0f} listeners per CPU second")


if __name__ == "__main__":
    main()
