"""Plain ways in which two listeners are alike, read from what is known: no model takes part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS
from palate.embeddings.inputs import Inputs
from palate.evaluation.intrinsic.alike import Alike, Closest, Labels, Sets, members
from palate.listening.history import History

RECENT_DAYS = 28.0
PART_OF_DAY_SECONDS = 4 * 3600.0
MIX_STEPS = 4  # a kind's share is told in quarters
TOP_ITEMS = 10
SEPARATOR = "|"  # between the values of one attribute, as sources/listeners.py writes lists

Rows = NDArray[np.integer[Any]]


class Heuristic(Protocol):
    """One plain way to be alike. `trained_on`: the vectors of Palate are made from that very signal."""

    @property
    def name(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def trained_on(self) -> bool: ...

    def applies(self, known: Inputs) -> bool:
        """Whether the data holds what it reads."""
        ...

    def labels(self, known: Inputs) -> Alike:
        """What it says of every listener, or of every item."""
        ...


@dataclass(frozen=True)
class DominantCode:
    """The artist, genre or language that one hears most, by plays; equal ones: the smaller code."""

    column: str
    trained_on: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"same dominant {self.column}"

    @property
    def about(self) -> str:
        return f"the {self.column} that both hear most is the same"

    def applies(self, known: Inputs) -> bool:
        return bool((getattr(known.columns, self.column) >= 0).any())

    def labels(self, known: Inputs) -> Alike:
        heard = known.history.heard()
        return Labels(dominant(heard.user, getattr(known.columns, self.column)[heard.item], len(heard.users)))


@dataclass(frozen=True)
class TopItem:
    """The item played most: what stands for the artist where nothing is known of the items."""

    name: ClassVar[str] = "same top item"
    about: ClassVar[str] = "the item that both play most is the same"
    trained_on: ClassVar[bool] = True

    def applies(self, known: Inputs) -> bool:
        return True

    def labels(self, known: Inputs) -> Alike:
        heard = known.history.heard()
        return Labels(dominant(heard.user, heard.item, len(heard.users)))


@dataclass(frozen=True)
class TopItems:
    """One of the TOP_ITEMS most played items in common."""

    name: ClassVar[str] = f"shares a top {TOP_ITEMS} item"
    about: ClassVar[str] = f"of the {TOP_ITEMS} items that each plays most, at least one is the same"
    trained_on: ClassVar[bool] = True

    def applies(self, known: Inputs) -> bool:
        return True

    def labels(self, known: Inputs) -> Alike:
        heard = known.history.heard()
        user, item, rank = most_frequent(heard.user, heard.item)
        chosen = rank < TOP_ITEMS
        return Sets(members(user[chosen], item[chosen], (len(heard.users), heard.n_items)))


@dataclass(frozen=True)
class KindMix:
    """The shares of tracks, episodes and audiobooks among the plays, in steps of a quarter."""

    name: ClassVar[str] = "same kind mix"
    about: ClassVar[str] = "tracks, episodes and audiobooks have the same shares, to the quarter"
    trained_on: ClassVar[bool] = False

    def applies(self, known: Inputs) -> bool:
        return len(np.unique(known.columns.kind[known.history.item])) > 1

    def labels(self, known: Inputs) -> Alike:
        heard = known.history.heard()
        shape = (len(heard.users), len(KINDS))
        cell = heard.user.astype(np.int64) * shape[1] + known.columns.kind[heard.item]
        plays = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
        total = plays.sum(axis=1)
        steps = np.rint(MIX_STEPS * plays / np.maximum(total, 1)[:, None]).astype(np.int64)
        codes = steps @ (MIX_STEPS + 1) ** np.arange(shape[1])
        return Labels(np.where(total > 0, codes, -1))


@dataclass(frozen=True)
class Attribute:
    """A column of the listeners, such as the country; of a list, one value in common is enough."""

    column: str
    trained_on: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"same {self.column}"

    @property
    def about(self) -> str:
        return f"the accounts have the same {self.column}"

    def applies(self, known: Inputs) -> bool:
        return self.column in known.listeners.values

    def labels(self, known: Inputs) -> Alike:
        texts = known.listeners.values[self.column]
        pairs = [(row, value) for row, text in enumerate(texts) if text for value in text.split(SEPARATOR)]
        distinct, code = np.unique([value for _, value in pairs], return_inverse=True)
        return Sets(members(np.array([row for row, _ in pairs], np.int64), code, (len(texts), len(distinct))))


@dataclass(frozen=True)
class Activity:
    """Plays in the last RECENT_DAYS, in doublings: none, 1, 2 to 3, 4 to 7, ..."""

    name: ClassVar[str] = "same activity"
    about: ClassVar[str] = f"as many plays in the last {RECENT_DAYS:g} days, in doublings"
    trained_on: ClassVar[bool] = False

    def applies(self, known: Inputs) -> bool:
        return True

    def labels(self, known: Inputs) -> Alike:
        history = known.history
        recent = history.between(history.end - RECENT_DAYS * DAY_SECONDS, history.end).heard()
        plays = np.bincount(recent.user, minlength=len(history.users))
        return Labels(np.where(plays > 0, 1 + np.log2(np.maximum(plays, 1)), 0).astype(np.int64))


@dataclass(frozen=True)
class Hours:
    """The part of the day, four hours of UTC, in which one listens most."""

    name: ClassVar[str] = "same hours"
    about: ClassVar[str] = "the four hours of the day (UTC) with most plays are the same"
    trained_on: ClassVar[bool] = False

    def applies(self, known: Inputs) -> bool:
        return True

    def labels(self, known: Inputs) -> Alike:
        heard = known.history.heard()
        part = (heard.timestamp % DAY_SECONDS // PART_OF_DAY_SECONDS).astype(np.int64)
        return Labels(dominant(heard.user, part, len(heard.users)))


@dataclass(frozen=True)
class SameItems:
    """The nearest by what was heard: Jaccard of the sets of items, the overlap that the talk reports."""

    nearest: int
    trained_on: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"nearest {self.nearest} by items heard"

    @property
    def about(self) -> str:
        return f"one of the {self.nearest} listeners with the highest Jaccard of items heard"

    def applies(self, known: Inputs) -> bool:
        return True

    def labels(self, known: Inputs) -> Alike:
        return Closest(items_heard(known.history), self.nearest)


def items_heard(history: History) -> sparse.csr_array:
    """(users, items) ones where the listener heard the item."""
    heard = history.heard()
    return members(heard.user, heard.item, (len(heard.users), heard.n_items))


def most_frequent(owner: Rows, label: Rows) -> tuple[Rows, Rows, Rows]:
    """Each owner's labels with their rank by frequency from 0, equal ones by label; labels below 0 are left out."""
    chosen = label >= 0
    width = int(label.max(initial=-1)) + 1
    pair, count = np.unique(owner[chosen].astype(np.int64) * max(width, 1) + label[chosen], return_counts=True)
    owners, labels = np.divmod(pair, max(width, 1))
    order = np.lexsort((labels, -count, owners))
    owners, labels = owners[order], labels[order]
    return owners, labels, np.arange(len(owners)) - np.searchsorted(owners, owners)


def dominant(owner: Rows, label: Rows, n: int) -> NDArray[np.int64]:
    """(n,) the most frequent label of each owner, -1 for none.

    >>> dominant(np.array([0, 0, 0, 2]), np.array([4, 7, 7, -1]), 3).tolist()
    [7, -1, -1]
    """
    owners, labels, rank = most_frequent(owner, label)
    codes = np.full(n, -1, np.int64)
    codes[owners[rank == 0]] = labels[rank == 0]
    return codes


def listener_heuristics(columns: Sequence[str], nearest: int) -> list[Heuristic]:
    """All of them; `columns` are the attributes of listeners to compare."""
    return [
        DominantCode("genre"),
        DominantCode("artist"),
        DominantCode("language"),
        KindMix(),
        *(Attribute(column) for column in columns),
        Activity(),
        Hours(),
        TopItem(),
        TopItems(),
        SameItems(nearest),
    ]
