"""What a tree model goes by: how much each feature matters, measured in three ways that mislead differently.

    importance(model, features, labels, groups).log()

**gain** is what a feature's splits took off the training loss, as a share of what all took off. It costs nothing. It
flatters features with many distinct values, which offer more places to split, and it counts what was only memorised.

**permutation** is how much worse the model answers when a feature's values are shuffled among the rows of a list. It is
measured on rows of your choice, so take some that were kept out of the training. Of two features that say the same,
each can stand in for the other, and both look useless. A feature that is equal for all rows of a list (a fact about the
listener, not the item) has nothing to shuffle there and gets exactly 0, however much the trees ask for it.

**shap** is what a feature adds to the raw score of a row, on average over the rows and without its sign (Lundberg et
al., arXiv 1802.03888; exact, by LightGBM's pred_contrib). It says how the model reckons, not how the world works, and a
feature that moves all rows of a list alike has a contribution but changes no order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import lightgbm as lgb
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from palate.core import recording
from palate.core.errors import BadInput
from palate.core.recording import Image, Table
from palate.lab.marks import Mark, mark_for
from palate.lab.plots import bar_plot

Measure = Literal["gain", "permutation", "shap"]
MEASURES: tuple[Measure, ...] = ("permutation", "gain", "shap")
COLUMNS = ("feature", "gain", "permutation", "permutation_low", "permutation_high", "shap", "shap_sign")
PLOTTED = 20

Floats = NDArray[np.floating[Any]]
Predictor = Callable[[Floats], ArrayLike]


@dataclass(frozen=True)
class FeatureImportance:
    """One feature.

    gain         share of the total gain, all features add up to 1; None where the model has none
    permutation  mean drop of the metric; below 0 when shuffling happened to help
    low, high    95% interval of that mean. In lists it is over the lists, each the mean of its repeats, so it speaks of
                 which lists were drawn too; where rows stand alone it is over the repeats, so it speaks of the
                 shuffling only. None where there is one of them; both equal for what cannot change anything
    shap         mean size of its contributions, in units of the raw score; None where the model gives none
    sign         correlation of its value and its contribution, from -1 to 1: above 0, more of it means a higher score;
                 None where either is constant
    """

    feature: str
    gain: float | None
    permutation: float
    low: float | None
    high: float | None
    shap: float | None
    sign: float | None


@dataclass(frozen=True)
class Importance:
    """All features in the model's order, and what they were measured by.

    metric  what shuffling lowers: `ndcg_at_100` where rows stand in lists, else `auc` or `r2`
    value   the metric with nothing shuffled
    rows, lists  how much it was measured on; lists with nothing relevant do not count; 0 where rows stand alone
    note    what could not be measured, else empty
    """

    features: tuple[FeatureImportance, ...]
    metric: str
    value: float
    rows: int
    lists: int
    note: str = ""

    def by(self, measure: Measure) -> list[FeatureImportance]:
        """The features, greatest first by one measure; equal ones and unknown ones in the model's order."""
        return sorted(self.features, key=lambda one: -(getattr(one, measure) or 0.0))

    def table(self) -> Table:
        """One row a feature, in the model's order; unknown cells are None."""
        return Table(
            COLUMNS,
            [[one.feature, one.gain, one.permutation, one.low, one.high, one.shap, one.sign] for one in self.features],
        )

    def log(self, name: str = "importance") -> None:
        """Puts the table `name` and the picture `NAME.bars` into the run that is being kept, if one is."""
        shown = self.by("permutation")[:PLOTTED]
        bounds = [None if one.low is None or one.high is None else (one.low, one.high) for one in shown]
        bars = bar_plot([(one.feature, one.permutation) for one in shown], intervals=bounds)
        where = f"{self.lists:,} lists" if self.lists else f"{self.rows:,} rows"
        caption = f"How far {self.metric} falls from {self.value:.4f} when a feature is shuffled; {where}."
        recording.log({name: self.table(), f"{name}.bars": Image(str(bars), caption)})
        recording.summarize({f"{name}.{key}": getattr(self, key) for key in ("metric", "value", "rows", "lists")})


