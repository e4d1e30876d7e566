"""Who asked to be deleted and is not gone yet: one small file each, on disk before anything is removed.

home/listening/leaving/<random>.json holds the id, since whoever goes on after a crash has to know it. The file is the
last thing of a person to go.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from palate.core.artefacts import read_json, write_json
from palate.core.home import Home
from palate.listening.deleted import DeletedUsers


@dataclass(frozen=True)
class Asked:
    """One request to be deleted. Its random name is forgotten with it.

    found # what has been removed from log, records and attributes, by what it is; None until that is done
    """

    path: Path
    user_id: str
    found: dict[str, int] | None = None

    def save(self) -> None:
        """Writes the request down, durably; after `ask` only the folder of records does."""
        write_json(self.path, {"user_id": self.user_id, "found": self.found})

    @property
    def tables(self) -> Path:
        """Says that playlists and tables are done, and how many: a file of its own, as another process may do them."""
        return self.path.with_suffix(".tables")

    def close(self) -> None:
        """The user is gone: takes the request off the disk."""
        self.path.unlink(missing_ok=True)
        self.tables.unlink(missing_ok=True)
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def folder(home: Home) -> Path:
    """Where requests wait."""
    return home.listening / "leaving"


def ask(home: Home, user_ids: list[str]) -> None:
    """Durably asks for these to be deleted; from now on nothing of them is taken in. Asking twice is asking once."""
    waiting = {one.user_id for one in pending(home)}
    for user in user_ids:
        if user not in waiting:
            Asked(folder(home) / f"{secrets.token_hex(8)}.json", user).save()
    DeletedUsers.of(home).delete([user for user in user_ids if user not in waiting])


def pending(home: Home) -> list[Asked]:
    """Everybody who asked and is not gone yet, in no order."""
    try:
        names = os.listdir(folder(home))
    except FileNotFoundError:
        return []
    asked: list[Asked] = []
    for path in (folder(home) / name for name in names if not name.startswith(".") and name.endswith(".json")):
        try:
            told = read_json(path)
        except FileNotFoundError:  # finished since
            continue
        asked.append(Asked(path, str(told["user_id"]), told["found"]))
    return asked
