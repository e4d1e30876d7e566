"""From how many rows on are inverted lists better than looking at every vector?

    python benchmarks/index_rule.py [--large]

Data: unit vectors of 128 dimensions in overlapping clusters with a decaying spectrum; a query is the mean of twelve
vectors from three clusters, as a listener's taste is, and so lies in no cluster. Easier data (separated clusters, items
as queries) flatters lists. Prints the table of docs/decisions/0003-vector-index.md.

ms_one      median of single queries, n = 200, exact and lists taking turns in one process
ms_batch    per query in batches of 64, all cores
recall      share of the true 200 found, over queries that the build did not see
filtered    the same two figures behind a filter that allows a tenth of the rows, at random
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.store.index import IndexSettings, VectorIndex
from stamp import stamp

DIM, N, QUERIES = 128, 200, 200
Vectors = NDArray[np.float32]


def hard_data(rows: int, seed: int = 0) -> tuple[Vectors, Vectors]:
    """(rows, 128) vectors and (200, 128) queries, unit norm."""
    rng = np.random.default_rng(seed)
    spread = (np.arange(1, DIM + 1) ** -0.5).astype(np.float32)
    clusters = max(50, rows // 500)
    centres = rng.standard_normal((clusters, DIM), np.float32)
    cluster = rng.integers(0, clusters, rows)
    vectors = unit((0.8 * centres[cluster] + rng.standard_normal((rows, DIM), np.float32)) * spread)
    members = [np.flatnonzero(cluster == one) for one in rng.integers(0, clusters, QUERIES * 3)]
    picks = np.array([rng.choice(some, 4) for some in members]).reshape(QUERIES, 12)
    return vectors, unit(vectors[picks].mean(axis=1))


def unit(vectors: Vectors) -> Vectors:
    """The same directions with norm 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def one_by_one(indexes: list[VectorIndex], queries: Vectors, allowed: NDArray[np.bool_] | None) -> list[float]:
    """Median milliseconds of a single query for each index, taking turns."""
    spent: list[list[float]] = [[] for _ in indexes]
    for query in queries:
        for index, times in zip(indexes, spent, strict=True):
            start = time.perf_counter()
            index.nearest(query, N, allowed)
            times.append(time.perf_counter() - start)
    return [float(np.median(times)) * 1000 for times in spent]


def in_batches(index: VectorIndex, queries: Vectors) -> float:
    """Milliseconds per query in batches of 64, the best of three."""
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        index.nearest(queries[:64], N)
        best = min(best, time.perf_counter() - start)
    return best / 64 * 1000


def recall(index: VectorIndex, exact: VectorIndex, queries: Vectors, allowed: NDArray[np.bool_] | None) -> float:
    """The share of the exact answer that is found."""
    truth, found = exact.nearest(queries, N, allowed)[0], index.nearest(queries, N, allowed)[0]
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)]))


def bytes_a_vector(index: VectorIndex) -> float:
    """What the saved index takes on disk, and in memory when mapped and warm."""
    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder) / "index")
        return sum(file.stat().st_size for file in (Path(folder) / "index").iterdir()) / len(index)


def compare(rows: int) -> None:
    """Prints two lines: exact, and lists."""
    vectors, queries = hard_data(rows)
    start = time.perf_counter()
    exact = VectorIndex.build(vectors, "bench@1", IndexSettings(exact_below=rows + 1))
    exact_seconds, start = time.perf_counter() - start, time.perf_counter()
    lists = VectorIndex.build(vectors, "bench@1", IndexSettings(exact_below=1))
    seconds = (exact_seconds, time.perf_counter() - start)
    allowed = np.random.default_rng(1).random(rows) < 0.1
    singles, filtered = one_by_one([exact, lists], queries, None), one_by_one([exact, lists], queries, allowed)
    for at, index in enumerate((exact, lists)):
        found, behind = recall(index, exact, queries, None), recall(index, exact, queries, allowed)
        print(
            f"| {rows:7,} | {index.kind:7} | {singles[at]:6.2f} | {in_batches(index, queries):8.3f} | {found:.3f} | "
            f"{filtered[at]:6.2f}, {behind:.3f} | {seconds[at]:6.1f} | {bytes_a_vector(index):5.0f} |",
            flush=True,
        )


def main() -> None:
    """Runs every size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also 300,000 rows")
    sizes = [10_000, 30_000, 50_000, 100_000] + ([300_000] if parser.parse_args().large else [])
    print(stamp())
    print("| rows | kind | ms_one | ms_batch | recall | filtered ms, recall | build s | bytes a vector |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        compare(rows)


if __name__ == "__main__":
    main()