def importance(
    model: Any,
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    repeats: int = 5,
    most_contributed: int = 1_000,
) -> Importance:
    """How much each feature matters to a model, by gain, permutation and contributions (see the top of this file).

    model     a LightGBM Booster or estimator, a tree ensemble of scikit-learn (no contributions), or any function from
              features to (n,) scores (no gain, no contributions)
    features  # (n, f) numbers; NaN as the model understands it
    labels    # (n,) relevance with `groups`; 0 and 1 are judged by AUC, other numbers by R2
    groups    # (lists,) sizes of the lists that the rows stand in, one after the other, as LightGBM's `group`
    names     of the features; by default what the model calls them
    repeats   how often each feature is shuffled
    most_contributed  rows, drawn with `seed`, whose contributions are averaged: 0.28 s for 1,000 and 150 trees of 15
              leaves, and then within 6% of the mean over 30,000
    The model is not changed. BadInput for shapes that do not fit, no rows, labels that cannot be judged (all equal), or
    a model with several outputs.
    """
    opened = _opened(model)
    values, truth = _matrix(features), np.asarray(labels, np.float64)
    if truth.shape != (len(values),) or not len(values):
        raise BadInput(f"features came as {values.shape} and labels as {truth.shape}; give one label for each row")
    if min(repeats, most_contributed) < 1:
        raise BadInput(f"repeats = {repeats} and most_contributed = {most_contributed} must be at least 1")
    mark = mark_for(truth, None if groups is None else np.asarray(groups, np.int64))
    called = _names(names if names is not None else opened.names, values.shape[1])
    value, drops = _permuted(opened, values, mark, repeats, np.random.default_rng(seed))
    low, high = _interval(drops, mark.lists > 0)
    shap, signs = _contributed(opened, values, most_contributed, seed)
    found = [
        FeatureImportance(
            name, None if opened.gain is None else float(opened.gain[at]), float(drops[at].mean()), low[at], high[at],
            shap[at], signs[at],
        )
        for at, name in enumerate(called)
    ]  # fmt: skip
    return Importance(tuple(found), mark.name, value, len(values), mark.lists, opened.note)


def contributions(model: Any, features: ArrayLike) -> tuple[NDArray[np.float64], float]:
    """(n, f) float64 what each feature adds to each row's raw score, and the score that they are added to.

    A row's contributions and that expected score add up to its raw score. BadInput for a model that gives none.
    """
    opened = _opened(model)
    if opened.contributed is None:
        raise BadInput(f"a {type(model).__name__} gives no contributions; give a LightGBM model")
    both = opened.contributed(_matrix(features))
    return both[:, :-1], float(both[0, -1]) if len(both) else 0.0


@dataclass(frozen=True)
class _Opened:
    """What is asked of a model. gain # (f,) shares; contributed: (n, f) -> (n, f + 1), the last the expected score."""

    predict: Predictor
    gain: NDArray[np.float64] | None = None
    contributed: Callable[[Floats], NDArray[np.float64]] | None = None
    names: Sequence[str] | None = None
    note: str = "gain and contributions are not given: the model is a function"


def _opened(model: Any) -> _Opened:
    booster = model if isinstance(model, lgb.Booster) else getattr(model, "booster_", None)
    if isinstance(booster, lgb.Booster):
        return _of_booster(booster)
    gain = getattr(model, "feature_importances_", None)
    if gain is not None and hasattr(model, "predict"):
        names = getattr(model, "feature_names_in_", None)
        told = None if names is None else [str(name) for name in names]
        note = "contributions are not given: exact ones need a LightGBM model"
        return _Opened(_of_estimator(model), _shares(gain), None, told, note)
    if callable(model):
        return _Opened(model)
    raise BadInput(
        f"a {type(model).__name__} has no importances; give a LightGBM model, a tree ensemble of scikit-learn that is "
        "fitted, or a function from features to scores"
    )


