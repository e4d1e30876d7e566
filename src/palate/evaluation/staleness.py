"""What an old taste costs: the same questions, asked with states that end earlier and earlier.

The models are those of the window's start throughout; only what is known of the listener ages. A system that folds
listens in once a day lives between the marks for 0 and for 1 day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.evaluation.method import Fitted
from palate.evaluation.scoring import accuracy
from palate.evaluation.splits import EvalSettings, Split
from palate.evaluation.tasks.hours import NextHours
from palate.evaluation.tasks.questions import Questions

AGES_SECONDS = tuple(
    float(age)
    for age in (0, HOUR_SECONDS, 4 * HOUR_SECONDS, DAY_SECONDS, 3 * DAY_SECONDS, 7 * DAY_SECONDS, 28 * DAY_SECONDS)
)


@dataclass(frozen=True)
class Aged:
    """Marks by age; rows as in `TaskValues`.

    task    the name of the questions
    rows    # (r,) int32, listeners
    windows # (r,) int64
    values  # by method, then by metric ("ndcg@100"): (r, ages) float64
    """

    task: str
    rows: NDArray[np.int32]
    windows: NDArray[np.int64]
    values: dict[str, dict[str, NDArray[np.float64]]]

    @classmethod
    def joined(cls, parts: "Sequence[Aged]") -> "Aged | None":
        """The windows one after another; None for no window."""
        if not parts:
            return None
        return cls(
            parts[0].task,
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.windows for part in parts]),
            {
                name: {metric: np.concatenate([part.values[name][metric] for part in parts]) for metric in metrics}
                for name, metrics in parts[0].values.items()
            },
        )


def aged(
    task: NextHours, part: Split, asked: Questions, window: int, fitted: Mapping[str, Fitted], settings: EvalSettings
) -> Aged:
    """Asks every method of `fitted`, all of which can be told of later listens, at each of AGES_SECONDS."""
    n = settings.k[-1]
    states = [task.states(part, asked, age) for age in AGES_SECONDS]
    values = {}
    for name, model in fitted.items():
        marks = [accuracy(task.aged(model, state, asked, n), asked, settings.k) for state in states]
        values[name] = {metric: np.stack([one[metric] for one in marks], axis=1) for metric in marks[0]}
    return Aged(task.name, asked.rows, np.full(len(asked), window, np.int64), values)
