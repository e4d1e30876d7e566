"""WordIndex: texts by their words, the last word perhaps unfinished, at the speed of typing.

    vocabulary.npy   every word, sorted, as UTF-8        starts.npy, rows.npy, fields.npy   its rows, and where in each
    row_starts.npy, row_words.npy, row_fields.npy        the same the other way round: the words of each row
    heads.npy, head_starts.npy, head_rows.npy            of what more than HEAVY rows begin with: the HEAD weightiest

A beginning is a range of the sorted vocabulary, so its rows are one slice. Of a short one there are too many to look
at: these have a list of their own, made once. All arrays are mapped from disk, so opening costs nothing.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TITLE, NAME, WHERE, FIRST = 1, 2, 4, 8  # of the title, of who made it, of what it belongs to; begins title or name
HEAVY = 5_000  # places of a beginning that may be looked at in a request, about 1 ms
HEAD = 2_000  # rows of a list of its own
CHECKED = 20_000  # rows that are checked for the other words
LEAST_TYPO = 4  # characters: an edit of a shorter word gives another word
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"  # what a typo puts in; letters of other scripts are dropped or swapped
ARRAYS = ("vocabulary", "starts", "rows", "fields", "row_starts", "row_words", "row_fields", "heads", "head_starts",
          "head_rows")  # fmt: skip
Ranges = list[tuple[int, int, str]]  # of positions in the vocabulary, and the beginning that they share


@dataclass(frozen=True)
class Matches:
    """rows # (m,) int32 ascending, that hold every word.

    whole  # (m, words) bool, the word as it was typed, not only its beginning or one edit from it
    fields # (m, words) uint8, where each word stands: TITLE, NAME, WHERE, and FIRST
    typo   nothing was found as typed, so words may be one edit away
    """

    rows: NDArray[np.int32]
    whole: NDArray[np.bool_]
    fields: NDArray[np.uint8]
    typo: bool = False


class Writing:
    """Collects words row by row; rows come ascending. Holds a few bytes for each word of each row."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[array[int], array[int]]] = {}

    def add(self, row: int, words: Sequence[str], field: int) -> None:
        """Words of one field of a row, in their order."""
        for place, word in enumerate(words):
            rows, fields = self._words.setdefault(word, (array("i"), array("B")))
            told = field | (FIRST if place == 0 and field != WHERE else 0)
            if rows and rows[-1] == row:
                fields[-1] |= told
            else:
                rows.append(row)
                fields.append(told)

    def index(self, n_rows: int, weights: NDArray[Any]) -> "WordIndex":
        """All that was added; weights # (n_rows,), whose heaviest a short beginning finds."""
        words = sorted(self._words, key=str.encode)
        encoded = [word.encode() for word in words]
        width = max(map(len, encoded), default=0) + 1  # room for the byte that ends every beginning
        sizes = np.array([len(self._words[word][0]) for word in words], np.int64)
        rows = np.concatenate([np.zeros(0, np.int32), *(np.frombuffer(self._words[w][0], np.int32) for w in words)])
        fields = np.concatenate([np.zeros(0, np.uint8), *(np.frombuffer(self._words[w][1], np.uint8) for w in words)])
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        by_row = np.argsort(rows, kind="stable")
        row_words = np.repeat(np.arange(len(words), dtype=np.int32), sizes)[by_row]
        row_starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))]).astype(np.int64)
        heads = _heads(words, starts, rows, weights)
        head_sizes = [len(chosen) for chosen in heads.values()]
        return WordIndex({
            "vocabulary": np.array(encoded, f"S{width}"), "starts": starts, "rows": rows, "fields": fields,
            "row_starts": row_starts, "row_words": row_words, "row_fields": fields[by_row],
            "heads": np.array(list(heads), f"S{width}"), "head_starts": np.cumsum([0, *head_sizes]).astype(np.int64),
            "head_rows": np.concatenate([np.zeros(0, np.int32), *heads.values()]),
        })  # fmt: skip


