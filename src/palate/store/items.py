"""ItemStore: the catalogue as a server reads it, from disk and page by page, without a table library.

    CURRENT       which version is live, as JSON
    v000001/      one version, never changed once it has this name
        data.mdb      items: row -> item as JSON    rows: item key (keys.py) -> row
        *.npy         one value for each row: kind, language, available, word_count, title_count, plays
        words/        which rows hold which words (words.py)
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
from functools import cached_property, partial
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
from palate.store.words import NAME, TITLE, WHERE, WordIndex, Writing

FORMAT_VERSION = 2  # 1 had the words in data.mdb, word -> rows, and neither title_count nor plays
TABLES = (b"items", b"rows", b"words")
ITEMS_AT_ONCE = 10_000
MAX_WORD_CHARACTERS = 48  # a longer one is cut, in the table and in the question alike
COLUMNS: tuple[tuple[str, type[Any]], ...] = (
    ("kind", np.uint8), ("language", np.int32), ("available", np.bool_), ("word_count", np.uint8),
    ("title_count", np.uint8),
)  # fmt: skip
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
        if manifest.get("format_version") not in (1, FORMAT_VERSION):
            raise Corrupt(
                f"{self.folder} has format {manifest.get('format_version')!r}, this Palate reads 1 and 2; upgrade"
            )
        self._count = int(manifest["count"])
        self._languages = tuple(manifest["languages"])
        # Nobody writes to a version, so readers need neither the lock file nor the right to write one.
        self._file = LmdbFile(self.folder, TABLES, readonly=True, lock=False, max_spare_txns=8)
        self._items, self._rows, self._words = self._file.tables
        self.word_count: NDArray[np.uint8] = np.load(self.folder / "word_count.npy", mmap_mode="r")

    @staticmethod
    def live_version(path: Path) -> int:
        """The number of the version that CURRENT names; NotTrained when there is none."""
        if not (path / "CURRENT").is_file():
            raise NotTrained(f"{path} holds no items yet; run `palate train`")
        return int(read_json(path / "CURRENT")["version"])

    @staticmethod
    def write(path: Path, items: Iterable[Item], plays: NDArray[np.integer] | None = None) -> int:
        """Publishes `items`, whose positions are their rows, as the next version, and gives its number.

        plays # (rows known so far,) how often each was heard, which decides what a short beginning finds; later rows
        count as never heard. Memory holds a few bytes for each item and word, not the items. BadInput for an id that
        comes twice.
        """
        path.mkdir(parents=True, exist_ok=True)
        version = max((int(folder.name[1:]) for folder in path.glob("v[0-9]*")), default=0) + 1
        with atomic_folder(_folder(path, version)) as temporary:
            _write_version(temporary, items, np.zeros(0, np.int32) if plays is None else plays)
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

    @cached_property
    def words(self) -> WordIndex:
        """Which rows hold which words of title, artists and collection."""
        if (self.folder / "words").is_dir():
            return WordIndex.load(self.folder / "words")
        return self._file.view(self._words_of_format_1)

    @cached_property
    def title_count(self) -> NDArray[np.uint8]:
        """(rows,) uint8, words of the title, at most 255; 0 for what is not known."""
        return self._column("title_count", np.uint8)

    @cached_property
    def plays(self) -> NDArray[np.int32]:
        """(rows,) int32, how often each was heard when it was published."""
        return self._column("plays", np.int32)

    def _column(self, name: str, dtype: type[Any]) -> NDArray[Any]:
        path = self.folder / f"{name}.npy"
        return np.load(path, mmap_mode="r") if path.is_file() else np.zeros(self._count, dtype)

    def search(self, words: str, n: int) -> NDArray[np.int32]:
        """Up to n rows whose title, artists and collection hold every word, the last one perhaps unfinished.

        Case and accents do not matter. Rows that hold the last word whole come first, then the shortest titles, then
        the lowest rows. No words, no rows. Of a beginning that very many hold, only the most heard are looked at.
        """
        found = self.words.find(words_of(words))
        loose = ~found.whole[:, -1] if len(found.rows) else np.zeros(0, np.bool_)
        return found.rows[np.lexsort((found.rows, self.word_count[found.rows], loose))[:n]]

    def close(self) -> None:
        """Closes the files; the store is unusable afterwards."""
        self._file.close()

    def __enter__(self) -> "ItemStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _words_of_format_1(self, txn: lmdb.Transaction) -> WordIndex:
        """The words of a version of before 0.3, in memory; of which field they are is not known."""
        writing = Writing()
        with txn.cursor(db=self._words) as cursor:
            for word, rows in cast(Iterator[tuple[bytes, bytes]], cursor.iternext()):
                for row in np.frombuffer(rows, np.int32).tolist():
                    writing.add(row, [word.decode()], TITLE | NAME | WHERE)
        return writing.index(self._count, np.zeros(self._count))


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


def _write_version(folder: Path, items: Iterable[Item], plays: NDArray[np.integer]) -> None:
    words = Writing()
    languages: dict[str, int] = {}
    columns = {name: array("i" if dtype is np.int32 else "B") for name, dtype in COLUMNS}
    count, remaining = 0, iter(items)
    # Durability comes from the folder's rename, which syncs every file once.
    file = LmdbFile(folder, TABLES, readonly=False, lock=False, sync=False)
    try:
        while batch := list(islice(remaining, ITEMS_AT_ONCE)):
            file.change(partial(_put_items, file.tables, batch, count))
            for row, item in enumerate(batch, count):
                _note(item, row, words, languages, columns)
            count += len(batch)
        file.env.sync(True)
    finally:
        file.close()
    for name, dtype in COLUMNS:
        np.save(folder / f"{name}.npy", np.array(columns[name], dtype))
    heard = np.zeros(count, np.int32)
    heard[: min(count, len(plays))] = plays[:count]
    np.save(folder / "plays.npy", heard)
    words.index(count, heard).save(folder / "words")
    manifest = {"format_version": FORMAT_VERSION, "count": count, "languages": list(languages)}
    write_json(folder / "manifest.json", manifest)


def _note(item: Item, row: int, words: Writing, languages: dict[str, int], columns: dict[str, "array[int]"]) -> None:
    title, names = words_of(item.title or ""), [words_of(artist) for artist in item.artists]
    words.add(row, title, TITLE)
    for name in names:
        words.add(row, name, NAME)
    words.add(row, words_of(item.collection or ""), WHERE)
    mine = len(words_of(" ".join((item.title or "", *item.artists))))
    unknown = item.language is None
    columns["kind"].append(KINDS.index(item.kind))
    columns["language"].append(
        UNKNOWN_LANGUAGE if unknown else languages.setdefault(str(item.language), len(languages))
    )
    columns["available"].append(item.available)
    columns["word_count"].append(min(mine, 255))
    columns["title_count"].append(min(len(title), 255))


def _put_items(tables: list[Any], batch: list[Item], first_row: int, txn: lmdb.Transaction) -> None:
    for row, item in enumerate(batch, first_row):
        key = _ROW.pack(row)
        if not txn.put(id_key(item.item_id), key, db=tables[1], overwrite=False):
            raise BadInput(f"item {item.item_id[:80]!r} came twice, again at row {row}; an id has one row")
        txn.put(key, _encoded(item), db=tables[0], append=True)


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
