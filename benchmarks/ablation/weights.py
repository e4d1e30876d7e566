"""Other weights of events over the same vectors and encoder: what the scripts that try some share."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablation.workshop import Shared, Workshop
from foundation import cut
from palate.core.home import Home
from palate.core.listens import Event
from palate.core.settings import read_settings
from palate.embeddings.inputs import Inputs
from palate.embeddings.records import UserRecord
from palate.embeddings.weights import EVENT_WEIGHTS
from palate.evaluation import metrics
from palate.evaluation.baselines.scored import top
from palate.evaluation.splits import EvalSettings, Split, split, windows
from palate.evaluation.tasks.questions import Questions
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather


@contextmanager
def weighing(events: Sequence[Event], weight: float) -> Iterator[None]:
    """Inside, each of these events adds `weight` to a record."""
    before = EVENT_WEIGHTS.copy()
    EVENT_WEIGHTS[list(events)] = weight
    try:
        yield
    finally:
        EVENT_WEIGHTS[:] = before


def marked(
    records: list[UserRecord], asked: Questions, shared: Shared, n: int, unheard: bool = False
) -> NDArray[np.float64]:
    """(q,) NDCG@n of the taste of each record; unheard: without what the record says was heard."""
    learnt = shared.foundation
    scores = learnt.encoder.encode(records) @ learnt.vectors.T
    scores[:, ~shared.rankable] = -np.inf
    for place, record in enumerate(records if unheard else []):
        scores[place, record.items[record.heard > 0]] = -np.inf
    return metrics.ndcg(metrics.hits(top(scores, n), asked.indptr, asked.items), asked.sizes, n)


@dataclass(frozen=True)
class Weeks:
    """The weeks that a script was told to look at, and the workshop with the default training of each."""

    inputs: Inputs
    settings: EvalSettings
    workshop: Workshop

    @classmethod
    def told(cls, about: str | None, results: str) -> "Weeks":
        """From the command line; `results` is the default of --results. PalateError when the home cannot be read."""
        parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--home", type=Path, required=True)
        parser.add_argument("--windows", type=int, default=4, help="weeks, four weeks apart")
        parser.add_argument("--offset-days", type=float, default=14.0, help="how long before its end the data is cut")
        parser.add_argument("--results", type=Path, default=Path(results))
        options = parser.parse_args()
        home = Home(options.home).require()
        foundation = FitSettings.read(read_settings(home.settings)).foundation
        inputs, settings = cut(gather(home), options.offset_days), EvalSettings(windows=options.windows)
        return cls(inputs, settings, Workshop(options.results, foundation))

    def __iter__(self) -> Iterator[Split]:
        return (split(self.inputs, window) for window in windows(self.inputs, self.settings))
