"""ItemStore: the catalogue as a server reads it, from disk and page by page, without a table library.

    CURRENT       which version is live, as JSON
    v000001/      one version, never changed once it has this name
        data.mdb      items: row -> item as JSON    rows: item key (keys.py) -> row    words: word -> rows
        *.npy         one value for each row: kind, language, available, word_count
        manifest.json

A version is written under another name and renamed, and CURRENT is replaced last, so a reader opens either version
whole. The one before the live version is kept for readers that are about to open it; a reader that holds an older one
open keeps it, since an unlinked file lives until it is closed.
"""

import math
import re
import shutil
import struct
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import lmdb
import numpy as np
import orjson
from numpy.typing import NDArray

from palate.core.artefacts import atomic_folder, read_json, write_json
from palate.core.errors import BadInput, Corrupt, NotTrained
from palate.core.ids import ItemId, ItemRow
from palate.core.items import KINDS, Item, Kind
from palate.store.filters import UNKNOWN_LANGUAGE, Facets
from palate.store.keys import id_key
from palate.store.lmdb_files import LmdbFile

FORMAT_VERSION = 1
TABLES = (b"items", b"rows", b"words")
ITEMS_AT_ONCE = 10_000
MAX_WORD_CHARACTERS = 48  # a longer one is cut, in the table and in the question alike
MAX_PREFIX_WORDS = 1_000  # a prefix reads this many words, in alphabetical order, and no more
_ROW = struct.Struct(">I")  # big endian, so that LMDB's order is the order of the rows
_SPLIT = re.compile(r"[\W_]+")


class ItemStore:
    """The live version of the catalogue, opened for reading. Threads may share it; a fork may not.

    Opening reads CURRENT once: when `ItemStore.live_version(path)` moves on, open another and close this one.
    """

    def __init__(self, path: Path) -> None:
        self.version = self.live_version(path)
        self.folder = _folder(path, self.version)
        manifest = read_json(self.folder / "manifest.json")
        if manifest.get("format_version") != FORMAT_VERSION:
            raise Corrupt(
                f"{self.folder} has format {manifest.get('format_version')!r} and this Palate reads 1; upgrade"
            )
        self._count = int(manifest["count"])
        self._languages = tuple(manifest["languages"])
        # Nobody writes to a version, so readers need neither the lock file nor the right to write one.
        self._file = LmdbFile(self.folder, TABLES, readonly=True, lock=False, max_spare_txns=8)
        self._items, self._rows, self._words = self._file.tables
        self._word_count = np.load(self.folder / "word_count.npy", mmap_mode="r")

    @staticmethod
    def live_version(path: Path) -> int:
        """The number of the version that CURRENT names; NotTrained when there is none."""
        if not (path / "CURRENT").is_file():
            raise NotTrained(f"{path} holds no items yet; run `palate train`")
        return int(read_json(path / "CURRENT")["version"])

    @staticmethod
    def write(path: Path, items: Iterable[Item]) -> int:
        """Publishes `items`, whose positions are their rows, as the next version, and gives its number.

        Memory holds a few bytes for each item and word, not the items. BadInput for an id that comes twice.
        """
        path.mkdir(parents=True, exist_ok=True)
        version = max((int(folder.name[1:]) for folder in path.glob("v[0-9]*")), default=0) + 1
        with atomic_folder(_folder(path, version)) as temporary:
            _write_version(temporary, items)
        write_json(path / "CURRENT", {"version": version})
        for folder in path.glob("v[0-9]*"):
            if int(folder.name[1:]) < version - 1:
                shutil.rmtree(folder, ignore_errors=True)
        return version

    def __len__(self) -> int:
        return self._count

    def get(self, row: int) -> Item:
        """The item at `row`; BadInput when there is no such row."""
        if not 0 <= row < self._count:
            raise BadInput(f"row {row} came; this catalogue has {self._count} rows from 0 on")
        with self._file.env.begin(db=self._items) as txn:
            return _decoded(txn.get(_ROW.pack(row)))

    def id(self, row: int) -> ItemId:
        """The item's id at `row`; BadInput when there is no such row."""
        return self.get(row).item_id

    def row(self, item_id: ItemId | str) -> ItemRow | None:
        """The row of an item id; None when the catalogue does not hold it."""
        with self._file.env.begin(db=self._rows) as txn:
            value = txn.get(id_key(item_id))
        return None if value is None else ItemRow(_ROW.unpack(value)[0])

    def facets(self) -> Facets:
        """What a Filter looks at, for every row, mapped from disk."""
        kind, language, available = (
            np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in ("kind", "language", "available")
        )
        return Facets(kind, language, available, self._languages)

    def search(self, words: str, n: int) -> NDArray[np.int32]:
        """Up to n rows whose title and artists hold every word, the last one perhaps unfinished.

        Case and accents do not matter. Rows that hold the last word whole come first, then the shortest titles, then
        the lowest rows. No words, no rows.
        """
        *whole, last = words_of(words) or [""]
        if not last:
            return np.empty(0, np.int32)
        found = self._file.view(partial(self._starting_with, last))
        for word in whole:
            found = found[np.isin(found, self._with_word(word))]
        loose = ~np.isin(found, self._with_word(last))
        return found[np.lexsort((found, self._word_count[found], loose))[:n]]

    def close(self) -> None:
        """Closes the files; the store is unusable afterwards."""
        self._file.close()

    def __enter__(self) -> "ItemStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _with_word(self, word: str) -> NDArray[np.int32]:
        with self._file.env.begin(db=self._words) as txn:
            return np.frombuffer(cast(bytes, txn.get(word.encode(), b"")), np.int32)

    def _starting_with(self, prefix: str, txn: lmdb.Transaction) -> NDArray[np.int32]:
        """The distinct rows, ascending, with a word that starts so."""
        first, found = prefix.encode(), []
        with txn.cursor(db=self._words) as cursor:
            if cursor.set_range(first):
                for word, rows in islice(cast(Iterator[tuple[bytes, bytes]], cursor.iternext()), MAX_PREFIX_WORDS):
                    if not word.startswith(first):
                        break
                    found.append(rows)
        return np.unique(np.frombuffer(b"".join(found), np.int32))


