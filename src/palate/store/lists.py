"""Approximate nearest rows for large catalogues: FAISS inverted lists of 8-bit vectors (IVF-SQ8).

A query looks only into the `nprobe` lists whose centres lie nearest. How many lists that must be is not guessed: it is
raised until the answers hold `recall_target` of the true ones on sample queries (docs/decisions/0003).
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import faiss as faiss_module
import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.store.exact import ExactRows

faiss: Any = faiss_module  # its stubs lack what its Python layer adds: keyword arguments, attributes of an IVF

LISTS_PER_ROOT = 4  # lists = 4 * sqrt(n): a scan of the centres then costs about as much as a scan of the lists
POINTS_PER_LIST = 64  # training points for k-means; 256 cost 2.2 s more at 100,000 rows and gave the same recall
FEWEST_POINTS_PER_LIST = 39  # below this FAISS warns on the console that the centres are poorly placed
# With a filter the nearest allowed rows lie in more lists. nprobe grows by (share allowed) ** -0.6, which held the
# recall of the unfiltered search from 10,000 to 300,000 rows; -0.5 lost 2 points at 30,000, -0.4 up to 9 at 60,000.
FILTER_EXPONENT = -0.6
FIRST_PROBE, PROBE_STEP = 8, 1.4
SAMPLE_QUERIES = 256


@dataclass(frozen=True)
class Recall:
    """What a search was measured to find: the share of the true `at` best, over sample queries."""

    recall: float
    at: int
    queries: int
    source: str  # "given" or "mixtures of items"


@dataclass(frozen=True, eq=False)
class InvertedLists:
    """Rows in lists of 8-bit vectors. Never changed after building: a deleted row is only masked.

    kept  # (rows,) bool, False where there is no such row or it was deleted
    probe # lists to look into without a filter
    file  # where the lists are mapped from; None when they are in memory
    prepared # the latest mask that was asked with, and what was made of it
    """

    index: Any
    probe: int
    kept: NDArray[np.bool_]
    file: Path | None = None
    prepared: dict[str, tuple[NDArray[np.bool_] | None, int, NDArray[np.uint8] | None]] = field(
        init=False, default_factory=dict, repr=False
    )

    def __len__(self) -> int:
        return int(np.count_nonzero(self.kept))

    def without(self, rows: NDArray[np.int32]) -> "InvertedLists":
        """The rest, when `rows` are masked; rows that are not here change nothing."""
        kept = self.kept.copy()
        kept[rows[rows < len(kept)]] = False
        return replace(self, kept=kept)

    def nearest(
        self, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """As `ExactRows.nearest`, with the recall that was measured and the scores of the 8-bit vectors.

        A filter never shortens the answer: a query that finds too few looks into every list.
        """
        count, bitmap = self._usable(allowed)
        everything = int(self.index.ntotal)
        if not count:
            return np.full((len(queries), n), -1, np.int32), np.full((len(queries), n), -np.inf, np.float32)
        probe = int(np.ceil(self.probe * (count / everything) ** FILTER_EXPONENT))
        rows, scores = self._search(queries, n, probe, bitmap)
        short = np.flatnonzero(rows[:, min(n, count) - 1] < 0)
        if len(short):
            rows[short], scores[short] = self._search(queries[short], n, self.index.nlist, bitmap)
        return rows, scores

    def _usable(self, allowed: NDArray[np.bool_] | None) -> tuple[int, NDArray[np.uint8] | None]:
        """How many rows may be found, and their bitmap; None when that is every row.

        The latest mask that cannot be written to is prepared once: of a million rows that takes half a millisecond.
        """
        latest = self.prepared.get("latest")
        if latest is not None and latest[0] is allowed:
            return latest[1:]
        usable = self.kept if allowed is None else _both(self.kept, allowed)
        count = int(np.count_nonzero(usable))
        bitmap = np.packbits(usable, bitorder="little") if count < int(self.index.ntotal) else None
        if allowed is None or not allowed.flags.writeable:
            self.prepared["latest"] = (allowed, count, bitmap)
        return count, bitmap

    def _search(
        self, queries: NDArray[np.float32], n: int, probe: int, bitmap: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        selector = None if bitmap is None else faiss.IDSelectorBitmap(bitmap)
        parameters = faiss.SearchParametersIVF(nprobe=min(probe, self.index.nlist), sel=selector)
        scores, rows = self.index.search(queries, n, params=parameters)
        scores[rows < 0] = -np.inf
        order = np.lexsort((rows, -scores), axis=-1)
        return np.take_along_axis(rows, order, 1).astype(np.int32), np.take_along_axis(scores, order, 1)

    def save(self, path: Path) -> None:
        """Writes the lists, with masked rows still in them, to a file."""
        if self.file is None:
            faiss.write_index(self.index, str(path))
        else:
            # FAISS would write a mapped index as a reference to the old file, which may be deleted later.
            path.write_bytes(self.file.read_bytes())


def build_lists(
    exact: ExactRows, rows: int, recall_target: float, recall_at: int, queries: NDArray[np.float32] | None
) -> tuple[InvertedLists, Recall]:
    """Lists over all of `exact` (at least one row), probing as many as the target needs, and the recall measured."""
    count, dim = exact.vectors.shape
    lists = max(1, min(int(LISTS_PER_ROOT * count**0.5), count // FEWEST_POINTS_PER_LIST))
    index = faiss.index_factory(dim, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = POINTS_PER_LIST
    index.train(exact.vectors)
    index.add_with_ids(exact.vectors, exact.rows.astype(np.int64))
    kept = np.zeros(rows, np.bool_)
    kept[exact.rows] = True
    built = InvertedLists(index, min(FIRST_PROBE, lists), kept)
    source = "mixtures of items" if queries is None else "given"
    sample = _mixtures(built, exact) if queries is None else queries
    return _probe_enough(built, exact, recall_target, min(recall_at, count), sample, source)


def _probe_enough(
    built: InvertedLists, exact: ExactRows, target: float, at: int, queries: NDArray[np.float32], source: str
) -> tuple[InvertedLists, Recall]:
    truth, _ = exact.nearest(queries, at)
    while True:
        found, _ = built.nearest(queries, at)
        hits = sum(np.isin(one, best).sum() for one, best in zip(found, truth, strict=True))
        recall = float(hits) / truth.size
        if recall >= target or built.probe == built.index.nlist:
            return built, Recall(recall, at, len(queries), source)
        built = replace(built, probe=min(int(np.ceil(built.probe * PROBE_STEP)), built.index.nlist))


def _mixtures(built: InvertedLists, exact: ExactRows) -> NDArray[np.float32]:
    """(256, dim) unit vectors like a listener's: the mean of four items around each of three random ones.

    Items themselves are too easy as queries, because each one lies inside a list.
    """
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, len(exact), (SAMPLE_QUERIES, 3))
    near, _ = built.nearest(exact.vectors[seeds.ravel()], 32)
    slot = np.zeros(len(built.kept), np.intp)
    slot[exact.rows] = np.arange(len(exact))
    chosen = slot[rng.permuted(near, axis=1)[:, :4]].reshape(SAMPLE_QUERIES, 12)
    means = exact.vectors[chosen].mean(axis=1)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return np.asarray(means, np.float32)


def load_lists(path: Path, probe: int, kept: NDArray[np.bool_], mapped: bool) -> InvertedLists:
    """Lists from a file that `save` wrote; `mapped` shares them between processes and reads them on demand."""
    flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY if mapped else 0
    try:
        index = faiss.read_index(str(path), flags)
    except RuntimeError as error:
        raise Corrupt(f"{path} is not a readable index ({error}); build it again with `palate train`") from error
    if mapped:
        # FAISS would start up to 32 threads for each query to read lists ahead.
        faiss.downcast_InvertedLists(index.invlists).prefetch_nthread = 0
    return InvertedLists(index, probe, kept, path if mapped else None)


def _both(kept: NDArray[np.bool_], allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if len(allowed) < len(kept):
        return kept[: len(allowed)] & allowed
    return kept & allowed[: len(kept)]
