"""`palate eval run --compare taste@3 taste@4`: which of two versions is better, with a paired test.

Two ways, and the report says which was taken. When enough was heard after both versions were made, each answers from
its own published models, and what was heard since judges: nothing that either has learnt from. Else the two are made
again at moments of the past, with the settings that they were made with.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.inputs import Inputs, is_simulated
from palate.embeddings.space import Space, Spaces
from palate.evaluation.comparison import holm, p_values
from palate.evaluation.intervals import intervals
from palate.evaluation.method import Method
from palate.evaluation.plain import plain
from palate.evaluation.report.data import to_json
from palate.evaluation.run import Evaluation, evaluate
from palate.evaluation.splits import EvalSettings
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.judge.judging import Asked, keep, made, tasks_named
from palate.jobs.judge.keeping import keep_marks
from palate.jobs.judge.ours import (
    PALATE,
    FittedForYou,
    FittedTaste,
    ForYou,
    Listeners,
    NoLabels,
    Taste,
    Trained,
    Workshop,
    fit_all,
)  # fmt: skip
from palate.jobs.kept import kept
from palate.jobs.moments import items_of, known_to, stock_then
from palate.listening.history import History
from palate.ranking.ranker import Ranker
from palate.surfaces.path import RequestPath

VECTOR = " (one vector)"
AS_PUBLISHED = "each as published, judged by what was heard after both were made"
MADE_AGAIN = "each made again with its settings at moments of the past: too little was heard since they were made"
SURE = 0.05  # a corrected p below this is called a difference


@dataclass(frozen=True)
class Published:
    """Gives the models of one published version, as they are, with trends and popularity of the moment.

    A moment before the version was trained is refused: it would be judged by listens that it has learnt from.
    """

    space: Space

    def models(self, known: Inputs, at: float) -> Trained:
        """The version's models; BadInput for a moment that they know more of than they should."""
        if self.space.manifest["moment"] > at:
            raise BadInput(f"{self.space.label} has learnt from listens after the window begins; choose later windows")
        stock = stock_then(self.space, known_to(self.space, known.history), at)
        published = np.array(self.space.item_vectors)
        return Trained(RequestPath(stock, self.ranker, NoLabels()), self.space.encoder, stock.columns.kind, published)

    @cached_property
    def ranker(self) -> Ranker:
        return Ranker.load(self.space.folder / "ranker.txt")


@dataclass(frozen=True)
class Version:
    """One published version as a method: its request path, or its taste alone."""

    published: Published
    name: str
    path: bool
    kind: str = PALATE

    def fit(self, known: Inputs, at: float) -> "FittedVersion":
        trained, listeners = self.published.models(known, at), Listeners.of(known, at)
        inner = FittedForYou(trained, listeners) if self.path else FittedTaste(trained, listeners)
        return FittedVersion(self.published, inner).refreshed(known.history, listeners.at)


