"""Which head a surface asks, if any, and what its answer says of that."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core.slate import Slate
from palate.heads.registry import NAME
from palate.heads.serving import Scores


@dataclass(frozen=True)
class HeadSettings:
    """The head that a surface asks, by the name under which it is registered ([heads] in palate.toml); "" for none."""

    SECTION: ClassVar[str] = "heads"

    ads: str = ""  # interest in a campaign, asked about its item, or about the most heard one of its genres and kinds
    home: str = ""  # what a shelf is worth: the mean over the items that it would show
    search: str = ""  # how well the listener likes a title, instead of taste and own plays

    def __post_init__(self) -> None:
        for one in fields(self):
            name = getattr(self, one.name)
            if name and not NAME.fullmatch(name):
                raise ValueError(f'{one.name} = {name!r} cannot name a head; use a to z, digits and -, or "" for none')

    def of(self, surface: str) -> str:
        """The name of the surface's head; "" for a surface that asks none."""
        return str(getattr(self, surface, ""))


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
