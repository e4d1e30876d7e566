"""Where a taste starts: what is added to it as long as little was heard, and fades with listening.

    taste = features(record) @ weights  +  (stranger + attributes @ described) / (1 + plays of half a year, decayed)

Both parts are learnt after the encoder, from what newcomers hear first and from the tastes of those who told the same
of themselves (newcomers.py). What nobody was taught with counts as nothing: an attribute that is not told, a country
that few come from. Source: ours, see docs/rooms/cold_start.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import packed_texts, unpacked_texts
from palate.core.errors import BadInput
from palate.embeddings.records import UserRecord
from palate.embeddings.statics import OTHER, UNKNOWN, Statics
from palate.listening.listeners import ListenerColumns

SLOWEST = -1  # of the record's half-lives: a count that hardly forgets
PREFIX = "start."  # of the arrays that are kept beside the encoder's


@dataclass(frozen=True)
class Start:
    """What is learnt.

    stranger  # (dim,) float32, for everybody
    described # (s, dim) float32, one row for each column of `statics`; zeros for "other" and "unknown"
    """

    stranger: NDArray[np.float32]
    described: NDArray[np.float32]
    statics: Statics

    @property
    def reads_attributes(self) -> bool:
        """Whether anything that is told of a listener changes the taste."""
        return bool(self.described.any())

    def added(
        self, records: Sequence[UserRecord], told: ListenerColumns | None = None, now: float = np.nan
    ) -> NDArray[np.float32]:
        """(q, dim) float32, what is added to the taste of each record.

        told # (q,) attributes beside the records, in home time; None, or no columns, when nothing is told
        now  home seconds: the age of an account is that at the listener's latest event; of who has none, at `now`
        BadInput when `told` has another number of listeners.
        """
        if not records:
            return np.zeros((0, len(self.stranger)), np.float32)
        plays = np.stack([record.counts[SLOWEST] for record in records]).sum(axis=1)
        return self.added_to(np.array([record.at for record in records], np.float64), plays, told, now)

    def added_to(
        self, at: NDArray[np.float64], plays: NDArray[np.float64], told: ListenerColumns | None = None,
        now: float = np.nan,
    ) -> NDArray[np.float32]:  # fmt: skip
        """The same of records of which only the latest event and the slowest count, of all kinds, are given # (q,)."""
        parts = self.stranger[None]
        if told is not None and told.values and self.reads_attributes:
            size = len(next(iter(told.values.values())))
            if size != len(at):
                raise BadInput(f"attributes of {size} listeners for {len(at)} records; give one row for each")
            moments = np.where(np.isfinite(at), at, now)
            parts = parts + self.attributes(told, np.arange(size), moments) @ self.described
        return np.asarray(parts * (1.0 / (1.0 + np.maximum(plays, 0.0))[:, None]).astype(np.float32), np.float32)

    def attributes(
        self, told: ListenerColumns, rows: NDArray[np.integer], moments: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """(q, s) float32 of 0 and 1, the columns of `statics`; without a moment (NaN) ages are not known."""
        known = np.isfinite(moments)
        found = self.statics.features(told, rows, np.where(known, moments, 0.0))
        if not known.all():
            aged = [name.startswith(("age=", "account_days=")) for name in self.statics.names]
            found[np.ix_(~known, np.flatnonzero(aged))] = 0.0
        return found

    @property
    def rows(self) -> NDArray[np.float32]:
        """(1 + s, dim): all that lies in the space of tastes, for who turns it; `with_rows` takes it back."""
        return np.concatenate([self.stranger[None], self.described])

    def with_rows(self, rows: NDArray[np.float32]) -> "Start":
        """The same with other `rows`."""
        return Start(rows[0], rows[1:], self.statics)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, for a file that holds more than this; `of` reads them."""
        return {
            f"{PREFIX}stranger": self.stranger,
            f"{PREFIX}described": self.described,
            f"{PREFIX}values": packed_texts(self.statics.values),
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> "Start | None":
        """What `arrays` gave; None in a file without it, as those of before 0.2 are."""
        if f"{PREFIX}stranger" not in arrays:
            return None
        statics = Statics(unpacked_texts(arrays[f"{PREFIX}values"]))
        return cls(arrays[f"{PREFIX}stranger"], arrays[f"{PREFIX}described"], statics)


def taught_columns(statics: Statics) -> NDArray[np.bool_]:
    """(s,) True for the columns that may say something: not "other", where an unseen value falls too, nor "unknown"."""
    return np.array([not name.endswith((f"={OTHER}", f"={UNKNOWN}")) for name in statics.names], np.bool_)
