"""Who has been deleted: a file that is only added to, and that holds no id.

    {"format": 1, "salt": "9f…"}
    {"move": "delete", "user": "41…", "at": 1764000000.0}      nothing of this person is taken in any more
    {"move": "done", "user": "41…", "at": …, "listens": 812}   all that the home held is gone
    {"move": "allow", "user": "41…", "at": …, "before": …}     the id may come back; what is dated before stays out

`user` is the BLAKE2b of the id, keyed with the file's own salt. It recognises an id that is given. To list the deleted
one would have to guess their ids, so ids that can be guessed (numbers, addresses) are not hidden from who has the file.
"""

import json
import math
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.core.home import Home
from palate.core.locks import alone

FILE = "deleted.jsonl"  # in home.listening, beside the log
FORMAT = 1


@dataclass(frozen=True)
class Standing:
    """What the file says of one id.

    before  what is dated before this (unix seconds) is left out: inf while deleted, -inf for somebody never deleted
    done    the line of the last deletion that was finished since it was asked for; None for none
    """

    before: float = -math.inf
    done: dict[str, Any] | None = None

    @property
    def deleted(self) -> bool:
        """True from the request to delete until the id is allowed again."""
        return self.before == math.inf


class DeletedUsers:
    """The deleted of one home. Making it touches nothing; every question looks whether the file has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark: tuple[int, int] | None = None
        self._salt = b""
        self._standing: dict[str, Standing] = {}

    @classmethod
    def of(cls, home: Home) -> "DeletedUsers":
        """Those of a home."""
        return cls(home.listening / FILE)

    @classmethod
    def beside(cls, log: Path) -> "DeletedUsers":
        """Those of the home that a listening log is of."""
        return cls(log.parent / FILE)

    def refresh(self) -> bool:
        """Reads the file if it has changed; True when it had. Corrupt for a file of a newer Palate."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            changed, self._mark, self._standing = self._mark is not None, None, {}
            return changed
        mark = (stat.st_mtime_ns, stat.st_size)
        if mark == self._mark:
            return False
        self._mark, self._standing = mark, {}
        for line in self._lines():
            if "salt" in line:
                if line.get("format", 0) > FORMAT:
                    raise Corrupt(f"{self.path} has format {line['format']}, this Palate reads {FORMAT}; upgrade it")
                self._salt = bytes.fromhex(line["salt"])
            else:
                self._take(line)
        return True

    def standing(self, user_id: str) -> Standing:
        """What is to be done with this id."""
        self.refresh()
        return self._of(user_id)

    def among(self, user_ids: Iterable[str]) -> set[str]:
        """Those of `user_ids` who are deleted now."""
        self.refresh()
        return {user for user in user_ids if self._of(user).deleted} if self._standing else set()

    def left_out(self, user_ids: Sequence[str], timestamp: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """(n,) True for each listen that may not be taken in; None, which costs nothing, when all may."""
        self.refresh()
        if not self._standing:
            return None
        before = {user: self._of(user).before for user in set(user_ids)}
        if all(one == -math.inf for one in before.values()):
            return None
        return np.array([before[user] for user in user_ids], np.float64) > timestamp

    def delete(self, user_ids: Sequence[str], at: float | None = None) -> None:
        """From now on nothing of these is taken in; on disk when it returns. Those who are deleted stay so."""
        self._add([{"move": "delete"} for _ in user_ids], user_ids, at)

    def done(self, user_id: str, told: dict[str, Any]) -> None:
        """All that the home held of this id is gone; `told` says how much that was, and must not say whose."""
        self._add([{"move": "done", **told}], [user_id], None)

    def allow(self, user_id: str, past: bool, at: float | None = None) -> bool:
        """The id may come back, as that of a new person; False when it was not deleted.

        past: False leaves out what is dated before now, so that an old export does not bring the deleted listens back.
        """
        if not self.standing(user_id).deleted:
            return False
        at = time.time() if at is None else at
        self._add([{"move": "allow", "before": None if past else at}], [user_id], at)
        return True

    def _of(self, user_id: str) -> Standing:
        return self._standing.get(self._hash(user_id), Standing()) if self._standing else Standing()

    def _take(self, line: dict[str, Any]) -> None:
        user, move = str(line.get("user")), line.get("move")
        if move == "delete":
            self._standing[user] = Standing(math.inf)
        elif move == "done":
            self._standing[user] = Standing(self._standing.get(user, Standing()).before, line)
        elif move == "allow":
            before = line.get("before")
            self._standing[user] = Standing(-math.inf if before is None else float(before))

    def _hash(self, user_id: str) -> str:
        data = user_id.encode("utf-8", "surrogatepass")
        return blake2b(data, digest_size=16, key=self._salt).hexdigest()

    def _lines(self) -> Iterator[dict[str, Any]]:
        for line in self.path.read_bytes().split(b"\n"):
            try:
                told = json.loads(line) if line.strip() else None
            except ValueError:  # the end of a writer that was killed; it had promised nothing yet
                continue
            if isinstance(told, dict):
                yield told

    def _add(self, lines: list[dict[str, Any]], user_ids: Sequence[str], at: float | None) -> None:
        with alone(self.path.with_suffix(".lock")):
            self.refresh()
            text = ""
            if not self._salt:
                self._salt = secrets.token_bytes(16)
                text = json.dumps({"format": FORMAT, "salt": self._salt.hex()}) + "\n"
            for line, user in zip(lines, user_ids, strict=True):
                told = line | {"user": self._hash(user), "at": time.time() if at is None else at}
                text += json.dumps(told) + "\n"
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                os.write(descriptor, b"\n" * torn + text.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sync_folder(self.path.parent)
            self._mark = None


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
