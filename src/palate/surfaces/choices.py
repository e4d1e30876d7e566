"""What can be picked at onboarding: every artist and every show of the catalogue, with its items."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns
from palate.core.items import KINDS, Kind
from palate.store.items import words_of

ARTIST, SHOW = "artist", "show"


@dataclass(frozen=True)
class Choices:
    """c artists and shows, the most heard first; places are positions among them.

    names     # by place
    kinds     # by place: ARTIST or SHOW
    languages # by place: of its most heard item, None unknown
    plays     # (c,) float64, of all its items
    indptr    # (c + 1,) int64: the items of place p are rows[indptr[p]:indptr[p + 1]]
    rows      # (m,) int32 catalogue rows of items that can be played, the most heard of each choice first
    """

    names: list[str]
    kinds: list[str]
    languages: list[str | None]
    plays: NDArray[np.float64]
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, columns: ItemColumns, plays: NDArray[np.float64], collection: Callable[[int], str | None]) -> "Choices":
        """The choices of a catalogue.

        plays      # (items,) float64, how often each item was heard
        collection # row -> the show of an episode, None unknown; asked for episodes only

        An episode belongs to its show and not to its host; anything else to its first artist. Names that differ in case
        or accents alone are one choice, called as its most heard item has it.
        """
        episode = columns.kind == KINDS.index(Kind.EPISODE)
        keys: dict[tuple[str, str], int] = {}
        group = np.full(len(columns), -1, np.int64)
        of_artist = [keys.setdefault((ARTIST, folded(name)), len(keys)) for name in columns.artists]
        codes = np.array([*of_artist, -1], np.int64)[columns.artist]
        group[~episode] = codes[~episode]
        shows: dict[int, str | None] = {int(row): collection(int(row)) for row in np.flatnonzero(episode)}
        for row, name in shows.items():
            if name is not None:
                group[row] = keys.setdefault((SHOW, folded(name)), len(keys))
        listed = np.flatnonzero((group >= 0) & columns.available)
        return cls._ordered(columns, plays, group, listed, list(keys), shows)

    @classmethod
    def _ordered(
        cls, columns: ItemColumns, plays: NDArray[np.float64], group: NDArray[np.int64], listed: NDArray[np.intp],
        keys: list[tuple[str, str]], shows: dict[int, str | None],
    ) -> "Choices":  # fmt: skip
        total = np.bincount(group[listed], plays[listed], minlength=len(keys)).astype(np.float64)
        place = np.empty(len(keys), np.int64)
        by_plays = sorted(range(len(keys)), key=lambda code: (-total[code], keys[code]))
        place[by_plays] = np.arange(len(keys))
        rows = listed[np.lexsort((listed, -plays[listed], place[group[listed]]))].astype(np.int32)
        held = place[group[rows]]
        there, first = np.unique(held, return_index=True)  # a choice whose items were all withdrawn is none
        codes = np.array(by_plays, np.int64)[there]
        names, kinds, languages = [], [], []
        for code, row in zip(codes.tolist(), rows[first].tolist(), strict=True):
            names.append(str(shows[row] if keys[code][0] == SHOW else columns.artists[columns.artist[row]]))
            kinds.append(keys[code][0])
            languages.append(columns.languages[columns.language[row]] if columns.language[row] >= 0 else None)
        indptr = np.append(first, len(rows)).astype(np.int64)
        return cls(names, kinds, languages, total[codes], indptr, rows)

    def items(self, place: int) -> NDArray[np.int32]:
        """The rows of one choice, most heard first."""
        return self.rows[self.indptr[place] : self.indptr[place + 1]]

    def find(self, kind: str, name: str) -> int | None:
        """The place of an artist or show by its name, whatever the case and accents; None when there is none."""
        return self._places.get((kind, folded(name)))

    def heard(self) -> NDArray[np.int64]:
        """The places of what was ever heard, the most heard first; of everything when nothing was."""
        places = np.flatnonzero(self.plays > 0)
        return places if len(places) else np.arange(len(self))

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        pairs = zip(self.kinds, self.names, strict=True)
        return {(kind, folded(name)): place for place, (kind, name) in enumerate(pairs)}


def folded(name: str) -> str:
    """A name without case, accents and punctuation; of a name that has nothing else, the name.

    >>> folded("Beyoncé"), folded("!!!")
    ('beyonce', '!!!')
    """
    return " ".join(words_of(name)) or name.strip()
