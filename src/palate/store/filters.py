"""Which rows a request may see, as one bool for each row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.items import KINDS, Kind

UNKNOWN_LANGUAGE = -1


@dataclass(frozen=True, eq=False)
class Facets:
    """What a filter looks at, one value for each row of the catalogue.

    kind      # (rows,) uint8, position in core.items.KINDS
    language  # (rows,) int32, position in `languages`, -1 where unknown
    available # (rows,) bool
    languages # the words that `language` numbers
    """

    kind: NDArray[np.uint8]
    language: NDArray[np.int32]
    available: NDArray[np.bool_]
    languages: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class Filter:
    """What may be answered. Empty `kinds` or `languages` mean any.

    A row of unknown language passes every choice of languages: most tracks do not say, and would all vanish.
    """

    kinds: frozenset[Kind] = frozenset()
    languages: frozenset[str] = frozenset()
    available_only: bool = True

    def mask(self, facets: Facets) -> NDArray[np.bool_]:
        """(rows,) bool, True where a row may be answered. A language that no row has lets only unknown ones pass."""
        kept = facets.available.copy() if self.available_only else np.ones(len(facets), np.bool_)
        if self.kinds:
            kept &= np.array([kind in self.kinds for kind in KINDS])[facets.kind]
        if self.languages:
            # The last place of the table is the one that UNKNOWN_LANGUAGE, -1, reads.
            kept &= np.array([word in self.languages for word in facets.languages] + [True])[facets.language]
        return kept
