"""Head: a small model on frozen vectors, in the manner of scikit-learn; registered, it answers in the request path."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, spearmanr

from palate.core.errors import BadInput, NotTrained
from palate.core.home import Home
from palate.heads.fitted import INPUTS, Fitted, Input
from palate.heads.frame import Frame
from palate.heads.models import KINDS, Model, fit_logistic, fit_ridge, fit_trees

PARAMETERS = ("name", "inputs", "model", "penalty", "rounds", "leaves", "learning_rate", "seed")


class Head:
    """A question about a listener and an item, answered from their vectors.

    name     letters of a to z, digits and -, beginning with a letter
    inputs   what it reads: "taste", "item", "product" (coordinate by coordinate, its sum, the cosine), "facts"
    model    "logistic" for yes or no; "ridge" for numbers; "trees" for either
    penalty  how strongly the linear ones are held back; 100 is what served the probes best (docs/rooms/probes.md)
    rounds, leaves, learning_rate, seed   of the trees

    As in scikit-learn nothing is checked before `fit`, and `clone` makes an equal one that has learnt nothing.
    """

    def __init__(
        self, name: str, inputs: Sequence[str] = ("product", "facts"), model: str = "logistic", penalty: float = 100.0,
        rounds: int = 60, leaves: int = 7, learning_rate: float = 0.1, seed: int = 0,
    ) -> None:  # fmt: skip
        self.name, self.inputs, self.model, self.penalty = name, inputs, model, penalty
        self.rounds, self.leaves, self.learning_rate, self.seed = rounds, leaves, learning_rate, seed
        self.fitted: Fitted | None = None
        self.trained: dict[str, Any] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was made with; `deep` is scikit-learn's and changes nothing."""
        return {one: getattr(self, one) for one in PARAMETERS}

    def set_params(self, **values: Any) -> "Head":
        """Changes what it is made with; BadInput for a name that is none. What was learnt is kept until `fit`."""
        for name, value in values.items():
            if name not in PARAMETERS:
                raise BadInput(f"a head has no {name[:40]!r}; choose from {', '.join(PARAMETERS)}")
            setattr(self, name, value)
        return self

    def fit(self, examples: Frame, labels: ArrayLike) -> "Head":
        """Learns labels # (n,) from the frame: 0 and 1 for a yes-or-no model, any numbers for ridge and trees.

        The same examples in the same order give the same head. BadInput when a parameter is wrong, when labels are
        missing, not numbers, all alike, or not 0 and 1 for "logistic".
        """
        told = _labels(examples, labels)
        self._check()
        yes_or_no = self.model != "ridge" and bool(np.isin(told, (0.0, 1.0)).all())
        if self.model == "logistic" and not yes_or_no:
            raise BadInput('"logistic" answers yes or no, so labels must be 0 or 1; for numbers use "ridge" or "trees"')
        if len(np.unique(told)) < 2:
            raise BadInput(f"all {len(told)} labels are {told[0]:g}; nothing can be learnt from that")
        inputs = as_inputs(self.inputs)
        model = self._learnt(examples.columns(inputs), told, yes_or_no)
        self.fitted = Fitted(inputs, examples.space, examples.space_mark, examples.dim, examples.factors, model)
        self.trained = {
            "examples": len(told), "listeners": len(np.unique(examples.users)), "mean_label": float(told.mean()),
            "yes_or_no": yes_or_no, "earliest": float(examples.times.min()), "latest": float(examples.times.max()),
            "learnt_later": examples.learnt_later, "simulated": examples.simulated,
            "data": examples.fingerprint(told),
        }  # fmt: skip
        return self

    def scores(self, examples: Frame) -> NDArray[np.float32]:
        """(n,) float32: the chance of yes, or the number. NotTrained before `fit`, BadInput: another space's frame."""
        fitted = self._fitted()
        if (examples.space, examples.space_mark) != (fitted.space, fitted.space_mark):
            raise BadInput(
                f"{self.name} was taught on {fitted.space} and the frame is of {examples.space}; use one space"
            )
        tastes, vectors = examples.tastes[examples.asked], examples.vectors[examples.rows]
        return fitted.scores(tastes, vectors, examples.facts)

    def predict_proba(self, examples: Frame) -> NDArray[np.float64]:
        """(n, 2) the chances of 0 and of 1; BadInput for a head that learnt numbers."""
        if self.trained and not self.trained["yes_or_no"]:
            raise BadInput(f"{self.name} learnt numbers, which have no chances; use predict")
        yes = self.scores(examples).astype(np.float64)
        return np.column_stack([1.0 - yes, yes])

    def predict(self, examples: Frame) -> NDArray[np.float64]:
        """(n,) 0 or 1, whichever is likelier; of a head that learnt numbers, the number."""
        found = self.scores(examples).astype(np.float64)
        return (found > 0.5).astype(np.float64) if self.trained["yes_or_no"] else found

    def score(self, examples: Frame, labels: ArrayLike) -> float:
        """ROC-AUC for labels of 0 and 1, else Spearman's correlation; NaN when the labels are all alike."""
        told = _labels(examples, labels)
        return measured(self.scores(examples), told)

    def register(
        self, home: Home | Path | str, why: str, live: bool = False, aligned: bool = False,
        metrics: Mapping[str, float] | None = None,
    ) -> str:  # fmt: skip
        """Publishes what was learnt as the next version and gives its label, `NAME@3`; it is then next, or `live`.

        aligned  it may also answer from a later version that was turned onto its own (docs/rooms/stability.md)
        metrics  what was measured of it, by name, for the manifest
        NotTrained before `fit`; BadInput for a name that is none, or metrics that are no numbers.
        """
        from palate.heads.registry import Heads

        told = {name: float(value) for name, value in (metrics or {}).items()}
        if not np.isfinite(list(told.values())).all():
            raise BadInput(f"metrics = {told} must be finite numbers; leave out what could not be measured")
        heads = Heads(home if isinstance(home, Home) else Home(Path(home)))
        settings = self.get_params() | {"inputs": list(self.inputs)}
        manifest = {
            "why": why, "aligned": aligned, "settings": settings, "metrics": told, "trained": self.trained,
        }  # fmt: skip
        label = heads.publish(self.name, self._fitted(), manifest)
        if live:
            heads.promote(label, why)
        else:
            heads.propose(label, why)
        return label

    def _fitted(self) -> Fitted:
        if self.fitted is None:
            raise NotTrained(f"the head {self.name} has learnt nothing yet; call fit(examples, labels) first")
        return self.fitted

    def _learnt(self, rows: NDArray[np.float32], labels: NDArray[np.float64], yes_or_no: bool) -> Model:
        if self.model == "trees":
            return fit_trees(rows, labels, yes_or_no, self.rounds, self.leaves, self.learning_rate, self.seed)
        fit = fit_logistic if self.model == "logistic" else fit_ridge
        return fit(rows, labels, self.penalty)

    def _check(self) -> None:
        """BadInput for a parameter that cannot be."""
        as_inputs(self.inputs)
        if self.model not in KINDS:
            raise BadInput(f"model = {self.model!r} must be one of {', '.join(map(repr, KINDS))}")
        if not (np.isfinite(self.penalty) and self.penalty >= 0.0):
            raise BadInput(f"penalty = {self.penalty} must be a number of 0 or more")
        if self.rounds < 1 or self.leaves < 2 or not self.learning_rate > 0.0:
            raise BadInput(
                f"rounds = {self.rounds}, leaves = {self.leaves}, learning_rate = {self.learning_rate}: "
                "there must be a round, two leaves and a rate above 0"
            )


