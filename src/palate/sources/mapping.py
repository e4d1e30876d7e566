"""Which column of a file means what: by its own name, by a well-known other name, or as the reader says with --map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from palate.core.errors import BadInput

Mapping: TypeAlias = dict[str, str]  # target -> the file's column, as in --map user=DJ,item=Artist; "" for none

ATTRIBUTE_PREFIX = "attributes."
_SHORT = {"user": "user_id", "item": "item_id", "playlist": "playlist_id"}


@dataclass(frozen=True)
class Field:
    """One thing that a file may say. `aliases` are other names for it, looked for when its own is absent.

    A name in `milliseconds` holds the same in milliseconds and is divided by 1000, also when it is mapped by hand.
    """

    name: str
    aliases: tuple[str, ...] = ()
    milliseconds: tuple[str, ...] = ()
    required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return self.aliases + self.milliseconds


USER = Field("user_id", ("user", "userid", "user_name", "username", "listener_id", "listener"), required=True)
ITEM = Field("item_id", ("item", "itemid", "track_id", "song_id", "episode_id", "audiobook_id"), required=True)
WHEN = ("ts", "time", "date", "datetime", "played_at", "listened_at", "unix_time", "unixtime")
DURATION = Field("duration_seconds", ("duration", "length"), ("duration_ms", "length_ms"))

LISTEN_FIELDS = (
    USER,
    ITEM,
    Field("timestamp", WHEN, required=True),
    Field("event", ("event_type", "action")),
    Field("seconds_played", ("played_seconds", "playtime"), ("ms_played", "played_ms")),
    DURATION,
    Field("session_id", ("session",)),
    Field("surface"),
    Field("context_id", ("context",)),
    Field("event_id", ("id",)),
)

# Spotify's features keep their names, except two whose unit the name lacks.
ATTRIBUTE_FIELDS = (
    Field("tempo_bpm", ("tempo", "bpm")),
    Field("loudness_db", ("loudness",)),
    Field("popularity", ("track_popularity",)),
    *(Field(name) for name in ("energy", "valence", "danceability", "key", "mode")),
    *(Field(name) for name in ("speechiness", "acousticness", "instrumentalness", "liveness")),
)

ITEM_FIELDS = (
    Field("item_id", (*ITEM.aliases, "id"), required=True),
    Field("kind", ("item_kind",)),  # not "type": it says too many other things in the wild
    Field("title", ("track_name", "song_name", "episode_name", "item_name", "name")),
    Field("artists", ("artist", "artist_name", "artist_names", "track_artist", "track_artists", "author", "authors")),
    Field("collection", ("album", "album_name", "track_album_name", "show", "show_name", "podcast", "book")),
    Field("genres", ("genre", "track_genre", "playlist_genre", "categories", "tags")),
    Field("subgenres", ("subgenre", "playlist_subgenre")),
    Field("language", ("lang",)),
    Field("released", ("release_date", "released_at", "track_album_release_date", "album_release_date", "published")),
    DURATION,
    Field("explicit", ("is_explicit",)),
    Field("available", ("is_available", "is_playable")),
    *ATTRIBUTE_FIELDS,
)

PLAYLIST_FIELDS = (
    Field("playlist_id", ("playlist", "playlistid", "pid", "id"), required=True),
    Field("item_id", ITEM.aliases),
    Field("items", ("tracks", "item_ids", "track_ids")),
    Field("position", ("pos", "track_position", "item_position")),
    Field("name", ("playlist_name",)),
    Field("owner", ("owner_id", *USER.aliases, "user_id")),
    Field("added", ("added_at", "date_added")),
    Field("removed", ("removed_at", "date_removed")),
)

TARGETS = tuple(dict.fromkeys(one.name for one in (*LISTEN_FIELDS, *ITEM_FIELDS, *PLAYLIST_FIELDS)))


def parse_mapping(text: str | None, free: bool = False) -> Mapping:
    """Reads `--map user=DJ,item=Artist`: target=column pairs with commas between; None and "" map nothing.

    user, item and playlist are short for user_id, item_id and playlist_id; attributes.NAME makes any number an
    attribute of an item; `key=` leaves key unread. `free` takes any target, for files that may hold any columns.
    BadInput for a pair without "=", a target unknown or named twice.
    """
    mapping: Mapping = {}
    for pair in (text or "").split(","):
        if not pair.strip():
            continue
        target, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or not target:
            raise BadInput(f"--map {pair.strip()!r} is not target=column; write for example --map user=DJ,item=Artist")
        target = _SHORT.get(target, target)
        if not free and target not in TARGETS and not _is_attribute(target):
            raise BadInput(f"--map cannot fill {target!r}; choose from {', '.join(TARGETS)}, attributes.NAME")
        if target in mapping:
            raise BadInput(f"--map names {target} twice ({mapping[target]!r} and {column!r}); keep one")
        mapping[target] = column
    return mapping


def divisor(fields: Sequence[Field], target: str, columns: Mapping) -> float:
    """What to divide the numbers of `target`'s column by, to get its unit."""
    column = columns[target].lower()
    return 1000.0 if any(one.name == target and column in one.milliseconds for one in fields) else 1.0


