"""Variants of what is learnt: other settings, other windows, one vector for both sides, learnt half-lives."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from ablation.half_lives import DEFAULT, halving
from ablation.ranked import Ranked, by_taste
from ablation.workshop import Shared, Workshop
from palate.embeddings.foundation import (
    Foundation,
    FoundationSettings,
    _begun,
    factor_settings,
    fit_foundation,
    fit_lesson,
)
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import fit_items, recent_popularity
from palate.embeddings.student import Batch, Vectors
from palate.embeddings.training import _reproducible, _Training
from palate.evaluation.method import Fitted

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Student:
    """A foundation with other settings or windows, learnt from the shared factorizations.

    Another teacher makes its own lists; another dimension begins with a factorization of its own, the teacher stays.
    """

    name: str
    workshop: Workshop = field(repr=False)
    settings: FoundationSettings
    half_lives_days: tuple[float, ...] = DEFAULT
    code: tuple[Path, ...] = field(default=(HERE / "students.py", HERE / "half_lives.py"), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        if self.settings == shared.settings and self.half_lives_days == DEFAULT:
            return _ranked(shared, shared.foundation)
        models, lesson = shared.models, shared.lesson
        if self.settings.teacher != shared.settings.teacher:
            lesson = fit_lesson(known, models, shared.company, self.settings)
        if self.settings.items != shared.settings.items:
            models = [fit_items(known.history, known.playlists, known.columns, factor_settings(self.settings.items))]
        with halving(self.half_lives_days):
            learnt = fit_foundation(known, models, lesson, self.settings)
        return _ranked(shared, learnt, self.half_lives_days)


@dataclass(frozen=True)
class FrozenItems:
    """The encoder alone is learnt: both sides of an item stay the factorization's."""

    name: str
    workshop: Workshop = field(repr=False)
    settings: FoundationSettings
    code: tuple[Path, ...] = field(default=(HERE / "students.py",), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        learnt = fit_foundation(known, shared.models, shared.lesson, self.settings, frozen=_start(shared))
        return _ranked(shared, learnt)


class OneSide(Vectors):
    """One vector for what was heard and what is offered; in a record it has one more coordinate, as popularity."""

    def __init__(self, start: Foundation) -> None:
        torch.nn.Module.__init__(self)
        plain = Vectors(start)
        self.listened, self.weights = plain.listened, plain.weights

    @property
    def offered(self) -> torch.Tensor:  # type: ignore[override]
        return self.listened[:, :-1]

    def groups(self) -> list[dict[str, Any]]:
        """What the optimizer learns, and how fast."""
        return [{"params": [self.weights], "speed": 2.0}, {"params": [self.listened], "speed": 1.0}]


class Fading(Vectors):
    """Half-lives that are learnt with everything else, as logarithms."""

    def __init__(self, start: Foundation, half_lives_days: tuple[float, ...], speed: float) -> None:
        super().__init__(start)
        self.speed, self.began_days = speed, half_lives_days
        self.log_days = torch.nn.Parameter(torch.log(torch.tensor(half_lives_days, dtype=torch.float32)))

    def tastes(self, batch: Batch, count_power: float) -> torch.Tensor:
        """As `Vectors.tastes`, the windows summed anew: the age of a listen is read off its share in the longest."""
        ages_days = -torch.log2(batch.shares[-1].clamp_min(1e-30)) * self.began_days[-1]
        row = _rows(batch)
        windows, counts = [], []
        for log_days in self.log_days:
            share = torch.exp2(-ages_days / torch.exp(log_days))
            count = torch.zeros(len(batch.starts)).index_add(0, row, share)
            bag = functional.embedding_bag(
                batch.items, self.listened, batch.starts, mode="sum", per_sample_weights=share
            )
            windows.append(bag / count.clamp_min(1e-9)[:, None] ** count_power)
            counts.append(torch.log1p(count)[:, None])
        ones = torch.ones(len(batch.starts), 1)
        return torch.cat([*windows, *counts, ones], dim=1) @ self.weights

    def groups(self) -> list[dict[str, Any]]:
        """What the optimizer learns, and how fast."""
        sides = {"params": [self.listened, self.offered], "speed": 1.0}
        return [{"params": [self.weights], "speed": 2.0}, sides, {"params": [self.log_days], "speed": self.speed}]

    @property
    def half_lives_days(self) -> tuple[float, ...]:
        return tuple(float(days) for days in torch.exp(self.log_days.detach()))


@dataclass(frozen=True)
class OneVector:
    """One vector for both sides of an item."""

    name: str
    workshop: Workshop = field(repr=False)
    settings: FoundationSettings
    code: tuple[Path, ...] = field(default=(HERE / "students.py",), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        vectors = OneSide(_start(shared))
        _teach(shared, vectors, self.settings)
        return _ranked(shared, _learnt(shared, vectors, self.settings))


@dataclass(frozen=True)
class LearntHalfLives:
    """Half-lives by gradient, beginning with those of `begin_days`; a record would have to be kept with them.

    speed  the rate of the half-lives' logarithms over that of item vectors
    """

    name: str
    workshop: Workshop = field(repr=False)
    settings: FoundationSettings
    begin_days: tuple[float, ...] = DEFAULT
    speed: float = 4.0
    code: tuple[Path, ...] = field(default=(HERE / "students.py", HERE / "half_lives.py"), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        with halving(self.begin_days):
            vectors = Fading(_start(shared), self.begin_days, self.speed)
            _teach(shared, vectors, self.settings)
        days = vectors.half_lives_days
        told = {"half_lives_days": list(days)}
        return _ranked(shared, _learnt(shared, vectors, self.settings), days, told)


def _rows(batch: Batch) -> torch.Tensor:
    """(listens,) the situation of each listen."""
    lengths = torch.diff(batch.starts, append=torch.tensor([len(batch.items)]))
    return torch.repeat_interleave(torch.arange(len(batch.starts)), lengths)


def _start(shared: Shared) -> Foundation:
    """Where the default student begins."""
    popularity = recent_popularity(shared.known.history, shared.settings.items.popularity_half_life_days)
    return _begun(shared.models[0], shared.lesson.known, popularity, shared.settings)


def _teach(shared: Shared, vectors: "OneSide | Fading", settings: FoundationSettings) -> None:
    """The default training, on the CPU, of other parameters."""
    users = replace(settings.users, device="cpu")
    with _reproducible():
        training = _Training(shared.lesson, Vectors(_start(shared)), users, settings.items.seed, True)
        training.vectors = vectors
        training.optimizer = torch.optim.Adam(vectors.groups(), betas=(0.9, 0.99))
        training.run(None)


def _learnt(shared: Shared, vectors: Vectors, settings: FoundationSettings) -> Foundation:
    """The arrays of what was learnt."""
    popularity = recent_popularity(shared.known.history, settings.items.popularity_half_life_days)
    plain = Vectors(_start(shared))
    with torch.no_grad():
        plain.listened = torch.nn.Parameter(vectors.listened.detach())
        plain.offered = torch.nn.Parameter(vectors.offered.detach())
        plain.weights = torch.nn.Parameter(vectors.weights.detach())
    return plain.learnt(popularity, settings.users.count_power)


def _ranked(
    shared: Shared, learnt: Foundation, half_lives_days: tuple[float, ...] = DEFAULT,
    told: dict[str, Any] | None = None,
) -> Ranked:  # fmt: skip
    score = by_taste(learnt, shared.known.columns.kind, half_lives_days)
    return Ranked.seeing(score, shared.rankable, shared.known.history, told)