def measured(scores: ArrayLike, labels: NDArray[np.float64]) -> float:
    """ROC-AUC where the labels # (n,) are 0 and 1, ties one half; else Spearman's correlation; NaN if all are alike.

    Positives at 3 and 1, negatives at 1 and 0: of the four pairs three are in order and one is tied.

    >>> measured([3.0, 1.0, 1.0, 0.0], np.array([1.0, 1.0, 0.0, 0.0]))
    0.875
    """
    found = np.asarray(scores, np.float64)
    if len(np.unique(labels)) < 2:
        return float("nan")
    if not np.isin(labels, (0.0, 1.0)).all():
        return float(spearmanr(found, labels).statistic) if len(np.unique(found)) > 1 else float("nan")
    yes = labels > 0
    won = rankdata(found)[yes].sum() - yes.sum() * (yes.sum() + 1) / 2.0
    return float(won / (yes.sum() * (~yes).sum()))


def as_inputs(given: Sequence[str]) -> tuple[Input, ...]:
    """The same, checked: BadInput for none, one that is none, or the same twice."""
    found = tuple(one for name in ([given] if isinstance(given, str) else given) for one in INPUTS if one == name)
    if not found or isinstance(given, str) or len(found) != len(given) or len(set(found)) != len(found):
        raise BadInput(f"inputs = {given!r} must be one or more of {', '.join(map(repr, INPUTS))}, each once")
    return found


def _labels(examples: Frame, labels: ArrayLike) -> NDArray[np.float64]:
    try:
        told = np.asarray(labels, np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"labels must be numbers ({error})") from error
    if told.shape != (len(examples),) or not len(told) or not np.isfinite(told).all():
        raise BadInput(
            f"labels of shape {told.shape} came for {len(examples)} examples; give one finite number for each"
        )
    return told
