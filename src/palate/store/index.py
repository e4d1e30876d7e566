"""VectorIndex: vectors in, neighbours out. Exact while the catalogue is small, inverted lists when it is not.

exact  every row in `ExactRows`, searched exhaustively
lists  the rows of the last build in `InvertedLists`; rows added since in `ExactRows`, so they are found at once
"""

import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palate.core.artefacts import atomic_folder, read_json, write_json
from palate.core.errors import BadInput, Corrupt, SpaceMismatch
from palate.store.exact import ExactRows
from palate.store.lists import InvertedLists, Recall, build_lists, load_lists

FORMAT_VERSION = 1
LARGEST_COMPONENT = 1e12  # so that no inner product overflows float32


@dataclass(frozen=True)
class IndexSettings:
    """When to stop looking at every vector, and how much may be missed then."""

    SECTION: ClassVar[str] = "index"

    exact_below: int = 50_000  # there exact takes 1.4 ms a query, and lists 0.4 ms but miss four in a hundred
    recall_target: float = 0.95
    recall_at: int = 200  # what a request retrieves

    def __post_init__(self) -> None:
        if self.exact_below < 0:
            raise ValueError(f"exact_below = {self.exact_below} must not be negative")
        if not 0.0 < self.recall_target <= 1.0:
            raise ValueError(f"recall_target = {self.recall_target} must be above 0 and at most 1")
        if self.recall_at < 1:
            raise ValueError(f"recall_at = {self.recall_at} must be at least 1")


@dataclass(frozen=True, eq=False)
class _State:
    """One moment of an index. Replaced as a whole, so that a reader never sees half a change."""

    rows: int  # positions that have ever been given: 0 .. rows - 1
    exact: ExactRows
    lists: InvertedLists | None


