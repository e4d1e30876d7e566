"""What is known of one run, and how it is read from its folder."""

import math
import time
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from palate.lab.folder import ABOUT, FORMAT, JOURNAL, held
from palate.lab.journal import number, plain, read_journal

State = Literal["running", "finished", "failed", "interrupted"]
FINAL = ("finished", "failed")
_ENDLESS = (math.inf, -math.inf)


@dataclass(frozen=True)
class FileOfRun:
    """One table, picture, sound or model of a run. `path` is relative to the run's folder."""

    name: str
    type: Literal["table", "image", "audio", "model"]
    path: str
    step: int = 0
    caption: str = ""
    label: str = ""


@dataclass(frozen=True)
class RunInfo:
    """What a run is listed by.

    id       sorts by time; the folder's name
    job      what kind of work: train, eval, sweep, ...
    group    runs that belong together: the id of a sweep or of the judging they are part of; else empty
    key      fingerprint of what the work reads, by which an interrupted run is found again; else empty
    created, ended, seconds  # unix seconds; ended is None while it works or was interrupted
    config   settings, flat with dotted names
    summary  the last value of each name, or what the work said it came to
    about    data (hash of the inputs), space, commit, palate, python, machine, seeds, simulated
    resumed  how many times it went on after an interruption
    """

    id: str
    job: str
    name: str
    state: State
    created: float
    group: str = ""
    key: str = ""
    ended: float | None = None
    seconds: float = 0.0
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    files: list[FileOfRun] = field(default_factory=list)
    resumed: int = 0
    steps: int = 0
    error: str = ""

    def named(self, name: str) -> Any:
        """The value under a name: a field, else of the summary, the config, or about; None where there is none.

        `summary.x`, `config.x` and `about.x` look in one of them only.
        """
        if name in FIELDS:
            return getattr(self, name)
        for place in (self.summary, self.config, self.about):
            if name in place:
                return place[name]
        table, _, rest = name.partition(".")
        if rest and table in ("summary", "config", "about"):
            return getattr(self, table).get(rest)
        return None


FIELDS = {one.name for one in fields(RunInfo)} - {"config", "summary", "about", "files"}


def packed(info: RunInfo) -> bytes:
    """A run as a document of the index."""
    odd = [
        (table, name, plain(value))
        for table in ("config", "summary", "about")
        for name, value in getattr(info, table).items()
        if value != value or value in _ENDLESS
    ]
    return orjson.dumps((info, odd))


def unpacked(doc: bytes) -> RunInfo | None:
    """The run of such a document; None for what is none, or is one of another Palate."""
    try:
        told, odd = orjson.loads(doc)
        for table, name, value in odd:
            told[table][name] = number(value)
        if told["files"]:
            told["files"] = [FileOfRun(**one) for one in told["files"]]
        return RunInfo(**told)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def read_run(folder: Path) -> RunInfo | None:
    """A run read from its folder; None for a folder that is none, such as one whose writer died at its first line."""
    told = _read_about(folder)
    if told is None:
        return None
    created = told["created"]
    logged: dict[str, Any] = {}
    said: dict[str, Any] = {}
    files: dict[tuple[str, int], FileOfRun] = {}
    starts, steps, worked, begun, last = 0, 0, 0.0, created, created
    end: dict[str, Any] | None = None
    for _, record in read_journal(folder / JOURNAL):
        match record:
            case {"k": "log", "v": dict(values), "s": int(step)}:
                logged |= values
                steps = max(steps, step + 1)
            case {"k": "summary", "v": dict(values)}:
                said |= values
            case {"k": "file", "name": str(name), "type": kind, "path": str(path), "s": int(step)}:
                texts = {key: record[key] for key in ("caption", "label") if key in record}
                files[name, step] = FileOfRun(name, kind, path, step, **texts)
            case {"k": "start", "t": float(time_)}:
                starts, end, worked, begun = starts + 1, None, worked + last - begun, time_
            case {"k": "end", "state": "finished" | "failed" | "interrupted"}:
                end = record
        last = max(last, record.get("t", last))
    state: State = "interrupted"
    if end is not None:
        state = end["state"]
    else:
        with held(folder) as alive:
            state = "running" if alive else "interrupted"
    told["error"] = (end or {}).get("error", told["error"])
    return RunInfo(
        id=folder.name, state=state, summary={name: number(value) for name, value in (logged | said).items()},
        files=list(files.values()), steps=steps, resumed=max(starts - 1, 0), ended=last if state in FINAL else None,
        seconds=worked + (time.time() if state == "running" else last) - begun, **told,
    )  # fmt: skip


def _read_about(folder: Path) -> dict[str, Any] | None:
    """run.json; where it is damaged or of a newer Palate, what the folder's name says, and an error that says so."""
    try:
        about = orjson.loads((folder / ABOUT).read_bytes())
    except OSError:
        return None
    except ValueError:
        about = None
    match about:
        case {
            "format": int(version), "job": str(), "name": str(), "group": str(), "key": str(),
            "created": float() | int(), "config": dict(config), "about": dict(said),
        } if version <= FORMAT:  # fmt: skip
            told = {key: about[key] for key in ("job", "name", "group", "key", "created")}
            told["config"] = {name: number(value) for name, value in config.items()}
            return told | {"about": {name: number(value) for name, value in said.items()}, "error": ""}
    try:
        created = datetime.strptime(folder.name[:19], "%Y%m%d-%H%M%S-%f").replace(tzinfo=UTC).timestamp()
    except ValueError:
        created = folder.stat().st_mtime
    job = folder.name[25:] or "unknown"
    why = f"{folder / ABOUT} is damaged or was written by a newer Palate; restore it or update Palate"
    return {"job": job, "name": folder.name, "created": created, "error": why}
