"""Plain ways in which two items are alike."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.inputs import Inputs
from palate.evaluation.intrinsic.alike import Alike, Labels, Sets, Within, members
from palate.evaluation.intrinsic.listeners import Heuristic
from palate.listening.history import History

TEMPO_COLUMN = "tempo_bpm"
TEMPO_BPM = 5.0
LARGEST_SITTING = 500  # a radio left on says little about pairs; the cut of embeddings/company.py


@dataclass(frozen=True)
class Code:
    """The same artist, genre, language or kind."""

    column: str
    trained_on: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"same {self.column}"

    @property
    def about(self) -> str:
        return f"the {self.column} is the same"

    def applies(self, known: Inputs) -> bool:
        codes = getattr(known.columns, self.column).astype(np.int64)
        return len(np.unique(codes[codes >= 0])) > 1

    def labels(self, known: Inputs) -> Alike:
        return Labels(getattr(known.columns, self.column).astype(np.int64))


@dataclass(frozen=True)
class CommonPlaylist:
    """At least one playlist that holds both, as playlists are known."""

    name: ClassVar[str] = "on one playlist"
    about: ClassVar[str] = "at least one playlist holds both"
    trained_on: ClassVar[bool] = True

    def applies(self, known: Inputs) -> bool:
        return bool((known.playlists.item >= 0).any())

    def labels(self, known: Inputs) -> Alike:
        lists = known.playlists.take(known.playlists.item >= 0)
        return Sets(members(lists.item, lists.playlist, (known.history.n_items, len(lists.ids))))


@dataclass(frozen=True)
class Tempo:
    """Tempo within TEMPO_BPM, where the catalogue has a column of that name."""

    name: ClassVar[str] = "similar tempo"
    about: ClassVar[str] = f"tempo within {TEMPO_BPM:g} beats per minute"
    trained_on: ClassVar[bool] = False

    def applies(self, known: Inputs) -> bool:
        return bool(np.isfinite(self._tempo(known)).any())

    def labels(self, known: Inputs) -> Alike:
        return Within(self._tempo(known), TEMPO_BPM)

    def _tempo(self, known: Inputs) -> NDArray[np.floating[Any]]:
        none = np.full(len(known.columns), np.nan)
        return np.asarray(getattr(known.columns, TEMPO_COLUMN, none), np.float64)


@dataclass(frozen=True)
class Sitting:
    """Heard in one sitting.

    Before the moment this is what the vectors are made from. `later` holds listens that nothing was trained on: the
    same question without the circle.
    """

    later: History | None = None

    @property
    def name(self) -> str:
        return "heard in one sitting" if self.later is None else "heard in one sitting later"

    @property
    def about(self) -> str:
        when = "" if self.later is None else " after the vectors were made"
        return f"somebody heard both in one sitting{when}"

    @property
    def trained_on(self) -> bool:
        return self.later is None

    def applies(self, known: Inputs) -> bool:
        return len((known.history if self.later is None else self.later).heard()) > 0

    def labels(self, known: Inputs) -> Alike:
        heard = (known.history if self.later is None else self.later).heard()
        _, sitting, size = np.unique(heard.session, return_inverse=True, return_counts=True)
        fits = size[sitting] <= LARGEST_SITTING
        return Sets(members(heard.item[fits], sitting[fits], (heard.n_items, len(size))))


def item_heuristics(later: History | None) -> list[Heuristic]:
    """All of them; `later` are listens from after the vectors were made, None when there are none."""
    codes = [Code(column) for column in ("genre", "artist", "language", "kind")]
    held_out: list[Heuristic] = [] if later is None else [Sitting(later)]
    return [*codes, Tempo(), *held_out, CommonPlaylist(), Sitting()]
