"""What a head is taught and judged on: one row for each listener and week, and the vector that goes with it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Embeds, Method, Refreshes
from palate.evaluation.probes.files import FileTask
from palate.evaluation.probes.settings import ProbeSettings
from palate.evaluation.probes.tasks import ProbeTask

MAX_WIDTH = 2_048  # as in the RecSys Challenge 2025; wider, a linear head has more weights than there are rows
MOST = 5.0  # standard deviations; one raw count of 300 plays would else outvote all that a head can learn


@dataclass(frozen=True)
class Examples:
    """The labelled rows of one side of a task.

    users  # (r,) int32, user rows
    week   # (r,) int64, positions in the side's moments
    labels # (r,) float64, finite
    """

    users: NDArray[np.int32]
    week: NDArray[np.int64]
    labels: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.bool_]) -> "Examples":
        """Those at `rows`, a mask."""
        return Examples(self.users[rows], self.week[rows], self.labels[rows])


@dataclass(frozen=True)
class Side:
    """One side of a probe: the moments at which vectors are taken, and who takes part at each.

    name    # TRAIN or TEST
    moments # home seconds, ascending
    users   # for each moment: (q,) int32, user rows, ascending
    """

    name: str
    moments: tuple[float, ...]
    users: tuple[NDArray[np.int32], ...]


def examples_of(
    inputs: Inputs, tasks: Sequence[ProbeTask | FileTask], side: Side, horizon_seconds: float
) -> list[Examples]:
    """The labels of each task for one side; a static task and one from a file have the first moment only."""
    found: list[list[Examples]] = [[] for _ in tasks]
    for week, (start, users) in enumerate(zip(side.moments, side.users, strict=True)):
        end = start + horizon_seconds
        known = inputs.until(end)
        for task, parts in zip(tasks, found, strict=True):
            if isinstance(task, FileTask):
                answer = task.labels(side.name, inputs.history.users)[users]
            elif week == 0 or not task.static:
                answer = task.labels(known, users, start, end)
            else:
                continue
            told = np.isfinite(answer)
            parts.append(Examples(users[told], np.full(int(told.sum()), week, np.int64), answer[told]))
    return [_joined(parts) for parts in found]


def _joined(parts: list[Examples]) -> Examples:
    return Examples(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("users", "week", "labels")))


def taking_part(inputs: Inputs, name: str, moments: tuple[float, ...], settings: ProbeSettings) -> Side:
    """Who has `min_plays` heard plays before each moment, at most `max_listeners` of them by the hash of their ids."""
    hashes = hashed(inputs.history.users, settings.seed, "who")
    users = []
    for moment in moments:
        plays = np.bincount(inputs.history.until(moment).heard().user, minlength=len(hashes))
        enough = np.flatnonzero(plays >= settings.min_plays)
        drawn = enough[np.argsort(hashes[enough], kind="stable")[: settings.max_listeners]]
        users.append(np.sort(drawn).astype(np.int32))
    return Side(name, moments, tuple(users))


def hashed(users: Sequence[str], seed: int, what: str) -> NDArray[np.uint64]:
    """(users,) uint64 from the ids alone: the same person gets the same number on every machine and in every log."""
    salt = f"{what}:{seed}:".encode()
    digests = b"".join(
        hashlib.blake2b(salt + user.encode(errors="surrogatepass"), digest_size=8).digest() for user in users
    )
    return np.frombuffer(digests, np.dtype("<u8")).astype(np.uint64)


@dataclass(frozen=True)
class Vectors:
    """The vectors of one space at the moments of both sides, standardised by those of the train side.

    by_train, by_test # by moment: (q, d) float32, aligned with the side's users
    """

    train: Side
    test: Side
    by_train: tuple[NDArray[np.float32], ...]
    by_test: tuple[NDArray[np.float32], ...]

    def of_train(self, examples: Examples) -> NDArray[np.float32]:
        """(r, d) the vector of each train row."""
        return _gathered(self.train, self.by_train, examples)

    def of_test(self, examples: Examples) -> NDArray[np.float32]:
        """(r, d) the vector of each test row."""
        return _gathered(self.test, self.by_test, examples)


def _gathered(side: Side, vectors: tuple[NDArray[np.float32], ...], examples: Examples) -> NDArray[np.float32]:
    out = np.empty((len(examples), vectors[0].shape[1]), np.float32)
    for week in np.unique(examples.week).tolist():
        here = examples.week == week
        out[here] = vectors[week][np.searchsorted(side.users[week], examples.users[here])]
    return out


def vectors_of(space: Method, inputs: Inputs, train: Side, test: Side) -> Vectors:
    """Fits the space before the first train moment and takes every vector from that frozen model.

    Both sides come through `refreshed`, so that a model whose trained states differ from refreshed ones is not judged
    on the difference. BadInput for a method that has no vectors or gives unusable ones.
    """
    at = train.moments[0]
    fitted = space.fit(inputs.until(at), at)
    if not isinstance(fitted, Refreshes) or not isinstance(fitted, Embeds):
        raise BadInput(f"method {space.name} has no vectors for listeners; probes need `refreshed` and `vectors`")
    taken: list[list[NDArray[np.float32]]] = [[], []]
    for side, vectors in zip((train, test), taken, strict=True):
        for moment, users in zip(side.moments, side.users, strict=True):
            every = np.full(len(inputs.history.users), moment)
            state = fitted.refreshed(inputs.history.until(moment), every)
            if not isinstance(state, Embeds):
                raise BadInput(f"method {space.name} has no vectors once it is refreshed; probes need them")
            vectors.append(_checked(space.name, state.vectors(users), len(users)))
    if len({vectors.shape[1] for side_vectors in taken for vectors in side_vectors}) > 1:
        raise BadInput(f"method {space.name} gave vectors of different widths; one space has one width")
    _standardise(*taken)
    return Vectors(train, test, tuple(taken[0]), tuple(taken[1]))


def _checked(name: str, vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """A copy, since what a method gives may be its own state."""
    if vectors.ndim != 2 or len(vectors) != n or not 1 <= vectors.shape[1] <= MAX_WIDTH:
        raise BadInput(
            f"method {name} gave vectors of shape {vectors.shape} for {n} listeners; ({n}, 1 to {MAX_WIDTH})"
        )
    if not np.isfinite(vectors).all():
        raise BadInput(f"method {name} gave vectors that are not finite; every number must be")
    return np.array(vectors, np.float32)


def _standardise(train: list[NDArray[np.float32]], test: list[NDArray[np.float32]]) -> None:
    """In place: mean 0 and deviation 1 over the train side, within MOST; a column that is constant there stays 0."""
    rows = max(sum(map(len, train)), 1)
    mean = sum(vectors.sum(axis=0, dtype=np.float64) for vectors in train) / rows
    square = sum(np.square(vectors - mean).sum(axis=0) for vectors in train) / rows
    scale = np.sqrt(square)
    varies = scale > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    for vectors in (*train, *test):
        np.subtract(vectors, mean, out=vectors, casting="same_kind")
        np.divide(vectors, np.where(varies, scale, np.inf), out=vectors, casting="same_kind")
        np.clip(vectors, -MOST, MOST, out=vectors)
