"""Copies runs to a tracker: `python -m palate.lab.mirror --tracker trackio FOLDER...`, a process of its own.

It reads a run's journal as it grows and passes it on. So a tracker that is slow, full, locked or broken stops this
process and nothing else, and the copy can be taken up later from where it stood (mirror-<tracker>.json in the run's
folder). After a kill the seconds since the last position come a second time; a point never goes missing.
"""

import argparse
import faulthandler
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from palate.core.artefacts import atomic_file
from palate.core.errors import BadInput, PalateError
from palate.core.locks import alone
from palate.lab.book import FINAL, Book, RunInfo, read_run
from palate.lab.folder import JOURNAL, held
from palate.lab.index import mark
from palate.lab.info import FileOfRun
from palate.lab.journal import number, read_journal
from palate.lab.settings import LabSettings, Tracker
from palate.lab.tracker import Copy, Lost, command, require

POLL_SECONDS = 0.5
SETTLE_SECONDS = 15.0  # between two positions: what may come twice after a kill
WAITS_SECONDS = (5.0, 15.0, 60.0, 120.0, 300.0)  # before trying a tracker again that lost something
GIVE_UP_SECONDS = 600.0  # without a sign of life from the tracker


@dataclass(frozen=True)
class Copied:
    """How far a run has been copied to a tracker.

    called    its name or id there
    position  bytes of its journal that are safely there
    whole     the run is over and all of it is there
    left_out  files the tracker does not take, with the reason
    error     why it is not whole; empty while it is on its way
    """

    run: str
    tracker: str
    called: str = ""
    position: int = 0
    whole: bool = False
    left_out: list[str] = field(default_factory=list)
    error: str = ""


def copied(folder: Path, tracker: Tracker) -> Copied:
    """How far the run in `folder` has been copied; from the beginning where nothing is known."""
    try:
        told = orjson.loads((folder / f"mirror-{tracker}.json").read_bytes())
        return Copied(**told)
    except (OSError, ValueError, TypeError):
        return Copied(folder.name, tracker)


