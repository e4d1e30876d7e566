"""Looking for somebody in every byte of a home."""

import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import polars as pl

from palate.core.home import Home

VICTIM = "victim-of-the-test-0001"
ITEMS = [f"sim-track-{number:05d}" for number in range(1, 6)]


def places(home: Home, text: str) -> list[str]:
    """Every file, by its path in the home, whose bytes hold the text, as they are or unpacked."""
    found = []
    for path in sorted(home.root.rglob("*")):
        if path.is_file() and any(text.encode() in content for content in contents(path)):
            found.append(path.relative_to(home.root).as_posix())
        if text in path.name:
            found.append(f"name of {path.relative_to(home.root).as_posix()}")
    return found


def contents(path: Path) -> list[bytes]:
    """The bytes of a file and of what is packed in it: members of .npz, columns of parquet, of logs their batches."""
    parts = [path.read_bytes()]
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as members:
            parts += [members.read(name) for name in members.namelist()]
    elif path.suffix == ".parquet":
        parts.append(str(pl.read_parquet(path).to_dicts()).encode())
    elif path.name == "log.sqlite":
        import sqlite3

        with closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT extras FROM batches WHERE extras IS NOT NULL").fetchall()
        parts += [zlib.decompress(extras) for (extras,) in rows]
    elif path.name == "slates.sqlite":
        import sqlite3

        with closing(sqlite3.connect(path)) as db:
            parts += [zlib.decompress(answer) for (answer,) in db.execute("SELECT answer FROM slates").fetchall()]
    return parts
