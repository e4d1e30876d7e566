"""What is known of a listener on the day they register, as numbers: country, languages, device, age, age of account.

A learnt vocabulary gives each frequent value a column of its own. Rare values share the column "other", and what is not
known has a column too, so that a listener of whom nothing is told is a value like any other and never a row of zeros.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import packed_texts, read_arrays, unpacked_texts, write_arrays
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, Corrupt
from palate.listening.listeners import ACCOUNT_CREATED, ListenerColumns

SEPARATOR = "|"  # between the values of a list, as they are imported: languages "en|sv"
LANGUAGES = "languages"
COUNTRY = "country"
WORDS = (COUNTRY, LANGUAGES, "device")  # attributes that are texts, in the order of their columns
OTHER, UNKNOWN = "other", "unknown"
BIRTH_YEAR = "birth_year"
AGES_YEARS = (18.0, 25.0, 35.0, 45.0, 55.0)  # where one bucket ends and the next begins
ACCOUNT_DAYS = (1.0, 7.0, 28.0, 182.0, 365.0)
MOST_COLUMNS = 64  # of all features together; the record beside them has hundreds
LEAST_LISTENERS = 20  # of whom a value must be told: of fewer nothing can be learnt that holds for the next one


@dataclass(frozen=True)
class Statics:
    """A learnt vocabulary; `features` maps listeners to it.

    values # by attribute of WORDS: the values with a column of their own, most frequent first
    """

    FORMAT: ClassVar[int] = 1
    values: dict[str, list[str]]

    @classmethod
    def fit(cls, listeners: ListenerColumns, least: int = LEAST_LISTENERS, most: int = MOST_COLUMNS) -> "Statics":
        """Learns which values deserve a column: those of at least `least` listeners, the most frequent first.

        Give it only listeners who were known at the moment: it counts all of them. `most` bounds the columns of all
        features together; no listeners give a vocabulary without values.
        """
        counted = [
            (-count, WORDS.index(name), value)
            for name in WORDS
            for value, count in Counter(
                v for text in listeners.values.get(name, []) for v in _parts(name, text)
            ).items()
            if count >= least
        ]
        free = max(most - len(cls({name: [] for name in WORDS}).names), 0)
        chosen = sorted(counted)[:free]  # by count, then attribute, then value: the same for the same data
        return cls({name: [value for _, place, value in chosen if WORDS[place] == name] for name in WORDS})

    @property
    def names(self) -> list[str]:
        """The columns, e.g. "country=SE", "languages=other", "age=25-35", "account_days=unknown"."""
        words = [f"{name}={value}" for name in WORDS for value in (*self.values[name], OTHER, UNKNOWN)]
        ages = [f"age={bucket}" for bucket in (*_buckets(AGES_YEARS), UNKNOWN)]
        return [*words, *ages, *(f"account_days={bucket}" for bucket in (*_buckets(ACCOUNT_DAYS), UNKNOWN))]

    def features(
        self, columns: ListenerColumns, users: NDArray[np.integer], at: float | NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """(q, s) float32 of 0 and 1, s = len(names): one 1 in each attribute, one for each language spoken.

        columns # attributes, `account_created` in home seconds (ListenerColumns.in_home_time)
        users   # (q,) rows of `columns`; -1, or a row beyond its end, for one of whom nothing is told
        at      # home seconds: the moment, or (q,) one for each
        """
        size = max((len(texts) for texts in columns.values.values()), default=0)
        rows = np.asarray(users, np.int64)
        known = columns.take(np.where(rows < size, rows, -1))
        moments = np.broadcast_to(np.asarray(at, np.float64), rows.shape)
        blocks = [_words(self.values[name], name, known, len(rows)) for name in WORDS]
        born, created = (_number(known, name, len(rows)) for name in (BIRTH_YEAR, ACCOUNT_CREATED))
        blocks.append(_in_buckets(_years(moments) - born, AGES_YEARS))
        # an account that was made later than the moment is known by then all the same: it is new
        blocks.append(_in_buckets(np.maximum(moments - created, 0.0) / DAY_SECONDS, ACCOUNT_DAYS))
        return np.concatenate(blocks, axis=1)

    def save(self, path: Path) -> None:
        """Writes the vocabulary atomically as .npz."""
        write_arrays(path, format=np.array(self.FORMAT), values=packed_texts(self.values))

    @classmethod
    def load(cls, path: Path) -> "Statics":
        """Reads what `save` wrote; Corrupt when it is damaged or of a newer format."""
        stored = read_arrays(path)
        found = int(stored["format"]) if "format" in stored else None
        if found is None or found > cls.FORMAT or "values" not in stored:
            raise Corrupt(
                f"{path} has format {found}, and this Palate reads up to {cls.FORMAT}; upgrade or train again"
            )
        values = unpacked_texts(stored["values"])
        if not isinstance(values, dict) or set(values) != set(WORDS):
            raise Corrupt(f"{path} holds no vocabulary of {', '.join(WORDS)}; train again")
        return cls({name: list(values[name]) for name in WORDS})


def joined(values: list[str]) -> str:
    """Several values of one attribute as its text; BadInput for a value that holds the separator.

    >>> joined(["en", "sv"])
    'en|sv'
    """
    odd = [value for value in values if SEPARATOR in value]
    if odd:
        raise BadInput(f"the value {odd[0]!r} holds {SEPARATOR!r}, which separates values; leave it out")
    return SEPARATOR.join(values)


def _parts(name: str, text: str | None) -> list[str]:
    """The distinct values of one text, in its order; none when it is not known."""
    found = [] if text is None else text.split(SEPARATOR) if name == LANGUAGES else [text]
    return [part for part in dict.fromkeys(one.strip() for one in found) if part]


def _words(values: list[str], name: str, known: ListenerColumns, n: int) -> NDArray[np.float32]:
    """(n, values + 2): a 1 for each value of the listener, in OTHER for those without a column, else in UNKNOWN."""
    place = {value: column for column, value in enumerate(values)}
    block = np.zeros((n, len(values) + 2), np.float32)
    for row, text in enumerate(known.values.get(name, [None] * n)):
        parts = _parts(name, text)
        block[row, [place.get(part, len(values)) for part in parts] or [len(values) + 1]] = 1.0
    return block


def _number(known: ListenerColumns, name: str, n: int) -> NDArray[np.float64]:
    return known.number(name) if name in known.values else np.full(n, np.nan)


def _in_buckets(amount: NDArray[np.float64], edges: tuple[float, ...]) -> NDArray[np.float32]:
    """(n, edges + 2): a 1 where the amount lies, NaN in the last column."""
    place = np.where(np.isnan(amount), len(edges) + 1, np.searchsorted(edges, amount, side="right"))
    return np.eye(len(edges) + 2, dtype=np.float32)[place]


def _buckets(edges: tuple[float, ...]) -> list[str]:
    """
    >>> _buckets((1.0, 7.0))
    ['0-1', '1-7', '7-']
    """
    ends = [0.0, *edges]
    return [f"{low:g}-{high:g}" for low, high in zip(ends, edges, strict=False)] + [f"{edges[-1]:g}-"]


def _years(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the calendar year of each moment; birth years are known no better than that."""
    distinct, inverse = np.unique(moments, return_inverse=True)
    years = [float(datetime.fromtimestamp(moment, UTC).year) for moment in distinct.tolist()]
    return np.array(years, np.float64)[inverse] if len(distinct) else np.zeros(0)