def _is_attribute(target: str) -> bool:
    return target.startswith(ATTRIBUTE_PREFIX) and len(target) > len(ATTRIBUTE_PREFIX)


def resolve(fields: Sequence[Field], mapping: Mapping, columns: Sequence[str], file: str, loose: bool) -> Mapping:
    """Finds the column of every field that the file has: target -> column.

    A mapped column comes first, then the field's own name, then an alias (whatever its case). `loose` is for files
    whose rows name their own columns (jsonl): an optional field that was not seen yet may still come.
    BadInput when a required field or a mapped column is missing, when two aliases could be meant, when a column that
    is needed occurs twice, or when a mapped target does not belong to this kind of file.
    """
    _check_mapping(fields, mapping, columns, file)
    taken = set(mapping.values())
    found = dict(mapping)
    for one in fields:
        if found.get(one.name) or (one.name in found and not one.required):
            continue
        column = _column_of(one, [name for name in columns if name not in taken], file)
        if column is None and one.required and (columns or not loose):
            raise BadInput(
                f"{file} has no column for {one.name}; its columns are: {_listed(columns)}. "
                f"Rename one, or say which with --map {one.name}=COLUMN (csv needs a header line)"
            )
        if column is not None or (loose and one.name not in columns):
            found[one.name] = column or one.name
    found = {target: column for target, column in found.items() if column}
    for target, column in found.items():
        if list(columns).count(column) > 1:
            raise BadInput(f"{file} has more than one column named {column!r}, needed for {target}; rename the others")
    return found


def resolve_listeners(mapping: Mapping, columns: Sequence[str], file: str, loose: bool) -> Mapping:
    """As `resolve` for a file of listeners: user_id, and every other column under its own name or the one mapped to it.

    Columns without a name are left out. BadInput as `resolve`, and when a mapped name is that of another column.
    """
    user = resolve([USER], {name: mapping[name] for name in mapping if name == USER.name}, columns, file, loose)
    others = {target: column for target, column in mapping.items() if target != USER.name}
    taken = {user[USER.name], *others.values()}
    kept = {name: name for name in columns if name.strip() and name not in taken and others.get(name) != ""}
    clash = next((name for name in others if others[name] and name in kept), None)
    if clash is not None:
        raise BadInput(f"{file} has a column {clash!r} already; leave out --map {clash}={others[clash]}, or rename one")
    return resolve([USER, *map(Field, (*kept, *others))], user | kept | others, columns, file, loose)


def _check_mapping(fields: Sequence[Field], mapping: Mapping, columns: Sequence[str], file: str) -> None:
    names = [one.name for one in fields]
    attributes = any(one in ATTRIBUTE_FIELDS for one in fields)
    for target, column in mapping.items():
        if target not in names and not (attributes and _is_attribute(target)):
            raise BadInput(f"--map {target} does not belong to this kind of file; choose from {', '.join(names)}")
        if columns and column and column not in columns:
            raise BadInput(f"{file} has no column {column!r} for {target}; its columns are: {_listed(columns)}")


def _column_of(one: Field, columns: Sequence[str], file: str) -> str | None:
    if one.name in columns:
        return one.name
    found = [column for column in columns if column.strip().lower() in (one.name, *one.names)]
    if len(found) > 1:
        raise BadInput(
            f"{file}: {' and '.join(found)} could both be {one.name}; say which with --map {one.name}={found[0]}"
        )
    return found[0] if found else None


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(column[:40] for column in columns[:40])
    return shown + (f" and {len(columns) - 40} more" if len(columns) > 40 else "")