@dataclass(frozen=True)
class FittedVersion:
    """A version's answers: of items that came later it knows nothing, so they are kept from it."""

    published: Published
    inner: FittedForYou | FittedTaste

    @property
    def items(self) -> int:
        """How many items of the catalogue the version knows: the first ones."""
        return items_of(self.published.space)

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        return self.inner.recommend(users, n, exclude_heard, self._narrow(only))

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "FittedVersion":
        return FittedVersion(self.published, self.inner.refreshed(known_to(self.published.space, known), at))

    def continued(
        self, lists: Sequence[NDArray[np.int32]], n: int, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        known = [items[items < self.items] for items in lists]
        return self.inner.continued(known, n, self._narrow(only))

    def similar(self, items: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        out = np.full((len(items), n), -1, np.int32)
        known = np.flatnonzero(items < self.items)
        out[known] = self.inner.similar(items[known], n)
        return out

    def _narrow(self, only: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        return None if only is None else only[: self.items]


def compare(home: Home, a: str, b: str, asked: Asked) -> tuple[str, dict[str, Any]]:
    """Judges version `a` against version `b` and keeps the report in home/lab/compare.json and .html.

    BadInput for a version that there is not, or when the two cannot differ.
    """
    began, settings = time.perf_counter(), read_settings(home.require().settings)
    spaces = Spaces(home.spaces)
    pair, inputs = [spaces.get(label) for label in (a, b)], gather(home)
    evaluating = settings.section(EvalSettings)
    if asked.windows is not None:
        evaluating = replace(evaluating, windows=asked.windows)
    since = _since(inputs, pair, evaluating, asked.windows)
    if since is None:
        methods, mode = _made_again(pair), MADE_AGAIN
    else:
        evaluating, methods, mode = since, _as_published(pair), AS_PUBLISHED
    about = {"simulated": is_simulated(inputs)}
    with kept(home, "compare", config={"a": a, "b": b, "eval": asdict(evaluating)}, about=about) as run:
        evaluation = evaluate(inputs, methods, evaluating, tasks_named(asked.tasks))
        data = to_json(evaluation, simulated=is_simulated(inputs), first=b)
        data["compare"] = {"a": a, "b": b, "mode": mode, "tasks": _tasks(evaluation, a, b)}
        data["made"] = made(time.perf_counter() - began)
        keep_marks(home, run, data, about)
    return keep(home, "compare", f"{a} {b}", data)


def _since(inputs: Inputs, pair: list[Space], settings: EvalSettings, windows: int | None) -> EvalSettings | None:
    """Settings for windows side by side after both versions were made; None when not even one fits in."""
    length = settings.horizon_days + settings.gap_hours * HOUR_SECONDS / DAY_SECONDS
    after = inputs.end - max(float(space.manifest["moment"]) for space in pair)
    fitting = int(after / DAY_SECONDS / length)
    if not fitting:
        return None
    return replace(settings, windows=min(fitting, windows or fitting), spacing_days=length)


def _as_published(pair: list[Space]) -> list[Method]:
    found: list[Method] = []
    for space in pair:
        found += [Version(Published(space), space.label, True), Version(Published(space), space.label + VECTOR, False)]
    return found


def _made_again(pair: list[Space]) -> list[Method]:
    made_with = [FitSettings.of(space.manifest["settings"]) for space in pair]
    if made_with[0] == made_with[1]:
        labels = " and ".join(space.label for space in pair)
        raise BadInput(
            f"{labels} were made with the same settings, and too little was heard since to fill a window, so nothing "
            "can tell them apart; compare again when more was heard"
        )
    found: list[Method] = []
    for space, settings in zip(pair, made_with, strict=True):
        workshop = Workshop(partial(fit_all, settings=settings))
        found += [ForYou(workshop, space.label), Taste(workshop, space.label + VECTOR)]
    return found


def _tasks(evaluation: Evaluation, a: str, b: str) -> dict[str, Any]:
    """Every task's paired difference, b minus a; p is corrected over all that is asked here."""
    asked = [
        (name + suffix, values, [values.values[label + suffix][evaluation.main] for label in (a, b)])
        for name, values in evaluation.tasks.items()
        for suffix in ("", VECTOR)
        if a + suffix in values.values and b + suffix in values.values
    ]
    seed, draws = evaluation.settings.seed, evaluation.settings.bootstrap
    tables = [np.column_stack([*marks, marks[1] - marks[0]]) for _, _, marks in asked]
    chances = [
        float(p_values(table[:, 2:], values.rows, values.windows, seed)[0])
        for table, (_, values, _) in zip(tables, asked, strict=True)
    ]
    found: dict[str, Any] = {}
    for table, (name, values, _), chance, corrected in zip(tables, asked, chances, holm(chances), strict=True):
        bounds = intervals(table, values.rows, values.windows, draws, seed)
        found[name] = {
            "metric": evaluation.main, "rows": len(values.rows), "users": len(np.unique(values.rows)),
            "a": plain(bounds[0]), "b": plain(bounds[1]),
            "difference": {**(plain(bounds[2]) or {}), "p": chance, "p_holm": corrected},
            "verdict": verdict(a, b, bounds[2].value, corrected),
        }  # fmt: skip
    return found


def verdict(a: str, b: str, difference: float, corrected: float) -> str:
    """What a difference of b minus a says, in words; a corrected p of SURE or more says nothing."""
    if not corrected < SURE:
        return "cannot tell them apart"
    return f"{b if difference > 0 else a} is better"