def _of_booster(booster: lgb.Booster) -> _Opened:
    def predict(values: Floats) -> ArrayLike:
        # One thread: 16,000 rows take 6 ms, where starting a second one costs as much as it saves.
        return cast(ArrayLike, booster.predict(values, num_threads=1))

    def contributed(values: Floats) -> NDArray[np.float64]:
        try:
            return np.asarray(booster.predict(values, pred_contrib=True, num_threads=1), np.float64)
        except lgb.basic.LightGBMError as error:
            raise BadInput(f"LightGBM gives no contributions of this model ({error})") from error

    return _Opened(predict, _shares(booster.feature_importance("gain")), contributed, booster.feature_name(), "")


def _of_estimator(model: Any) -> Predictor:
    if hasattr(model, "predict_proba"):
        return lambda values: model.predict_proba(values)[:, 1]
    return cast(Predictor, model.predict)


def _shares(gain: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(gain, np.float64)
    return values / max(float(values.sum()), 1e-300)


def _matrix(features: ArrayLike) -> Floats:
    values = np.asarray(features)
    if values.ndim != 2:
        raise BadInput(f"features came in shape {values.shape}; give (rows, features)")
    return values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float64)


def _names(names: Sequence[str] | None, count: int) -> list[str]:
    called = [f"feature {at}" for at in range(count)] if names is None else list(names)
    if len(called) != count:
        raise BadInput(f"{len(called)} names came with {count} features; give one for each")
    return called


def _scores(predict: Predictor, values: Floats) -> NDArray[np.float64]:
    scores = np.asarray(predict(values), np.float64)
    if scores.shape != (len(values),):
        raise BadInput(f"the model gave {scores.shape} for {len(values)} rows; give one with one output a row")
    return scores


def _permuted(
    opened: _Opened, values: Floats, mark: Mark, repeats: int, rng: np.random.Generator
) -> tuple[float, NDArray[np.float64]]:
    """The metric, and (f, repeats, lists or 1) how far it falls with each feature shuffled within its lists."""
    whole = mark.each(_scores(opened.predict, values))
    drops = np.zeros((values.shape[1], repeats, len(whole)))
    shuffled = values.copy()
    for again in range(repeats):
        order = np.lexsort((rng.random(len(values)), mark.list_of))  # one shuffle for all features: they are compared
        for at in range(values.shape[1]):
            if opened.gain is not None and not opened.gain[at]:
                continue  # no tree asks for it
            column = values[order, at]
            if np.array_equal(column, values[:, at], equal_nan=True):
                continue  # equal for all rows of each list
            shuffled[:, at] = column
            drops[at, again] = whole - mark.each(_scores(opened.predict, shuffled))
            shuffled[:, at] = values[:, at]
    return float(whole.mean()), drops


def _interval(drops: NDArray[np.float64], in_lists: bool) -> tuple[list[float | None], list[float | None]]:
    """95% by Student's t for each feature: over lists, else over repeats; None where there is one of them."""
    samples = drops.mean(axis=1) if in_lists else drops[:, :, 0]
    features, n = samples.shape
    if n < 2:
        return [None] * features, [None] * features
    half = student.ppf(0.975, n - 1) * samples.std(axis=1, ddof=1) / np.sqrt(n)
    mean = samples.mean(axis=1)
    return [float(one) for one in mean - half], [float(one) for one in mean + half]


def _contributed(
    opened: _Opened, values: Floats, most: int, seed: int
) -> tuple[list[float | None], list[float | None]]:
    """Mean size of the contributions by feature, and the correlation of contribution and value."""
    count = values.shape[1]
    if opened.contributed is None:
        return [None] * count, [None] * count
    if len(values) > most:
        values = values[np.sort(np.random.default_rng(seed).choice(len(values), most, replace=False))]
    added = opened.contributed(values)[:, :-1]
    if added.shape != values.shape:
        raise BadInput(f"contributions came as {added.shape} for {values.shape} features; give a model with one output")
    sizes: list[float | None] = [float(one) for one in np.abs(added).mean(axis=0)]
    return sizes, [_correlation(values[:, at].astype(np.float64), added[:, at]) for at in range(count)]


def _correlation(values: NDArray[np.float64], added: NDArray[np.float64]) -> float | None:
    known = np.isfinite(values)
    values, added = values[known], added[known]
    if len(values) < 2 or np.ptp(values) == 0.0 or np.ptp(added) == 0.0:
        return None
    return float(np.corrcoef(values, added)[0, 1])
