"""All that a home holds of one listener, as JSON: what they did, what they were shown, what was made of it."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from palate.core.errors import MissingExtra
from palate.core.home import Home
from palate.core.items import KINDS
from palate.core.listens import Event
from palate.embeddings.habits import SUMS
from palate.embeddings.records import HALF_LIVES_DAYS
from palate.embeddings.states import UserState
from palate.fresh.engine import has_records, open_log, open_store
from palate.listening.backlog import LogBatch
from palate.listening.daily import FILE as DAILY
from palate.listening.daily import DayTastes
from palate.listening.deleted import DeletedUsers
from palate.listening.exposures import FILE as EXPOSURES
from palate.listening.exposures import ExposureLog
from palate.listening.listeners import ListenerTable
from palate.listening.slates import FILE as SLATES
from palate.listening.slates import SlateLog
from palate.listening.weekly import FILE as WEEKLY
from palate.listening.weekly import WeeklyLists
from palate.privacy import rated, snapshots
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore

FORMAT = 1


def export(home: Home, user_id: str, store: RecordStore | None = None) -> dict[str, Any]:
    """Everything that the home holds of a listener; empty lists for one who is not known. Reads the whole log.

    store: the records, where this process has them open already. Times are unix seconds, with ISO 8601 in UTC beside.
    `unread` says what could not be read, and what to do about it.
    """
    with open_log(home.require()) as log:
        listens = [one for batch in log.listens_of(user_id) for one in _told(batch)]
    unread: list[str] = []
    return {
        "format": FORMAT,
        "user_id": user_id,
        "deleted": DeletedUsers.of(home).standing(user_id).deleted,
        "listens": listens,
        "onboarding": [one["item_id"] for one in listens if one["event"] == Event.ONBOARDING.word],
        "shown": _shown(home, user_id),
        "slates": _slates(home, user_id),
        "weekly": _weekly(home, user_id),
        "daily": _daily(home, user_id),
        "attributes": ListenerTable.open(home.listeners).of(user_id),
        "playlists": _playlists(home, user_id, unread),
        "spaces": _spaces(home, user_id, store),
        "snapshots": _paths(home, (one for one in snapshots.snapshots(home) if snapshots.names_any(one, [user_id]))),
        "listening_tests": _paths(home, rated.tests_with(home, [user_id])),
        "unread": unread,
    }


def holds_anything(told: dict[str, Any]) -> bool:
    """Whether an export says more than that nothing is known."""
    return any(told[name] for name in told if name not in ("format", "user_id", "deleted"))


def _told(batch: LogBatch) -> Iterator[dict[str, Any]]:
    for row in range(len(batch)):
        moment = float(batch.timestamp[row])
        told = {
            "offset": int(batch.offsets[row]),
            "item_id": batch.item_id[row],
            "timestamp": moment,
            "time": _iso(moment),
            "event": Event(int(batch.event[row])).word,
            "seconds_played": _known(float(batch.seconds_played[row])),
            "duration_seconds": _known(float(batch.duration_seconds[row])),
            "surface": batch.surface[row] if batch.surface else None,
            "context_id": batch.context_id[row] if batch.context_id else None,
            "position_seconds": batch.position_seconds[row] if batch.position_seconds else None,
            "end_reason": batch.end_reason[row] if batch.end_reason else None,
        }
        yield {name: value for name, value in told.items() if value is not None}


def _shown(home: Home, user_id: str) -> list[dict[str, Any]]:
    path = home.listening / EXPOSURES
    if not path.is_file():
        return []
    with ExposureLog(path) as exposures:
        return [one | {"time": _iso(one["timestamp"])} for one in exposures.shown_to(user_id)]


def _weekly(home: Home, user_id: str) -> dict[str, list[str]]:
    """The items of the kept lists of the week, by week."""
    path = home.listening / WEEKLY
    if not path.is_file():
        return {}
    with WeeklyLists(path) as lists, ItemStore(home.online / "items") as items:
        return {week: [str(items.id(row)) for row in rows.tolist()] for week, rows in lists.of(user_id).items()}


def _daily(home: Home, user_id: str) -> list[dict[str, Any]]:
    """Of each space, the day whose taste is kept, and up to where in the log it holds what they heard.

    The taste itself is what `spaces` tells, as it was at that offset.
    """
    path = home.listening / DAILY
    if not path.is_file():
        return []
    with DayTastes(path) as days:
        kept = days.kept(user_id)
    return [{"space": one.space, "day": str(np.datetime64(one.day, "D")), "offset": one.offset} for one in kept]


def _slates(home: Home, user_id: str) -> list[dict[str, Any]]:
    """What they were answered, and what the request said, without the features of the items."""
    path = home.listening / SLATES
    if not path.is_file():
        return []
    with SlateLog(path) as log:
        return [
            {"timestamp": one.timestamp, "time": _iso(one.timestamp), "answers": one.answers, "ask": one.ask}
            | orjson.loads(orjson.dumps(one.slate))  # as it was answered
            for one in log.shown_to(user_id)
        ]


def _playlists(home: Home, user_id: str, unread: list[str]) -> list[dict[str, Any]]:
    """The memberships of the listener's own playlists; without polars none, and a line in `unread`."""
    if not (home.catalog / "playlists.parquet").is_file():
        return []
    try:
        from palate.catalog.playlists import PlaylistTable
    except ModuleNotFoundError:
        unread.append(f"playlists: {MissingExtra('polars', 'train')}")
        return []
    return PlaylistTable.open(home.catalog).of_owner(user_id)


def _spaces(home: Home, user_id: str, store: RecordStore | None) -> dict[str, Any]:
    """By space: the taste and what the record says."""
    if store is None:
        if not has_records(home):
            return {}
        with open_store(home, readonly=True) as opened:
            return _spaces(home, user_id, opened)
    found = {space: store.get(space, user_id) for space in store.spaces()}
    return {space: _state(UserState.unpack(data)) for space, data in found.items() if data is not None}


def _state(state: UserState) -> dict[str, Any]:
    record = state.record
    heard = np.flatnonzero(record.counts.any(axis=0))
    return {
        "taste": state.taste.tolist(),
        "record": {
            "items": len(record.items),
            "plays": int(record.plays.sum()),
            "skips": int(record.skips.sum()),
            "first": record.first if np.isfinite(record.first) else None,
            "habits": dict(zip(SUMS, record.habits.tolist(), strict=True)),
            "plays_by_kind_and_half_life_days": {
                KINDS[kind].value: dict(zip(map(str, HALF_LIVES_DAYS), record.counts[:, kind].tolist(), strict=True))
                for kind in heard.tolist()
            },
        },
    }


def _paths(home: Home, found: Any) -> list[str]:
    return [Path(path).relative_to(home.root).as_posix() for path in found]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _iso(moment: float) -> str | None:
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):  # a year that the calendar lacks
        return None
