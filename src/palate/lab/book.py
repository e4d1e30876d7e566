"""All runs of a home: starting one, listing them, reading one.

The folders are the truth; index.sqlite beside them only makes ten thousand of them list in a moment, and is made again
when it is lost or damaged.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from palate.core.artefacts import atomic_file, read_json
from palate.core.errors import BadInput
from palate.lab.folder import ABOUT, FORMAT, JOURNAL, held, take
from palate.lab.index import Index, Mark, mark
from palate.lab.info import FINAL, FileOfRun, RunInfo, State, packed, read_run, unpacked
from palate.lab.journal import number, plain, read_journal
from palate.lab.query import condition, flat, ordered
from palate.lab.run import Run
from palate.lab.settings import DEFAULT, LabSettings

__all__ = ["FINAL", "Book", "FileOfRun", "RunInfo", "Series", "State", "named_values", "read_run"]


@dataclass(frozen=True)
class Series:
    """One name's values over a run: steps ascending, unix seconds, values; n of each."""

    name: str
    steps: list[int]
    times: list[float]
    values: list[float]


class Book:
    """The runs under `folder` (home/lab). Making it touches nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs_folder = folder, folder / "runs"
        self._index = Index(folder / "index.sqlite")

    def start(
        self,
        job: str,
        *,
        name: str = "",
        config: Mapping[str, Any] | None = None,
        group: str = "",
        key: str = "",
        about: Mapping[str, Any] | None = None,
        settings: LabSettings = DEFAULT,
    ) -> Run:
        """Starts a run; with a `key`, the latest run of the same job and key goes on, if it was interrupted.

        OSError when the home cannot be written now; once started, a run never raises for want of disk.
        """
        same = [info for info in self.runs() if (info.job, info.key) == (job, key)] if key else []
        if same and same[-1].state == "interrupted":
            try:
                return Run(self.path(same[-1]), settings)
            except BadInput:  # another process was faster
                pass
        folder = self._made(job)
        lock = take(folder)  # before run.json makes it a run, so that nobody sees it as interrupted
        try:
            _write(folder / ABOUT, _about(folder, job, name, config, group, key, about))
        except BaseException:
            os.close(lock)
            raise
        return Run(folder, settings, lock)

    def record(
        self,
        job: str,
        *,
        name: str = "",
        config: Mapping[str, Any] | None = None,
        group: str = "",
        about: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any],
    ) -> str:
        """Writes down a run that is already over, such as one method's marks in one task; gives its id."""
        folder, now = self._made(job), time.time()
        values = {name: plain(value) for name, value in flat(summary).items()}
        lines = [{"k": "summary", "v": values, "t": now}, {"k": "end", "state": "finished", "t": now}]
        _write(folder / JOURNAL, b"".join(orjson.dumps(line) + b"\n" for line in lines))
        _write(folder / ABOUT, _about(folder, job, name, config, group, "", about))
        info = read_run(folder)
        if info is not None:
            self._index.write([(info.id, mark(folder / JOURNAL), packed(info))])
        return folder.name

    def runs(self, where: str | None = None, sort: str | None = None) -> list[RunInfo]:
        """Every run, oldest first, or those that meet `where`, ordered by `sort` (query.py)."""
        chosen = condition(where) if where else None
        found = [info for info in self._infos() if chosen is None or chosen(info.named)]
        return ordered(found, sort, lambda info: info.named) if sort else found

    def get(self, run: str) -> RunInfo:
        """A run by its id, the beginning of it, or its name (then the latest); BadInput when there is none or many."""
        runs = self.runs()
        exact = [info for info in runs if info.id == run]
        begins = [info for info in runs if info.id.startswith(run)]
        called = [info for info in runs if info.name == run]
        found = exact or (called[-1:] if called else begins)
        if len(found) == 1 and run:
            return found[0]
        if not found:
            raise BadInput(f"no run {run!r}; `palate lab runs` lists what there is")
        raise BadInput(f"{run!r} could be {', '.join(info.id for info in found[:5])}; give more of the id")

    def path(self, info: RunInfo) -> Path:
        """The folder of a run."""
        return self.runs_folder / info.id

    def history(self, info: RunInfo, kind: Literal["log", "system"] = "log") -> dict[str, Series]:
        """Every number that was logged, by name; where a step came twice (after a resumption), the later value."""
        points: dict[str, dict[int, tuple[float, float]]] = {}
        count = 0
        for _, record in read_journal(self.path(info) / JOURNAL):
            if record.get("k") != kind:
                continue
            step = record.get("s", count)
            count += 1
            for name, value in record["v"].items():
                value = number(value)
                if isinstance(value, int | float):
                    points.setdefault(name, {})[step] = (record["t"], float(value))
        return {name: _series(name, by_step) for name, by_step in points.items()}

    def table(self, info: RunInfo, name: str) -> tuple[list[str], list[list[Any]]]:
        """(columns, rows) of the latest table of that name; BadInput names those there are."""
        tables = {file.name: file for file in info.files if file.type == "table"}
        if name not in tables:
            raise BadInput(f"the run {info.id} has no table {name!r}; it has: {', '.join(tables) or 'none'}")
        told = read_json(self.path(info) / tables[name].path)
        return list(told["columns"]), list(told["data"])

    def _made(self, job: str) -> Path:
        stamp = datetime.fromtimestamp(time.time(), UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
        folder = self.runs_folder / f"{stamp}-{secrets.token_hex(2)}-{re.sub(r'[^A-Za-z0-9_.-]', '_', job)[:40]}"
        folder.mkdir(parents=True)
        return folder

    def _infos(self) -> list[RunInfo]:
        if not self.runs_folder.is_dir():
            return []
        names = sorted(entry.name for entry in os.scandir(self.runs_folder) if not entry.name.startswith("."))
        known, root = self._index.read(), str(self.runs_folder)
        infos: list[RunInfo] = []
        new: list[tuple[str, Mark, bytes]] = []
        for name in names:
            now = mark(f"{root}/{name}/{JOURNAL}")  # before it is read: what comes later is seen next time
            info = self._kept(name, *known[name], now) if name in known else None
            if info is None:
                info = read_run(self.runs_folder / name)
                if info is None:
                    continue
                if info.state != "running":
                    new.append((name, now, packed(info)))
            infos.append(info)
        self._index.write(new, known.keys() - set(names))
        return infos

    def _kept(self, name: str, then: Mark, doc: bytes, now: Mark) -> RunInfo | None:
        """The run as the index has it; None when that is not so any more."""
        info = unpacked(doc) if then == now else None
        if info is None or info.state in FINAL:
            return info
        with held(self.runs_folder / name) as alive:
            return None if alive else info


def _about(
    folder: Path,
    job: str,
    name: str,
    config: Mapping[str, Any] | None,
    group: str,
    key: str,
    about: Mapping[str, Any] | None,
) -> bytes:
    told = {
        "format": FORMAT, "job": job, "name": name or folder.name, "group": group, "key": key, "created": time.time(),
        "config": {name: plain(value) for name, value in flat(config or {}).items()},
        "about": {name: plain(value) for name, value in flat(about or {}).items()},
    }  # fmt: skip
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def _write(path: Path, content: bytes) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def _series(name: str, by_step: dict[int, tuple[float, float]]) -> Series:
    steps = sorted(by_step)
    return Series(name, steps, [by_step[step][0] for step in steps], [by_step[step][1] for step in steps])


def named_values(infos: Sequence[RunInfo], of: Literal["config", "summary", "about"]) -> Iterator[str]:
    """Every name that at least one of the runs has, in the order of first use."""
    seen: dict[str, None] = {}
    for info in infos:
        seen |= dict.fromkeys(getattr(info, of))
    yield from seen
