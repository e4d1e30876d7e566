"""Where vectors begin: all of the teacher's factorizations in the directions in which they vary most, not the first."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablation.ranked import Ranked, by_taste
from ablation.workshop import Workshop
from palate.embeddings.foundation import fit_foundation
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel
from palate.evaluation.method import Fitted

HERE = Path(__file__).parent


@dataclass(frozen=True)
class JoinedStart:
    """The default, begun with the factorizations side by side, cut to the dimension by their largest directions."""

    name: str
    workshop: Workshop = field(repr=False)
    code: tuple[Path, ...] = field(default=(HERE / "starts.py",), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        first = shared.models[0]
        beside = np.concatenate([model.vectors[:, :-1] for model in shared.models], axis=1)
        vectors = np.concatenate([joined(beside, first.vectors.shape[1] - 1), first.vectors[:, -1:]], axis=1)
        learnt = fit_foundation(known, [ItemModel(vectors, first.settings)], shared.lesson, shared.settings)
        return Ranked.seeing(by_taste(learnt, known.columns.kind), shared.rankable, known.history)


def joined(factors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """(items, dim): the rows in the `dim` directions that keep most of all dot products between them."""
    wide = factors.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide)
    return np.asarray(wide @ directions[:, ::-1][:, :dim], np.float32)
