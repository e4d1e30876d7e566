"""The default once more, with another order of learning: how far two equal trainings are apart."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from ablation.ranked import Ranked, by_taste
from ablation.workshop import Workshop
from palate.embeddings.foundation import fit_foundation
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Fitted

HERE = Path(__file__).parent


@dataclass(frozen=True)
class OtherOrder:
    """Begins where the default begins; batches, negatives and what is held out are drawn by another seed."""

    name: str
    workshop: Workshop = field(repr=False)
    seed: int
    code: tuple[Path, ...] = field(default=(HERE / "noise.py",), repr=False)

    def fit(self, known: Inputs, at: float) -> Fitted:
        shared = self.workshop.of(known)
        settings = replace(shared.settings, items=replace(shared.settings.items, seed=self.seed))
        learnt = fit_foundation(known, shared.models, shared.lesson, settings)
        return Ranked.seeing(by_taste(learnt, known.columns.kind), shared.rankable, known.history)
