"""The files of a simulated world, in the formats that `palate import` reads.

listens.parquet     user_id, item_id, timestamp (unix seconds), event, seconds_played, duration_seconds, session_id,
                    surface; above ROWS_AT_ONCE events in parts: listens-000.parquet and so on
items.parquet       item_id, kind, title, artists (list), collection, genres (list), language, released,
                    duration_seconds, explicit, available, tempo_bpm, key, mode, energy, valence
playlists.parquet   playlist_id, name, owner, item_id, position, added, removed
listeners.parquet   the fields of Listener
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from palate.core.artefacts import atomic_file
from palate.core.errors import MissingExtra
from palate.core.items import Item, Membership
from palate.core.listens import Event, Listens
from palate.sources.world.catalogue import ATTRIBUTES
from palate.sources.world.listeners import Listener
from palate.sources.world.listening import Plays

ROWS_AT_ONCE = 5_000_000  # events that are held as text at a time
NUMBERS = ("released", "duration_seconds", "added", "removed", *ATTRIBUTES)  # float64 even where all are unknown


def parts(plays: Plays) -> Iterator[Plays]:
    """The events in runs of at most ROWS_AT_ONCE; one empty run when there are none."""
    for first in range(0, max(len(plays), 1), ROWS_AT_ONCE):
        yield plays.take(slice(first, first + ROWS_AT_ONCE))


def write_world(
    folder: Path,
    listens: Iterable[Listens],
    items: list[Item],
    playlists: list[Membership],
    listeners: list[Listener],
) -> None:
    """Writes the four tables, each atomically; MissingExtra without polars."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra("polars", "train") from error

    def write(name: str, columns: dict[str, Any]) -> None:
        numbers = {column: pl.Float64 for column in columns if column in NUMBERS}
        with atomic_file(folder / name) as temporary:
            pl.DataFrame(columns, schema_overrides=numbers).write_parquet(temporary)

    for part, one in enumerate(listens):
        if part == 1:
            (folder / "listens.parquet").rename(folder / "listens-000.parquet")
        write(f"listens-{part:03d}.parquet" if part else "listens.parquet", _listen_columns(one))
    write("items.parquet", _item_columns(items))
    write("playlists.parquet", _columns(playlists, Membership))
    write("listeners.parquet", _columns(listeners, Listener))


def _columns(rows: list[Any], cls: Any) -> dict[str, list[Any]]:
    return {field.name: [getattr(row, field.name) for row in rows] for field in fields(cls)}


def _item_columns(items: list[Item]) -> dict[str, list[Any]]:
    columns = _columns(items, Item)
    columns["kind"] = [item.kind.value for item in items]
    attributes = columns.pop("attributes")
    return columns | {name: [one.get(name) for one in attributes] for name in ATTRIBUTES}


def _listen_columns(listens: Listens) -> dict[str, Any]:
    words = [Event(number).word for number in range(len(Event))]
    return {
        "user_id": listens.user_id,
        "item_id": listens.item_id,
        "timestamp": listens.timestamp,
        "event": [words[number] for number in listens.event.tolist()],
        "seconds_played": listens.seconds_played,
        "duration_seconds": listens.duration_seconds,
        "session_id": listens.session_id,
        "surface": listens.surface,
    }