class VectorIndex:
    """Nearest rows of one space by inner product. Reads take no lock; writes take turns.

    Make it with `build` or `load`. The vectors of a row and of a query must be of the same `space`.
    """

    def __init__(self, space: str, dim: int, settings: IndexSettings, state: _State, recall: Recall | None) -> None:
        self.space = space
        self.dim = dim
        self.settings = settings
        self.recall = recall  # measured when the lists were built; None when the search is exact
        self._state = state
        self._writing = threading.Lock()

    @classmethod
    def build(
        cls,
        vectors: NDArray[np.float32],
        space: str,
        settings: IndexSettings | None = None,
        queries: NDArray[np.float32] | None = None,
    ) -> "VectorIndex":
        """An index of `vectors` (n, dim); a row's position is its name, and an all-zero row has no place in it.

        The vectors are kept, not copied: do not change them afterwards.
        `queries` (q, dim) are sample tastes for measuring recall; without them mixtures of items are used. BadInput
        when a number is not finite.
        """
        settings = settings or IndexSettings()
        vectors = _floats(vectors, None)
        filled = np.flatnonzero(vectors.any(axis=1)).astype(np.int32)
        exact = ExactRows.of(filled, vectors if len(filled) == len(vectors) else vectors[filled])
        n, dim = vectors.shape
        if len(filled) < max(settings.exact_below, 1):
            return cls(space, dim, settings, _State(n, exact, None), None)
        sample = None if queries is None else _floats(queries, dim)
        lists, recall = build_lists(exact, n, settings.recall_target, settings.recall_at, sample)
        return cls(space, dim, settings, _State(n, _no_rows(dim), lists), recall)

    @property
    def kind(self) -> Literal["exact", "ivf_sq8"]:
        """How it searches."""
        return "exact" if self._state.lists is None else "ivf_sq8"

    @property
    def rows(self) -> int:
        """One more than the greatest row ever given."""
        return self._state.rows

    @property
    def added(self) -> int:
        """Rows added since the build that each query looks at one by one; build again when they are many."""
        return 0 if self._state.lists is None else len(self._state.exact)

    def __len__(self) -> int:
        """How many rows can be found."""
        state = self._state
        return len(state.exact) + (0 if state.lists is None else len(state.lists))

    def nearest(
        self,
        queries: NDArray[np.float32],
        n: int,
        allowed: NDArray[np.bool_] | None = None,
        space: str | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The n rows with the greatest inner product with each query.

        queries # (dim,) or (q, dim)
        allowed # (rows,) bool: answer only rows where it is True; rows beyond its end are not allowed
        space   # the queries' space, checked when given
        Gives (q, n) int32 rows, padded with -1, and (q, n) float32 scores, padded with -inf: descending by score,
        equal scores ascending by row. BadInput for a wrong shape or a number that is not finite; SpaceMismatch.
        """
        self._check_space(space)
        if n < 1:
            raise BadInput(f"nearest() was asked for {n} rows; ask for at least 1")
        if allowed is not None and (allowed.dtype != np.bool_ or allowed.ndim != 1):
            raise BadInput(f"a filter must be a bool for each row, and came as {allowed.dtype} {allowed.shape}")
        queries = _floats(np.atleast_2d(queries), self.dim)
        state = self._state
        if state.lists is None:
            return state.exact.nearest(queries, n, allowed)
        found = state.lists.nearest(queries, n, allowed)
        return _merged(found, state.exact.nearest(queries, n, allowed), n) if len(state.exact) else found

    def add(self, rows: ArrayLike, vectors: NDArray[np.float32], space: str) -> None:
        """Puts `vectors` (r, dim) of `space` at `rows` (r,): found by the next query; a row that exists is replaced.

        An all-zero vector removes its row. Each call copies the rows added so far, so give many at once. BadInput for
        a negative row, a row given twice or wrong shapes; SpaceMismatch.
        """
        self._check_space(space)
        numbers, vectors = _rows(rows), _floats(vectors, self.dim)
        if len(numbers) != len(vectors):
            raise BadInput(f"{len(numbers)} rows came with {len(vectors)} vectors; give one vector for each row")
        filled = vectors.any(axis=1)
        with self._writing:
            state = self._state
            lists = None if state.lists is None else state.lists.without(numbers)
            exact = state.exact.without(numbers[~filled]).put(numbers[filled], vectors[filled])
            self._state = _State(max(state.rows, int(numbers.max(initial=-1)) + 1), exact, lists)

    def delete(self, rows: ArrayLike) -> None:
        """Makes `rows` (r,) unfindable at once; unknown rows change nothing. The next build frees their space."""
        numbers = _rows(rows)
        with self._writing:
            state = self._state
            lists = None if state.lists is None else state.lists.without(numbers)
            self._state = _State(state.rows, state.exact.without(numbers), lists)

    def save(self, folder: Path) -> None:
        """Writes the index to a new folder, whole or not at all (formats in docs/rooms/store.md)."""
        state = self._state
        with atomic_folder(folder) as temporary:
            np.save(temporary / "rows.npy", state.exact.rows)
            np.save(temporary / "vectors.npy", state.exact.vectors)
            if state.lists is not None:
                np.save(temporary / "kept.npy", state.lists.kept)
                state.lists.save(temporary / "lists.faiss")
            manifest = {
                "format_version": FORMAT_VERSION,
                "kind": self.kind,
                "space": self.space,
                "dim": self.dim,
                "rows": state.rows,
                "count": len(self),
                "probe": None if state.lists is None else state.lists.probe,
                "recall": None if self.recall is None else asdict(self.recall),
                "settings": asdict(self.settings),
                "bytes": {file.name: file.stat().st_size for file in sorted(temporary.iterdir())},
            }
            write_json(temporary / "manifest.json", manifest)

    @classmethod
    def load(cls, folder: Path, mmap: bool = True) -> "VectorIndex":
        """Opens what `save` wrote. `mmap` shares the vectors between processes; without it they are read at once.

        Corrupt when a file is missing, cut short or of a newer format.
        """
        manifest = _manifest(folder)
        try:
            mode: Literal["r"] | None = "r" if mmap else None
            exact = ExactRows.of(np.load(folder / "rows.npy"), np.load(folder / "vectors.npy", mmap_mode=mode))
            lists = None
            if manifest["kind"] == "ivf_sq8":
                lists = load_lists(folder / "lists.faiss", manifest["probe"], np.load(folder / "kept.npy"), mmap)
            recall = None if manifest["recall"] is None else Recall(**manifest["recall"])
            settings = IndexSettings(**manifest["settings"])
            state = _State(manifest["rows"], exact, lists)
            return cls(manifest["space"], manifest["dim"], settings, state, recall)
        except (ValueError, TypeError, KeyError, OSError, EOFError) as error:
            raise Corrupt(f"{folder} cannot be read ({error!r}); build it again with `palate train`") from error

    def _check_space(self, space: str | None) -> None:
        if space is not None and space != self.space:
            raise SpaceMismatch(
                f"vectors of {space} came to an index of {self.space}; encode them again or open that index"
            )


def _manifest(folder: Path) -> dict[str, Any]:
    """The checked manifest; a file of another length than it says is damaged."""
    path = folder / "manifest.json"
    if not path.is_file():
        raise Corrupt(f"{folder} holds no index (no manifest.json); build it with `palate train`")
    manifest = read_json(path)
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise Corrupt(f"{path} has format {version!r} and this Palate reads {FORMAT_VERSION}; upgrade, or train again")
    for name, size in manifest["bytes"].items():
        if not (folder / name).is_file() or (folder / name).stat().st_size != size:
            raise Corrupt(f"{folder / name} is missing or is not {size} bytes long; build the index again")
    return dict(manifest)


def _no_rows(dim: int) -> ExactRows:
    return ExactRows.of(np.empty(0, np.int32), np.empty((0, dim), np.float32))


def _floats(values: ArrayLike, dim: int | None) -> NDArray[np.float32]:
    """(n, dim) float32 in C order, every component small enough to multiply; else BadInput."""
    vectors = np.ascontiguousarray(values, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] < 1 or (dim is not None and vectors.shape[1] != dim):
        raise BadInput(f"vectors came in shape {vectors.shape}; give (n, {dim if dim is not None else 'dim'})")
    # min and max make no copy of a large matrix, and both are NaN where anything is.
    if vectors.size and not (vectors.min() >= -LARGEST_COMPONENT and vectors.max() <= LARGEST_COMPONENT):
        raise BadInput("a vector holds a number that is not finite, or is beyond 1e12; encode that row again")
    return vectors


def _rows(values: ArrayLike) -> NDArray[np.int32]:
    given = np.atleast_1d(np.asarray(values))
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise BadInput(f"rows came as {given.dtype} {given.shape}; give whole numbers in one dimension")
    numbers = given.astype(np.int32)
    if numbers.size and numbers.min() < 0:
        raise BadInput(f"row {int(numbers.min())} came; rows are positions in the catalogue and start at 0")
    if len(np.unique(numbers)) < len(numbers):
        raise BadInput("a row came twice in one call; give each row once")
    return numbers


def _merged(
    a: tuple[NDArray[np.int32], NDArray[np.float32]], b: tuple[NDArray[np.int32], NDArray[np.float32]], n: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    rows, scores = np.concatenate([a[0], b[0]], axis=1), np.concatenate([a[1], b[1]], axis=1)
    best = np.lexsort((rows, -scores), axis=-1)[:, :n]
    return np.take_along_axis(rows, best, 1), np.take_along_axis(scores, best, 1)