class WordIndex:
    """Finds rows by words. Reads only; threads may share one."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self._vocabulary, self._starts, self._rows = arrays["vocabulary"], arrays["starts"], arrays["rows"]

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], weights: NDArray[Any]) -> "WordIndex":
        """An index in memory; texts: the words of each row, all of one field; weights # (rows,)."""
        writing = Writing()
        for row, words in enumerate(texts):
            writing.add(row, words, NAME)
        return writing.index(len(weights), weights)

    def save(self, folder: Path) -> None:
        """Writes one file an array into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", self._arrays[name])

    @classmethod
    def load(cls, folder: Path) -> "WordIndex":
        """Maps what `save` wrote."""
        return cls({name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS})

    def find(self, words: Sequence[str], own: NDArray[np.int32] | None = None) -> Matches:
        """The rows that hold every word, the last one perhaps unfinished; of a short beginning the heaviest.

        own: rows that are looked at besides, however light. When nothing is found, words of LEAST_TYPO characters and
        more may be one edit away: a character dropped, added, changed, or swapped with the next.
        """
        if not words:
            return Matches(np.zeros(0, np.int32), np.zeros((0, 0), np.bool_), np.zeros((0, 0), np.uint8))
        exact = [self._exact(word) for word in words]
        typed = [*exact[:-1], self._begun(words[-1])]
        found = self._holding(typed, exact, own)
        if len(found.rows):
            return found
        near = [
            ranges + self._near(word, last=n == len(words))
            for n, (word, ranges) in enumerate(zip(words, typed, strict=True), 1)
        ]
        if near == typed:
            return found
        found = self._holding(near, exact, own)
        return Matches(found.rows, found.whole, found.fields, typo=True)

    def _holding(self, ranges: list[Ranges], exact: list[Ranges], own: NDArray[np.int32] | None) -> Matches:
        sizes = [sum(int(self._starts[high] - self._starts[low]) for low, high, _ in one) for one in ranges]
        fewest = int(np.argmin(sizes))
        limit = HEAVY if len(ranges) == 1 else CHECKED
        parts = [self._places(*one, limit) for one in ranges[fewest]]
        head = np.concatenate([np.zeros(0, np.int32), *parts])
        base = np.unique(head if own is None else np.concatenate([head, own])).astype(np.int32)
        row_starts = self._arrays["row_starts"]
        sizes_of = (row_starts[base + 1] - row_starts[base]).astype(np.int64)
        base, sizes_of = base[sizes_of > 0], sizes_of[sizes_of > 0]
        if not len(base):
            empty = np.zeros((0, len(ranges)))
            return Matches(base, empty.astype(np.bool_), empty.astype(np.uint8))
        begins = np.concatenate([[0], np.cumsum(sizes_of)[:-1]])
        places = np.arange(int(sizes_of.sum())) + np.repeat(row_starts[base] - begins, sizes_of)
        ids, fields = self._arrays["row_words"][places], self._arrays["row_fields"][places]
        where = np.stack([np.bitwise_or.reduceat(np.where(_in(ids, one), fields, 0), begins) for one in ranges], axis=1)
        whole = np.stack([np.bitwise_or.reduceat(_in(ids, one), begins) for one in exact], axis=1)
        kept = (where > 0).all(axis=1)
        return Matches(base[kept], whole[kept], where[kept].astype(np.uint8))

    def _places(self, low: int, high: int, begun: str, limit: int) -> NDArray[np.int32]:
        """The rows of a range; of more than `limit` places its list, when it has one."""
        head = self._head(begun) if self._starts[high] - self._starts[low] > limit else None
        return self._rows[self._starts[low] : self._starts[high]] if head is None else head

    def _exact(self, word: str) -> Ranges:
        low, high = self._between(word)
        return [(low, low + 1, word)] if low < high and self._vocabulary[low] == word.encode() else []

    def _begun(self, word: str) -> Ranges:
        low, high = self._between(word)
        return [(low, high, word)] if low < high else []

    def _between(self, word: str) -> tuple[int, int]:
        """The range of words that begin so."""
        if len(word.encode()) >= self._vocabulary.dtype.itemsize:
            return 0, 0
        ends = np.array([word.encode(), word.encode() + b"\xff"], self._vocabulary.dtype)
        low, high = np.searchsorted(self._vocabulary, ends)
        return int(low), int(high)

    def _near(self, word: str, last: bool) -> Ranges:
        """What is one edit away; of the last word, what begins so."""
        if len(word) < LEAST_TYPO:
            return []
        width = self._vocabulary.dtype.itemsize
        edited = [one for text in sorted(edits(word)) if len(one := text.encode()) < width]
        low = np.searchsorted(self._vocabulary, np.array(edited, self._vocabulary.dtype))
        ends = np.array([one + b"\xff" for one in edited], self._vocabulary.dtype)
        high = np.searchsorted(self._vocabulary, ends)
        return [
            (one, other if last else one + 1, text.decode())
            for one, other, text in zip(low.tolist(), high.tolist(), edited, strict=True)
            if one < other and (last or self._vocabulary[one] == text)
        ]

    def _head(self, begun: str) -> NDArray[np.int32] | None:
        heads, wanted = self._arrays["heads"], begun.encode()
        if len(wanted) >= heads.dtype.itemsize:
            return None
        place = int(np.searchsorted(heads, np.array(wanted, heads.dtype)))
        if place == len(heads) or heads[place] != wanted:
            return None
        bounds = self._arrays["head_starts"]
        return np.asarray(self._arrays["head_rows"][bounds[place] : bounds[place + 1]], np.int32)


def edits(word: str) -> set[str]:
    """All that is one edit away from a word.

    >>> {"cat", "act", "boat"} & edits("cart"), "art" in edits("cart")
    ({'cat'}, True)
    """
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    dropped = {left + right[1:] for left, right in cuts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    changed = {left + letter + right[1:] for left, right in cuts if right for letter in LETTERS}
    added = {left + letter + right for left, right in cuts for letter in LETTERS}
    return (dropped | swapped | changed | added) - {word}


def _in(ids: NDArray[np.int32], ranges: Ranges) -> NDArray[np.bool_]:
    inside = np.zeros(len(ids), np.bool_)
    for low, high, _ in ranges:
        inside |= (ids >= low) & (ids < high)
    return inside


def _heads(
    words: list[str], starts: NDArray[np.int64], rows: NDArray[np.int32], weights: NDArray[Any]
) -> dict[bytes, NDArray[np.int32]]:
    """The HEAD heaviest rows of every beginning of more than HEAVY places, ties by row, sorted by the beginning."""
    heads: dict[bytes, NDArray[np.int32]] = {}
    waiting = [(0, len(words), 0)] if len(rows) > HEAVY else []
    while waiting:
        low, high, length = waiting.pop()
        begin = low
        while begin < high:  # words that go on with the same character stand together
            prefix = words[begin][: length + 1]
            end = begin
            while end < high and words[end][: length + 1] == prefix:
                end += 1
            if len(prefix) > length and starts[end] - starts[begin] > HEAVY:
                found = np.unique(rows[starts[begin] : starts[end]])
                heads[prefix.encode()] = found[np.lexsort((found, -weights[found]))[:HEAD]].astype(np.int32)
                waiting.append((begin, end, length + 1))
            begin = end
    return dict(sorted(heads.items()))