def copy_runs(book: Book, infos: Sequence[RunInfo], tracker: Tracker, settings: LabSettings) -> list[Copied]:
    """Copies runs in a process of their own and waits for it; one that works is copied as far as it is now.

    MissingExtra or BadInput when the tracker is not installed; PalateError with the log's place when it fails.
    """
    require(tracker)
    folders = [book.path(info) for info in infos]
    log = book.folder / f"copy-{tracker}.log"
    with log.open("ab") as out:
        done = subprocess.run(
            [*command(tracker, settings), *map(str, folders)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        whole = sum(copied(folder, tracker).whole for folder in folders)
        raise PalateError(f"{tracker} took {whole} of {len(folders)} runs; {log} says why; again goes on from there")
    return [copied(folder, tracker) for folder in folders]


class Mirror:
    """Passes one run on to one tracker, as the only one that does; `alive` is called again and again."""

    def __init__(self, folder: Path, tracker: Tracker, copy: Copy, alive: Callable[[], None] = lambda: None) -> None:
        self._folder, self._tracker, self._copy, self._alive = folder, tracker, copy, alive
        self._state = copied(folder, tracker)

    def run(self, follow: bool) -> Copied:
        """Sends what is new; with `follow`, until the run is over. Lost or OSError when the tracker stays broken."""
        waits = list(WAITS_SECONDS)
        with _alone(self._folder, self._tracker, wait=follow):
            self._state = copied(self._folder, self._tracker)
            while True:
                before = self._state.position
                try:
                    return self._send(follow)
                except (Lost, OSError) as error:
                    waits = list(WAITS_SECONDS) if self._state.position > before else waits
                    with suppress(OSError):  # the disk that is full for the tracker may be full for us
                        self._save(error=str(error))
                    if not waits:
                        raise
                    self._alive()
                    time.sleep(waits.pop(0))
                except BaseException as error:
                    self._save(error=f"{type(error).__name__}: {error}")
                    raise

    def _send(self, follow: bool) -> Copied:
        info = read_run(self._folder)
        if info is None or (self._state.whole and mark(self._folder / JOURNAL)[0] == self._state.position):
            return self._state
        self._state = replace(self._state, called=self._copy.open(info, self._folder))
        position, settled = self._state.position, time.monotonic()
        for position, record in _tail(self._folder, self._state.position, follow):
            if record is not None:
                self._pass_on(record)
            if time.monotonic() - settled > SETTLE_SECONDS and position > self._state.position:
                self._copy.settle()
                self._save(position=position)
                settled = time.monotonic()
                self._alive()
            elif record is None:
                self._alive()
        info = read_run(self._folder) or info
        self._copy.finish(failed=info.state == "failed")
        return self._save(position=position, whole=info.state != "running", error="")

    def _pass_on(self, record: dict[str, Any]) -> None:
        values = {name: number(value) for name, value in record.get("v", {}).items() if value is not None}
        match record:
            case {"k": "log", "s": int(step)} if values:
                self._copy.log(values, step)
            case {"k": "system"} if values:
                self._copy.system(values)
            case {"k": "summary"} if values:
                self._copy.summarize(values)
            case {"k": "file", "name": name, "type": kind, "path": path, "s": int(step)}:
                file = FileOfRun(name, kind, path, step, record.get("caption", ""), record.get("label", ""))
                why = self._copy.file(file)
                if why:
                    self._state = replace(self._state, left_out=[*self._state.left_out, why])

    def _save(self, **changes: Any) -> Copied:
        self._state = replace(self._state, **changes)
        with atomic_file(self._folder / f"mirror-{self._tracker}.json") as temporary:
            temporary.write_bytes(orjson.dumps(asdict(self._state), option=orjson.OPT_INDENT_2))
        return self._state


def _tail(folder: Path, start: int, follow: bool) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(where the next begins, record) of a journal from `start` on; with `follow`, as it grows, None when it rests."""
    while True:
        with held(folder) as going:
            pass
        for end, record in read_journal(folder / JOURNAL, start):  # after looking: the dead write nothing more
            start = end
            yield end, record
        if not (going and follow):
            return
        yield start, None
        time.sleep(POLL_SECONDS)


def _alone(folder: Path, tracker: Tracker, wait: bool) -> AbstractContextManager[None]:
    """Only one process copies a run to a tracker; the next waits, or says that there is one."""
    busy = BadInput(f"the run {folder.name} is being copied to {tracker} already; wait for its end")
    return alone(folder / f".mirror-{tracker}.lock", None if wait else busy)


def _rearm() -> None:
    """A tracker that hangs ends this process, with a trace of where it hung."""
    faulthandler.dump_traceback_later(GIVE_UP_SECONDS, exit=True)


def main() -> None:
    """Copies the runs that the command line names, and after a followed one the runs of its group."""
    parser = argparse.ArgumentParser(prog="palate.lab.mirror")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--tracker", choices=["trackio", "wandb"], required=True)
    parser.add_argument("--project", default=LabSettings.project)
    parser.add_argument("--wandb-mode", choices=["offline", "online"], default=LabSettings.wandb_mode)
    parser.add_argument("--follow", action="store_true")
    options = parser.parse_args()
    if options.follow:
        os.nice(19)
    folders = [folder.absolute() for folder in options.folders]
    lab = folders[0].parents[1]
    settings = LabSettings(options.tracker, options.project, options.wandb_mode)
    _rearm()
    copy = Copy(options.tracker, lab, settings)
    for folder in folders:
        try:
            Mirror(folder, options.tracker, copy, _rearm).run(options.follow)
        except BadInput as error:  # somebody copies it already
            print(error, flush=True)
    if options.follow:
        ids = {folder.name for folder in folders}
        for info in Book(lab).runs():
            if info.group in ids and info.state in FINAL:
                Mirror(lab / "runs" / info.id, options.tracker, copy, _rearm).run(follow=False)


if __name__ == "__main__":
    main()
