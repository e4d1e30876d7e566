"""A simulated world as the judge reads it: inputs beside the truth."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.items import KINDS
from palate.embeddings.inputs import Inputs
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.sources.world import World


def world_inputs(world: World) -> Inputs:
    """All that the world shows: rows of items and listeners are those of its truth."""
    plays = world.plays
    most = int(plays.sitting.max()) + 2
    durations = np.array([np.nan if item.duration_seconds is None else item.duration_seconds for item in world.items])
    history = History(
        user=plays.user,
        item=plays.item,
        timestamp=plays.timestamp,
        event=plays.event,
        seconds_played=plays.seconds_played,
        duration_seconds=durations[plays.item].astype(np.float32),
        session=plays.user.astype(np.int64) * most + plays.sitting + 1,
        users=[str(one.user_id) for one in world.listeners],
        n_items=len(world.items),
    )
    return Inputs(history, playlists_of(world), columns_of(world), listeners_of(world))


def columns_of(world: World) -> ItemColumns:
    """The catalogue's columns."""
    genres, genre = _coded([item.genres[0] if item.genres else None for item in world.items])
    artists, artist = _coded([item.artists[0] if item.artists else None for item in world.items])
    languages, language = _coded([item.language for item in world.items])
    return replace(
        ItemColumns.unknown(len(world.items)),
        kind=np.array([KINDS.index(item.kind) for item in world.items], np.uint8),
        released=np.array([np.nan if item.released is None else item.released for item in world.items]),
        genre=genre, genres=genres, artist=artist, artists=artists, language=language, languages=languages,
    )  # fmt: skip


def playlists_of(world: World) -> Playlists:
    """The playlists, by item row."""
    row = {item.item_id: place for place, item in enumerate(world.items)}
    ids, playlist = _coded([str(stay.playlist_id) for stay in world.playlists])
    times = [[np.nan if t is None else t for t in (stay.added, stay.removed)] for stay in world.playlists]
    added, removed = np.array(times, np.float64).reshape(-1, 2).T
    nobody: list[str | None] = [None] * len(ids)
    return Playlists(
        playlist, np.array([row[stay.item_id] for stay in world.playlists], np.int32),
        np.array([stay.position for stay in world.playlists], np.int32), added, removed, ids, nobody, nobody,
    )  # fmt: skip


def listeners_of(world: World) -> ListenerColumns:
    """The attributes of the listeners, as texts."""
    return ListenerColumns(
        {
            "country": [one.country for one in world.listeners],
            "languages": ["|".join(one.languages) for one in world.listeners],
        }
    )


def _coded(values: Sequence[str | None]) -> tuple[list[str], NDArray[np.int32]]:
    names = sorted({value for value in values if value is not None})
    code = {name: place for place, name in enumerate(names)}
    return names, np.array([-1 if value is None else code[value] for value in values], np.int32)
