"""Files of a home that name listeners and are no part of its machinery: tables that were asked for into it, rejects.

A table is told by its columns: rows whose `user_id` is the listener's go, and playlists whose `owner` they are.
"""

import csv
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

from palate.core.artefacts import atomic_file
from palate.core.errors import MissingExtra
from palate.core.home import Home

_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")


def tables(home: Home) -> list[Path]:
    """The parquet, csv, jsonl and json files outside the folders whose formats are Palate's own, by path."""
    own = {home.catalog, home.listening, home.spaces, home.online, home.jobs, home.lab}
    found = (path for suffix in ("parquet", "csv", "jsonl", "json") for path in home.root.rglob(f"*.{suffix}"))
    return sorted(path for path in found if not any(path.is_relative_to(folder) for folder in own))


def forget(path: Path, user_ids: Sequence[str]) -> bool:
    """Takes the rows of these out of one table; False when it has none. MissingExtra for parquet without polars."""
    ways: dict[str, Callable[[Path, set[str]], bool]] = {
        ".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl, ".json": _export,
    }  # fmt: skip
    return ways[path.suffix](path, set(user_ids))


def forget_rejects(home: Home, user_ids: Sequence[str]) -> int:
    """Drops every rejected row that holds one of these ids anywhere in it; gives from how many files."""
    return sum(
        _rewrite_csv(path, lambda _, row: not any(user in cell for user in user_ids for cell in row))
        for path in sorted(home.rejects.glob("*.csv"))
    )


def forget_playlists(home: Home, user_ids: Sequence[str]) -> dict[str, int]:
    """Drops the playlists that these own from the catalogue; gives how many memberships each had.

    MissingExtra without polars.
    """
    if not (home.catalog / "playlists.parquet").is_file():
        return dict.fromkeys(user_ids, 0)
    try:
        from palate.catalog.playlists import PlaylistTable
    except ModuleNotFoundError as error:
        raise MissingExtra("polars", "train") from error
    with PlaylistTable.changing(home.catalog) as playlists:
        return playlists.forget_owners(user_ids)


def sweep_temporaries(home: Home) -> None:
    """Removes what killed writers left half-written (core/artefacts.py): it may name anybody."""
    for path in home.root.rglob(".*.tmp"):
        found = _TEMPORARY.fullmatch(path.name)
        if found is None or _alive(int(found[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if process == os.getpid():
        return True  # a table that another thread writes just now
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _parquet(path: Path, gone: set[str]) -> bool:
    try:
        import polars as pl
    except ModuleNotFoundError as error:
        raise MissingExtra("polars", "train") from error
    columns = [
        name
        for name, kind in pl.read_parquet_schema(path).items()
        if name in ("user_id", "owner") and kind == pl.String
    ]
    if not columns:
        return False
    table = pl.read_parquet(path, memory_map=False)
    left = table.filter(~pl.any_horizontal(pl.col(columns).is_in(list(gone))).fill_null(False))
    if len(left) == len(table):
        return False
    with atomic_file(path) as temporary:
        left.write_parquet(temporary)
    return True


def _csv(path: Path, gone: set[str]) -> bool:
    def stays(head: list[str], row: list[str]) -> bool:
        return not any(
            name in ("user_id", "owner") and cell.strip() in gone for name, cell in zip(head, row, strict=False)
        )

    return _rewrite_csv(path, stays)


def _rewrite_csv(path: Path, stays: Callable[[list[str], list[str]], bool]) -> bool:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        ending = "\r\n" if file.readline().endswith("\r\n") else "\n"
        file.seek(0)
        head, *rows = list(csv.reader(file)) or [[]]
    left = [row for row in rows if stays(head, row)]
    if len(left) == len(rows):
        return False
    out = StringIO(newline="")
    csv.writer(out, lineterminator=ending).writerows([head, *left])
    with atomic_file(path) as temporary:
        temporary.write_bytes(out.getvalue().encode("utf-8", "surrogateescape"))
    return True


def _jsonl(path: Path, gone: set[str]) -> bool:
    lines = path.read_bytes().splitlines(keepends=True)
    left = [line for line, names in zip(lines, _named(lines), strict=True) if names.isdisjoint(gone)]
    if len(left) == len(lines):
        return False
    with atomic_file(path) as temporary:
        temporary.write_bytes(b"".join(left))
    return True


def _export(path: Path, gone: set[str]) -> bool:
    """Deletes what `palate user export` wrote of one of these; any other JSON stays."""
    if next(_named([path.read_bytes()])).isdisjoint(gone):
        return False
    path.unlink()
    return True


def _named(lines: list[bytes]) -> Iterator[set[str]]:
    """For each line the listeners that it names."""
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        yield {str(told.get(name)) for name in ("user_id", "owner")} if isinstance(told, dict) else set()