def words_of(text: str) -> list[str]:
    """The words of a text in their order, without case and accents.

    >>> words_of("Beyoncé feat. JAY-Z")
    ['beyonce', 'feat', 'jay', 'z']
    """
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return [word[:MAX_WORD_CHARACTERS] for word in _SPLIT.split(plain) if word]


def _folder(path: Path, version: int) -> Path:
    return path / f"v{version:06d}"


def _write_version(folder: Path, items: Iterable[Item]) -> None:
    words: dict[str, array[int]] = {}
    languages: dict[str, int] = {}
    columns = {"kind": array("B"), "language": array("i"), "available": array("B"), "word_count": array("B")}
    count, remaining = 0, iter(items)
    # Durability comes from the folder's rename, which syncs every file once.
    file = LmdbFile(folder, TABLES, readonly=False, lock=False, sync=False)
    try:
        while batch := list(islice(remaining, ITEMS_AT_ONCE)):
            file.change(partial(_put_items, file.tables, batch, count))
            for row, item in enumerate(batch, count):
                _note(item, row, words, languages, columns)
            count += len(batch)
        file.change(partial(_put_words, file.tables[2], words))
        file.env.sync(True)
    finally:
        file.close()
    for name, dtype in (("kind", np.uint8), ("language", np.int32), ("available", np.bool_), ("word_count", np.uint8)):
        np.save(folder / f"{name}.npy", np.array(columns[name], dtype))
    manifest = {"format_version": FORMAT_VERSION, "count": count, "languages": list(languages)}
    write_json(folder / "manifest.json", manifest)


def _note(
    item: Item, row: int, words: dict[str, "array[int]"], languages: dict[str, int], columns: dict[str, "array[int]"]
) -> None:
    mine = words_of(" ".join((item.title or "", *item.artists)))
    for word in set(mine):
        words.setdefault(word, array("i")).append(row)
    unknown = item.language is None
    columns["kind"].append(KINDS.index(item.kind))
    columns["language"].append(
        UNKNOWN_LANGUAGE if unknown else languages.setdefault(str(item.language), len(languages))
    )
    columns["available"].append(item.available)
    columns["word_count"].append(min(len(mine), 255))


def _put_items(tables: list[Any], batch: list[Item], first_row: int, txn: lmdb.Transaction) -> None:
    for row, item in enumerate(batch, first_row):
        key = _ROW.pack(row)
        if not txn.put(id_key(item.item_id), key, db=tables[1], overwrite=False):
            raise BadInput(f"item {item.item_id[:80]!r} came twice, again at row {row}; an id has one row")
        txn.put(key, _encoded(item), db=tables[0], append=True)


def _put_words(table: Any, words: dict[str, "array[int]"], txn: lmdb.Transaction) -> None:
    for word, rows in words.items():
        txn.put(word.encode(), rows.tobytes(), db=table)


def _encoded(item: Item) -> bytes:
    """The fields of Item in their order, as JSON; a number that is not finite is unknown and left out."""
    known = {name: float(value) for name, value in item.attributes.items() if math.isfinite(value)}
    fields = (item.item_id, item.kind, item.title, item.artists, item.collection, item.genres, item.language)
    try:
        return orjson.dumps(
            (*fields, item.released, item.duration_seconds, item.explicit, item.available, known),
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
    except TypeError as error:
        raise BadInput(
            f"item {item.item_id[:80]!r} holds text that is not Unicode ({error}); mend or drop it"
        ) from error


def _decoded(data: Any) -> Item:
    item_id, kind, title, artists, collection, genres, language, *numbers = orjson.loads(data)
    return Item(item_id, Kind(kind), title, tuple(artists), collection, tuple(genres), language, *numbers)
