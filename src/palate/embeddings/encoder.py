"""From a user record to a taste: one matrix product over the record's windows, learnt with the item vectors.

What it learns from, and how: teacher.py, student.py. Source: ours, decision 5; the windows are those of Generalized
User Representations (arXiv 2403.00584).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.errors import Corrupt
from palate.core.settings import Range
from palate.embeddings.folding import RecordColumns
from palate.embeddings.habits import HABITS, NAMES, SCALES, Told, coordinates
from palate.embeddings.records import HALF_LIVES_DAYS, UserRecord
from palate.embeddings.start import SLOWEST, Start
from palate.listening.listeners import ListenerColumns

WINDOWS = len(HALF_LIVES_DAYS)
BLOCK = 256  # records whose sums, 2.4 MB, stay in the cache: twice as fast as all at once


@dataclass(frozen=True)
class UserSettings:
    """How item and listener vectors are learnt from the teacher ([users] in palate.toml)."""

    SECTION: ClassVar[str] = "users"

    # a window's sum is divided by its count to this power: 0 a sum, which a heavy listener blows up; 1 a mean, which
    # forgets how much was heard
    count_power: Annotated[float, Range(0.0, 1.0)] = 0.85
    situations_each: Annotated[int, Range(1, 20)] = 5  # earlier moments of each listener, besides the present
    situations: int = 100_000  # in all; more teach little that is new, and bound the time
    epochs: Annotated[int, Range(1, 12)] = 4
    # students that see the situations in different orders; what they learnt is averaged
    students: Annotated[int, Range(1, 5)] = 2
    begin_share: Annotated[float, Range(0.0, 0.5)] = 0.2  # of where they began, in that average
    batch: int = 256
    learning_rate: Annotated[float, Range(0.001, 0.02, log=True)] = 0.005
    listed: Annotated[int, Range(10, 200)] = 30  # the teacher's first so many items are learnt
    # of so many situations the student sees nothing: what it says then is a stranger's taste
    strangers: Annotated[float, Range(0.0, 0.2)] = 0.02
    # what is known of listeners beyond their listens (country, languages, device, age) says where a taste starts
    statics: bool = True
    unheard_share: Annotated[float, Range(0.0, 4.0)] = 1.0  # weight of the question about unheard items
    all_items_below: int = 4_000  # catalogues up to this size are scored whole in every step
    negatives: int = 2_048  # otherwise so many items drawn at random
    device: str = "auto"  # "cpu", "cuda", or auto: a GPU when there is one


DEFAULT = UserSettings()


@dataclass(frozen=True)
class Encoder:
    """From records to tastes: first the factors, then the habits, last the share of popularity.

    weights         # (features, dim) float32
    count_power     as in UserSettings
    habits_since    home seconds that the habits `latest` and `first` count from; None for a space without habits
    start           what is added while little was heard; None in spaces of before 0.2, and where nobody ever listened
    """

    weights: NDArray[np.float32]
    count_power: float = DEFAULT.count_power
    habits_since: float | None = None
    start: Start | None = None

    @property
    def dim(self) -> int:
        return int(self.weights.shape[1])

    @property
    def listened_dim(self) -> int:
        """How wide the sums of a record are: as a taste, in a published space."""
        return (len(self.weights) - 1 - len(self.habits)) // WINDOWS - 1

    @property
    def factors(self) -> int:
        """How many coordinates, the first ones, say what is heard: a rotation turns these, a cosine compares these."""
        return self.dim - 1 - len(self.habits)

    @property
    def habits(self) -> dict[str, int]:
        """The column of each habit by name (habits.HABITS says what they mean); empty for a space without habits."""
        first = self.dim - 1 - len(NAMES)
        return {} if self.habits_since is None else {name: first + place for place, name in enumerate(NAMES)}

    @property
    def reads_attributes(self) -> bool:
        """Whether anything that is told of a listener changes the taste: else nobody has to look it up."""
        return self.start is not None and self.start.reads_attributes

    def encode(
        self, records: Sequence[UserRecord], told: ListenerColumns | None = None, now: float = np.nan
    ) -> NDArray[np.float32]:
        """(q, dim) float32, one taste a record, in order; a batch equals its members one by one up to rounding.

        told # (q,) what is known of each listener, in home time; None for nothing
        now  home seconds: how old the account is of who has no event; NaN when it is not known
        An empty record gives the taste of a stranger, or that of one of whom only `told` is known.
        """
        heard = features(records, self.listened_dim, self.count_power, self.habits_since)
        tastes: NDArray[np.float32] = heard @ self.weights
        return tastes if self.start is None else tastes + self.start.added(records, told, now)

    def encode_columns(self, records: RecordColumns, told: ListenerColumns | None = None) -> NDArray[np.float32]:
        """The same of records that stand side by side, each with an event or a moment of its own."""
        heard, read = np.zeros((len(records), len(self.weights)), np.float32), records.told()
        fill_features(heard, read, records.window_sums(), self.count_power, self.habits_since)
        tastes: NDArray[np.float32] = heard @ self.weights
        if self.start is None:
            return tastes
        return tastes + self.start.added_to(read.at, read.counts[:, SLOWEST].sum(axis=1), told)

    @property
    def stranger(self) -> NDArray[np.float32] | None:
        """(dim,) the taste of one of whom nothing is known, if it was taught by what newcomers hear; else None."""
        return None if self.start is None else self.weights[-1] + self.start.stranger

    @property
    def rows(self) -> NDArray[np.float32]:
        """(n, dim): all that lies in the space of tastes, for who turns it; `with_rows` takes it back."""
        return self.weights if self.start is None else np.concatenate([self.weights, self.start.rows])

    def with_rows(self, rows: NDArray[np.float32]) -> "Encoder":
        """The same with other `rows`."""
        n = len(self.weights)
        return replace(self, weights=rows[:n], start=self.start and self.start.with_rows(rows[n:]))

    @classmethod
    def plain(cls, dim: int, popularity_share: float) -> "Encoder":
        """What is used when there is nobody to learn from: the middle window's sum, and a fixed share of popularity."""
        weights = np.zeros((feature_count(dim), dim), np.float32)
        weights[dim : 2 * dim - 1, : dim - 1] = np.eye(dim - 1)
        weights[-1, -1] = popularity_share
        return cls(weights)

    def with_habits(self, since: float) -> "Encoder":
        """The same encoder, whose tastes tell habits before their last coordinate, times counted from `since`."""
        n, (rows, columns) = len(HABITS), self.weights.shape
        weights = np.zeros((rows + n, columns + n), np.float32)
        weights[[*range(rows - 1), rows + n - 1]] = with_gap(self.weights, n)  # the constant comes after the habits
        weights[rows - 1 + np.arange(n), columns - 1 + np.arange(n)] = SCALES
        start = self.start and self.start.with_rows(with_gap(self.start.rows, n))
        return Encoder(weights, self.count_power, since, start)

    def without_habits(self) -> "Encoder":
        """The inverse of `with_habits`."""
        n, rows = len(self.habits), len(self.weights) - len(self.habits)
        start = self.start and self.start.with_rows(without_gap(self.start.rows, n))
        return Encoder(without_gap(self.weights[[*range(rows - 1), rows + n - 1]], n), self.count_power, start=start)

    def save(self, path: Path) -> None:
        write_arrays(path, **self.arrays())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, for a file that may hold more; `of_arrays` reads them."""
        told: dict[str, NDArray[Any]] = {"weights": self.weights, "count_power": np.array(self.count_power)}
        since = {} if self.habits_since is None else {"habits_since": np.array(self.habits_since)}
        return told | since | ({} if self.start is None else self.start.arrays())

    @classmethod
    def load(cls, path: Path) -> "Encoder":
        """What `save` wrote, also before there were habits, or counts; Corrupt for habits that this Palate lacks."""
        return cls.of_arrays(read_arrays(path), str(path))

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]], where: str) -> "Encoder":
        """From the arrays of `arrays`; `where` they were found is for the error."""
        weights, power = arrays["weights"], float(arrays.get("count_power", 0.5))  # before 0.2 it was always the root
        dim = weights.shape[1]
        if len(weights) == WINDOWS * dim + 1:  # and counts were not looked at
            weights = np.insert(weights, WINDOWS * dim, np.zeros((WINDOWS, dim), np.float32), axis=0)
        since = float(arrays["habits_since"]) if "habits_since" in arrays else None
        if len(weights) != feature_count(dim) + (0 if since is None else len(HABITS)):
            raise Corrupt(f"{where} has {len(weights)} features, this Palate needs others for {dim} dimensions; train")
        return cls(weights, power, since, Start.of(arrays))


def with_gap(vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """(rows, dim + n): `n` zeros before the last coordinate, where tastes have their habits."""
    return np.insert(vectors, [vectors.shape[1] - 1] * n, 0.0, axis=1) if n else vectors


def without_gap(vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """(rows, dim - n): the inverse of `with_gap`."""
    last = vectors.shape[1] - 1
    return np.delete(vectors, np.arange(last - n, last), axis=1) if n else vectors


def feature_count(dim: int) -> int:
    """How many features `features` gives without habits: the windows, their counts, and a constant."""
    return WINDOWS * (dim + 1) + 1


def features(
    records: Sequence[UserRecord], dim: int, count_power: float = DEFAULT.count_power, habits_since: float | None = None
) -> NDArray[np.float32]:
    """(q, feature_count(dim)) float32: each window's sum over its count to a power; log(1 + count) of each; 1.

    With `habits_since` the habits stand before the 1.
    """
    out = np.zeros((len(records), feature_count(dim) + (0 if habits_since is None else len(HABITS))), np.float32)
    for start in range(0, len(records), BLOCK):
        part = records[start : start + BLOCK]
        sums = np.stack([record.sums for record in part]).sum(axis=2)
        fill_features(out[start : start + BLOCK], _told(part), sums, count_power, habits_since)
    return out


def fill_features(
    out: NDArray[np.float32], read: Told, sums: NDArray[np.float64], count_power: float, habits_since: float | None
) -> None:
    """Writes `features` into zeros; sums # (q, half-lives, dim) of all kinds together."""
    dim, plain = sums.shape[2], feature_count(sums.shape[2])
    counts = read.counts.sum(axis=2)
    known = counts > 1e-9
    divisor = np.where(known, counts, 1.0) ** count_power
    windows = out[:, : WINDOWS * dim].reshape(len(out), WINDOWS, dim)  # a view
    np.divide(sums, divisor[..., None], out=windows, where=known[..., None], casting="same_kind")
    out[:, WINDOWS * dim : plain - 1] = np.log1p(np.maximum(counts, 0.0))
    if habits_since is not None:
        out[:, plain - 1 : -1] = coordinates(read, habits_since)
    out[:, -1] = 1.0


def _told(records: Sequence[UserRecord]) -> Told:
    """What the habits are made of."""
    scalars = [(record.squares, len(record.items), record.at, record.first) for record in records]
    counts, sums = np.stack([record.counts for record in records]), np.stack([record.habits for record in records])
    return Told(counts, sums, *np.array(scalars, np.float64).T)
