from dataclasses import dataclass, field

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import ItemKnn, OwnPlus
from palate.evaluation.baselines.once import Once
from palate.evaluation.baselines.scored import Scored

from ..worlds import inputs_of, random_history
from .asking import AT


@dataclass(frozen=True)
class Counting(Once[Scored]):
    """Item-knn that notes what it learns."""

    learnt: list[float] = field(default_factory=list)
    name: str = "counting"

    def learn(self, known: Inputs, at: float) -> Scored:
        self.learnt.append(at)
        return ItemKnn().fit(known, at)


def test_one_fit_serves_a_method_and_its_blends_in_one_window_only() -> None:
    counting, known = Counting(), inputs_of(random_history(1))
    assert counting.fit(known, AT) is counting.fit(known, AT)
    OwnPlus(counting).fit(known, AT)
    assert counting.learnt == [AT]
    counting.fit(known, AT + 1.0)
    counting.fit(inputs_of(random_history(1)), AT + 1.0)  # equal, but another: nothing may pass from it
    assert counting.learnt == [AT, AT + 1.0, AT + 1.0]
