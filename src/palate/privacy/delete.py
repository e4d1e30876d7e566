"""Deleting people: `ask`, which is durable and blocks their return, then `carry_out`, which may be killed anywhere.

    1. log, exposures, slates, lists of the week, tastes of the day,
       attributes, records                                  from here on every answer is a stranger's
    2. once no training is under way, which would bring them back:
       records again, playlists and tables, snapshots, listening tests, leftovers of killed writers
    3. the files of 1 are written anew, since databases keep the bytes of what was deleted
    4. the request itself

Everything is looked for by the id and may be done twice, so a request that is found pending is carried out from the
start; only step 1 is not repeated while a training holds step 2 up.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from palate.catalog.kept import FILE as PLAYLISTS
from palate.catalog.kept import forget_owners
from palate.core.artefacts import read_json, write_json
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.locks import alone
from palate.fresh.engine import open_log, open_store
from palate.fresh.lock import FoldLock, Rounds
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
from palate.privacy import files, rated, snapshots
from palate.privacy.asked import Asked, ask, pending
from palate.store.record_store import RecordStore

POLL_SECONDS = 0.1
REST_SECONDS = 1.0  # between two tries while a training is under way
SERVER_SECONDS = 120.0  # how long to wait for a running server to do it
Shown = ExposureLog | SlateLog | WeeklyLists | DayTastes
SHOWN: dict[str, tuple[str, type[Shown]]] = {
    "exposures": (EXPOSURES, ExposureLog), "slates": (SLATES, SlateLog), "weekly": (WEEKLY, WeeklyLists),
    "daily": (DAILY, DayTastes),
}  # fmt: skip
KINDS = (
    "listens",
    "exposures",
    "slates",
    "weekly",
    "daily",
    "attributes",
    "records",
    "playlists",
    "snapshots",
    "tests",
    "files",
)


@dataclass(frozen=True)
class Deleted:
    """One deletion.

    done  False while a training is under way: what it holds goes when it has ended
    found # how much was removed, by KINDS; after a crash what the last run still found
    """

    user_id: str
    done: bool
    found: dict[str, int]


def delete(home: Home, user_ids: Sequence[str], wait_seconds: float = SERVER_SECONDS) -> list[Deleted]:
    """Asks for these to be deleted, and sees to it: does it here, or waits for the server that follows the home.

    Requests that a crash left pending are finished along with them. PalateError when a server has not finished in
    `wait_seconds`; the request stays, and whoever folds next carries it out.
    """
    wanted = list(dict.fromkeys(user_ids))
    ask(home.require(), wanted)
    asked = pending(home)
    for one in asked:
        _clear_tables(home, one)  # here, since a server may lack polars
    lock, end = FoldLock(home.online / "fold.lock"), time.monotonic() + wait_seconds
    try:
        while not lock.mine():
            if not {one.user_id for one in pending(home)} & set(wanted):
                return [outcome(home, user) for user in wanted]
            if time.monotonic() > end:
                raise PalateError(
                    f"the server that follows {home.root} has not finished in {wait_seconds:.0f} s; the request is "
                    "written down and stays in force: look at the server's log, or stop it and delete again"
                )
            time.sleep(POLL_SECONDS)
        with open_store(home) as store:
            carry_out(home, store)
    finally:
        lock.close()
        for one in asked:
            if not one.path.exists():  # a server was faster
                one.tables.unlink(missing_ok=True)
    return [outcome(home, user) for user in wanted]


def outcome(home: Home, user_id: str) -> Deleted:
    """How the deletion of one user stands; `done` also for one that was finished long ago."""
    waiting = next((one for one in pending(home) if one.user_id == user_id), None)
    if waiting is not None:
        return Deleted(user_id, False, waiting.found or {})
    line = DeletedUsers.of(home).standing(user_id).done
    found = {name: int((line or {}).get(name, 0)) for name in KINDS}
    return Deleted(user_id, line is not None, found)


def carry_out(home: Home, store: RecordStore) -> None:
    """Carries out what is asked for, as far as it can be now. The caller leads (fresh/lock.py); rounds are held up."""
    asked = pending(home)
    if not asked:
        return
    with Rounds(home.online / "fold").held_up():
        deleted = DeletedUsers.of(home)
        deleted.delete([one.user_id for one in asked if not deleted.standing(one.user_id).deleted])
        new = [one for one in asked if one.found is None]
        removed = _forget(home, store, [one.user_id for one in new]) if new else {}
        asked = [replace(one, found=removed[one.user_id]) if one.found is None else one for one in asked]
        for one in asked:
            if one.user_id in removed:
                one.save()
        training = PalateError("a training is under way")
        try:
            with alone(home.jobs / ".lock", training):
                _finish(home, store, asked)
        except PalateError as error:
            if error is not training:
                raise


class Deletions:
    """What the leading worker does for who asked to be deleted; to be called in every round."""

    def __init__(self, home: Home, store: RecordStore) -> None:
        self._home, self._store, self._next = home, store, 0.0

    def carry_out(self) -> None:
        """Carries out what is asked for. What a training holds up is tried again later; folding goes on meanwhile."""
        if time.monotonic() < self._next or not pending(self._home):
            return
        carry_out(self._home, self._store)
        if pending(self._home):
            self._next = time.monotonic() + REST_SECONDS


def _forget(home: Home, store: RecordStore, users: list[str]) -> dict[str, dict[str, int]]:
    """Step 1; gives by user what was removed."""
    forget_owners(home.online / PLAYLISTS, users)
    with open_log(home) as log:
        listens = log.erase(users)
    shown = {kind: one.erase(users) for kind, one in _shown(home)}
    attributes = dict.fromkeys(users, 0)
    if home.listeners.is_file():
        with ListenerTable.changing(home.listeners) as table:
            attributes = {user: len(table.of(user)) for user in users}
            table.forget(users)
    return {
        user: {"listens": listens[user], "attributes": attributes[user], "records": store.delete(user)}
        | {kind: shown[kind][user] if kind in shown else 0 for kind in SHOWN}
        for user in users
    }


def _shown(home: Home) -> Iterator[tuple[str, Shown]]:
    """Each log of what listeners were shown that there is, opened, by the name of its kind."""
    for kind, (file, log) in SHOWN.items():
        if (home.listening / file).is_file():
            with log(home.listening / file) as opened:
                yield kind, opened


def _finish(home: Home, store: RecordStore, asked: list[Asked]) -> None:
    """Steps 2 to 4."""
    users = [one.user_id for one in asked]
    forget_owners(home.online / PLAYLISTS, users)
    late = {user: store.delete(user) for user in users}  # what a training published meanwhile
    held: dict[str, dict[str, int]] = {one.user_id: _clear_tables(home, one) for one in asked}
    for user in users:
        held[user] |= {
            "snapshots": sum(snapshots.names_any(folder, [user]) for folder in snapshots.snapshots(home)),
            "tests": len(rated.tests_with(home, [user])),
        }
    for folder in snapshots.snapshots(home):
        snapshots.forget(folder, users)
    for folder in rated.tests_with(home, users):
        rated.forget(folder, {one.user_id: one.path.stem for one in asked})
    files.forget_rejects(home, users)
    files.sweep_temporaries(home)
    _shred(home, store)
    for one in asked:
        found: dict[str, Any] = {**(one.found or {}), **held[one.user_id]}
        found["records"] = found.get("records", 0) + late[one.user_id]
        DeletedUsers.of(home).done(one.user_id, found)
        one.close()


def _clear_tables(home: Home, one: Asked) -> dict[str, int]:
    """Playlists and tables of one user, unless that is done; needs no lock of folders. MissingExtra without polars."""
    if one.tables.is_file():
        told: dict[str, int] = read_json(one.tables)
        return told
    removed = {
        "playlists": files.forget_playlists(home, [one.user_id])[one.user_id],
        "files": sum(files.forget(path, [one.user_id]) for path in files.tables(home)),
    }
    write_json(one.tables, removed)
    return removed


def _shred(home: Home, store: RecordStore) -> None:
    """Step 3."""
    with open_log(home) as log:
        log.shred()
    for _, one in _shown(home):
        one.shred()
    store.shred()
