"""The foundation: item vectors for both sides and the encoder, learnt together from a history.

fit_teacher   factorizations and company            -> Teacher
fit_lesson    the teacher's lists for many situations   -> Lesson
fit_foundation    the student that learns them          -> Foundation
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.recording import recording
from palate.embeddings.company import Company
from palate.embeddings.encoder import Encoder, UserSettings, feature_count, with_gap, without_gap
from palate.embeddings.fold_in import FoldIn
from palate.embeddings.habits import habit_count
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel, ItemSettings, borrow, fit_items, recent_popularity
from palate.embeddings.situations import draw_situations
from palate.embeddings.teacher import Lesson, Teacher, TeacherSettings, prepare
from palate.embeddings.weights import taste_weights

SHARPNESS = 5.0  # the student's softmax multiplies dot products of vectors of length 1: scores have to differ
SPARE = 0.5  # deviation of the coordinates that begin by chance, of a factor's
FIRST_SHARES = (0.6, 0.8, 0.8)  # of the windows in a taste, before anything is learnt


@dataclass(frozen=True)
class FoundationSettings:
    """Everything that the foundation depends on."""

    items: ItemSettings = field(default_factory=ItemSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    users: UserSettings = field(default_factory=UserSettings)


@dataclass(frozen=True)
class Foundation:
    """What a space is made of.

    listened # (items, dim) float32, what a record sums
    vectors  # (items, dim) float32, what a taste is multiplied with; the last coordinate is popularity
    fold_in  the first factorization, for the ranker; None in spaces before 0.2 and where nothing is learnt yet
    The latter have zeros where tastes tell habits (`encoder.habits`).
    """

    listened: NDArray[np.float32]
    vectors: NDArray[np.float32]
    encoder: Encoder
    fold_in: FoldIn | None = None

    def save(self, path: Path) -> None:
        """One file of arrays; `load` gives it back."""
        folded = {} if self.fold_in is None else self.fold_in.arrays()
        write_arrays(path, listened=self.listened, vectors=self.vectors, **self.encoder.arrays(), **folded)

    @classmethod
    def load(cls, path: Path) -> "Foundation":
        arrays = read_arrays(path)
        folded = FoldIn.of_arrays(arrays, str(path)) if "fold_in.gram" in arrays else None
        return cls(arrays["listened"], arrays["vectors"], Encoder.of_arrays(arrays, str(path)), folded)

    def with_habits(self, n: int, since: float) -> "Foundation":
        """The same scores, and tastes that tell `n` habits as well, times counted from `since` (home seconds).

        n: 0 for none, else all of them (habits.habit_count)
        """
        if not n:
            return self
        return replace(self, vectors=with_gap(self.vectors, n), encoder=self.encoder.with_habits(since))

    def without_habits(self) -> "Foundation":
        """The inverse of `with_habits`: what can be learnt."""
        n = len(self.encoder.habits)
        if not n:
            return self
        return replace(self, vectors=without_gap(self.vectors, n), encoder=self.encoder.without_habits())


def fit_factors(inputs: Inputs, settings: FoundationSettings) -> list[ItemModel]:
    """The factorizations that the teacher averages, of consecutive seeds. Only the first is told to the run."""
    models, narrower = [], factor_settings(settings.items)
    for number in range(settings.teacher.ensemble):
        seeded = replace(narrower, seed=narrower.seed + number)
        if number:
            with recording(None):
                models.append(fit_items(inputs.history, inputs.playlists, inputs.columns, seeded))
        else:
            models.append(fit_items(inputs.history, inputs.playlists, inputs.columns, seeded))
    return models


def factor_settings(items: ItemSettings) -> ItemSettings:
    """Those of a factorization, which leaves room for the habits in a taste of `items.dim`."""
    return replace(items, dim=items.dim - habit_count(items.dim))


def fit_lesson(inputs: Inputs, models: list[ItemModel], company: Company, settings: FoundationSettings) -> Lesson:
    """Asks the teacher about situations of all listeners."""
    history, users = inputs.history, settings.users
    situations = draw_situations(history, users.situations_each, users.situations, settings.items.seed)
    teacher = Teacher(models, company, settings.teacher)
    return prepare(teacher, history, situations, kept_company(inputs), settings.items.popularity_half_life_days)


def kept_company(inputs: Inputs) -> NDArray[np.bool_]:
    """(items,) True for what was ever heard or put on a playlist."""
    known = np.bincount(inputs.history.item, taste_weights(inputs.history), inputs.history.n_items) > 0
    known[inputs.playlists.item[inputs.playlists.item >= 0]] = True
    return known


def fit_foundation(
    inputs: Inputs, models: list[ItemModel], lesson: Lesson, settings: FoundationSettings,
    checkpoints: Path | None = None, frozen: Foundation | None = None,
) -> Foundation:  # fmt: skip
    """Learns vectors and encoder; needs the extra `train` (torch), unless nobody ever listened.

    models  what the teacher averaged: the first is where the vectors begin
    frozen  item vectors that must stay: the encoder alone is learnt, beginning with theirs
    An item without company takes the mean of its artist, else of its genre, else zeros (it is then found by search and
    by being new, not by taste).
    """
    popularity = recent_popularity(inputs.history, settings.items.popularity_half_life_days)
    n_habits = habit_count(settings.items.dim) if frozen is None else len(frozen.encoder.habits)
    since = frozen.encoder.habits_since if frozen is not None else None
    since = inputs.history.end if since is None else since
    if frozen is not None and not len(lesson.situations):
        return frozen
    fold_in = fit_fold_in(models[0], settings.teacher)
    if not len(lesson.situations):
        return replace(_unlearnt(models[0], popularity, settings).with_habits(n_habits, since), fold_in=fold_in)
    from palate.embeddings.newcomers import fit_start
    from palate.embeddings.training import fit_student

    start = frozen.without_habits() if frozen else _begun(models[0], lesson.known, popularity, settings)
    learnt = fit_student(lesson, start, settings.items.seed, settings.users, checkpoints, items=frozen is None)
    if frozen is None:
        for side in (learnt.listened, learnt.vectors[:, :-1]):
            for group in (inputs.columns.artist, inputs.columns.genre):
                borrow(side, lesson.known, group)
    half_life_days, statics = settings.items.popularity_half_life_days, settings.users.statics
    begins = fit_start(inputs, learnt, lesson.known, half_life_days, statics, settings.items.seed)
    learnt = replace(learnt, encoder=replace(learnt.encoder, start=begins), fold_in=fold_in)
    return learnt.with_habits(n_habits, since)


def fit_fold_in(model: ItemModel, settings: TeacherSettings) -> FoldIn:
    """What a request needs to ask this factorization as the teacher does."""
    of, factors = model.settings, np.ascontiguousarray(model.vectors[:, :-1])
    return FoldIn.of(factors, of.confidence, of.regularization, settings.factors_half_life_days)


def _unlearnt(model: ItemModel, popularity: NDArray[np.float32], settings: FoundationSettings) -> Foundation:
    """What there is when nobody listened: playlists alone, if any."""
    dim, spare = settings.items.dim, habit_count(settings.items.dim)
    weights = without_gap(Encoder.plain(dim, settings.items.popularity_share).weights, spare)
    return Foundation(with_gap(model.vectors, spare), with_last(model.vectors[:, :-1], popularity), Encoder(weights))


def _begun(
    model: ItemModel, known: NDArray[np.bool_], popularity: NDArray[np.float32], settings: FoundationSettings
) -> Foundation:
    """Both sides of an item are its factors, of length 1 on average; a taste is a mixture of its windows.

    What a record sums is as wide as a taste: where that has habits it has as many coordinates to spare, which begin by
    chance and which the encoder does not read yet.
    """
    factors = np.where(known[:, None], model.vectors[:, :-1], np.float32(0.0))
    length = float(np.sqrt(np.square(factors[known]).sum(axis=1).mean())) if known.any() else 1.0
    factors, dim = (factors / max(length, 1e-9)).astype(np.float32), settings.items.dim
    n, spare = factors.shape[1], habit_count(dim)
    chance = np.random.default_rng(settings.items.seed).normal(size=(len(factors), spare)) * known[:, None]
    listened = np.concatenate([factors, chance * (SPARE / np.sqrt(n)), np.zeros((len(factors), 1))], axis=1)
    weights = np.zeros((feature_count(dim), n + 1), np.float32)
    for window, share in enumerate(FIRST_SHARES):
        weights[window * dim + np.arange(n), np.arange(n)] = SHARPNESS * share
    weights[-1, -1] = SHARPNESS * settings.items.popularity_share
    encoder = Encoder(weights, settings.users.count_power)
    return Foundation(listened.astype(np.float32), with_last(factors, popularity), encoder)


def with_last(factors: NDArray[np.float32], last: NDArray[np.float32]) -> NDArray[np.float32]:
    """(items, dim): the factors (items, dim - 1) with one more coordinate."""
    return np.concatenate([factors, last[:, None]], axis=1).astype(np.float32)
