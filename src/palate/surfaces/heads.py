"""Which head a surface asks, if any, and what its answer says of that."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.slate import Slate
from palate.heads.serving import Scores


@dataclass(frozen=True)
class Opinion:
    """What a surface's head says of some items.

    values  # (n,) float32, NaN for an item that it knows nothing of; None where none is set, or it cannot answer
    head    label of the version that gave the values; None where there are none
    note    one sentence: why there are no values, or which other space they are from; None when there is nothing to say
    """

    values: NDArray[np.float32] | None = None
    head: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, scores: Scores) -> "Opinion":
        """From what LiveHeads gave. A head without a single number is as good as none."""
        values, note = scores.values, scores.note
        if values is not None and len(values) and np.isnan(values).all():
            values, note = None, f"the head {scores.head} knows none of these items"
        if values is None:
            return cls(None, None, _sentence(f"{note}; this answer is made without it"))
        return cls(values, scores.head, None if note is None else _sentence(note))

    def told(self, slate: Slate) -> Slate:
        """The slate with the head's label, how many items it was asked about, and the note behind the slate's own."""
        stages = slate.stages | ({} if self.values is None else {"asked_of_head": len(self.values)})
        note = " ".join(one for one in (slate.note, self.note) if one) or None
        return replace(slate, head=self.head, stages=stages, note=note)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
