"""One run while it works: started, told things, finished. What it accepted is on disk (journal.py).

A run is a folder `lab/runs/<id>`: run.json says what was started, journal.jsonl what it told, media/ holds tables,
pictures and sounds under the hash of their content. A lock that dies with the process tells a run that works from one
that was interrupted.
"""

import hashlib
import os
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from palate.core.artefacts import atomic_file
from palate.core.errors import BadInput
from palate.core.recording import Audio, Image, Model, Table, Value, recording
from palate.lab.folder import JOURNAL, MEDIA, held, take
from palate.lab.journal import Journal, plain, read_journal
from palate.lab.query import flat
from palate.lab.settings import DEFAULT, LabSettings
from palate.lab.system import Sampler
from palate.lab.tracker import follow

__all__ = ["Run", "held"]

SYNC_SECONDS = 2.0
FILES = (Table, Image, Audio, Model)
SUFFIXES = {".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".svg", ".png"}


class Run:
    """The keeper of one run; `with` it, and what is told inside goes into it (core/recording.py).

    Leaving the block finishes the run: `finished`, or `failed` with the error's text when one passes through, or
    `interrupted` by Ctrl-C, so that it can go on. Calls after that are ignored, and so are those of forked children.
    Several threads may log. BadInput for a folder whose run is over or kept by another process.
    """

    def __init__(self, folder: Path, settings: LabSettings = DEFAULT, lock: int | None = None) -> None:
        self.folder, self.id = folder, folder.name
        self._lock, self._warned, self._ended = threading.Lock(), False, False
        self._held = take(folder) if lock is None else lock
        try:
            self._step = _next_step(folder)
            self._journal = Journal(folder / JOURNAL)
        except BaseException:
            os.close(self._held)
            raise
        self._write({"k": "start", "pid": os.getpid()})
        _keepers.add(self)
        self._sampler = Sampler(self._system, settings.system_seconds) if settings.system_seconds > 0 else None
        self._stop = threading.Event()
        self._syncer = threading.Thread(target=self._keep_synced, name=f"sync {self.id}", daemon=True)
        self._syncer.start()
        self.follower = follow(folder, settings)  # the process that copies this run to the tracker, if one does

    def log(self, values: Mapping[str, Value], step: int | None = None) -> None:
        """Takes values down: numbers and texts at `step`, tables, pictures, sounds and models as files of the run.

        Without a step they get the one after the highest so far. What comes later under the same name and step counts.
        """
        numbers = {name: plain(value) for name, value in values.items() if not isinstance(value, FILES)}
        with self._lock:
            if self._ended:
                return
            step = self._step if step is None else int(step)
            self._step = max(self._step, step + 1)
            if numbers:
                self._write({"k": "log", "s": step, "v": numbers})
            if len(numbers) < len(values):
                for name, value in values.items():
                    if name not in numbers:
                        self._keep_file(name, value, step)

    def summarize(self, values: Mapping[str, Value]) -> None:
        """Sets what the run is listed, filtered and sorted by; otherwise that is the last value of each name."""
        with self._lock:
            if not self._ended:
                self._write({"k": "summary", "v": {name: plain(value) for name, value in flat(values).items()}})

    def finish(self, error: BaseException | None = None) -> None:
        """Ends the run; again changes nothing. Does not wait for the tracker."""
        if self._sampler is not None:
            self._sampler.stop()  # before the end is written, so that its last reading counts
        state = "finished" if error is None else "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        told = {} if error is None else {"error": f"{type(error).__name__}: {error}"}
        with self._lock:
            if self._ended:
                return
            self._write({"k": "end", "state": state} | told)
            self._ended = True
        self._stop.set()
        self._syncer.join()
        self._journal.flush()
        missing = self._journal.waiting + self._journal.lost
        if missing:
            self._warn(f"{missing:,} lines of the run {self.id} could not be written and are lost; free some space")
        self._close()

    def __enter__(self) -> "Run":
        self._recording = recording(self)
        self._recording.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recording.__exit__(kind, error, trace)
        self.finish(error)

    def _close(self) -> None:
        _keepers.discard(self)
        self._journal.close()
        os.close(self._held)

    def _orphan(self) -> None:
        """In a forked child: the run is its parent's, who may die and leave the child; the lock must not stay."""
        if not self._ended:
            self._lock, self._ended, self._sampler = threading.Lock(), True, None
            self._close()

    def _system(self, values: dict[str, float]) -> None:
        with self._lock:
            if not self._ended:
                self._write({"k": "system", "v": values})

    def _write(self, record: dict[str, Any]) -> None:
        error = self._journal.append(record | {"t": time.time()})
        if error is not None and not self._warned:
            self._warned = True
            self._warn(f"the run {self.id} cannot be written ({error.strerror}); the work goes on, free some space")

    def _warn(self, sentence: str) -> None:
        with suppress(OSError, ValueError, AttributeError):  # nobody may be there to read it
            print(f"warning: {sentence}", file=sys.stderr, flush=True)

    def _keep_file(self, name: str, value: Value, step: int) -> None:
        try:
            self._write({"k": "file", "s": step, "name": name} | self._stored(value))
        except (OSError, TypeError, ValueError) as error:
            self._warn(f"{name} of the run {self.id} could not be kept: {error}")

    def _stored(self, value: Value) -> dict[str, Any]:
        match value:
            case Table(columns, data):
                told = {"columns": list(columns), "data": [list(row) for row in data]}
                packed = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY, default=str)
                return {"type": "table", "path": self._kept(packed, ".json")}
            case Model(path, label):
                return {"type": "model", "path": os.path.relpath(path, self.folder), "label": label}
            case Image(data, caption) | Audio(data, caption):
                kind = "image" if isinstance(value, Image) else "audio"
                if kind == "image" and isinstance(data, str) and data.lstrip().startswith("<"):
                    return {"type": kind, "path": self._kept(data.encode(), ".svg"), "caption": caption}
                suffix = Path(data).suffix.lower()
                if suffix not in SUFFIXES:
                    raise OSError(f"{data} is of an unknown kind; its name must end in {', '.join(sorted(SUFFIXES))}")
                return {"type": kind, "path": self._copied(Path(data), suffix), "caption": caption}
        raise TypeError(f"{value!r} is no file of a run")

    def _kept(self, content: bytes, suffix: str) -> str:
        path = self.folder / MEDIA / f"{hashlib.blake2b(content, digest_size=12).hexdigest()}{suffix}"
        if not path.exists():
            with atomic_file(path) as temporary:
                temporary.write_bytes(content)
        return f"{MEDIA}/{path.name}"

    def _copied(self, source: Path, suffix: str) -> str:
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()
        path = self.folder / MEDIA / f"{digest}{suffix}"
        if not path.exists():
            with atomic_file(path) as temporary:
                shutil.copyfile(source, temporary)
        return f"{MEDIA}/{path.name}"

    def _keep_synced(self) -> None:
        while not self._stop.wait(SYNC_SECONDS):
            self._sync()
        self._sync()

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:  # a full disk is told by the next write
            if not self._warned:
                self._warned = True
                self._warn(f"the run {self.id} is not safe against a power cut: {error}")


def _next_step(folder: Path) -> int:
    """The step after the highest so far; BadInput when the run is over."""
    step, over = 0, False
    for _, record in read_journal(folder / JOURNAL):
        step = max(step, record.get("s", -1) + 1)
        over = record.get("k") == "end" and record.get("state") != "interrupted"
    if over:
        raise BadInput(f"the run {folder.name} is over and cannot go on; start another one")
    return step


_keepers: "weakref.WeakSet[Run]" = weakref.WeakSet()


def _orphan_all() -> None:
    for run in list(_keepers):
        run._orphan()


os.register_at_fork(after_in_child=_orphan_all)
