"""The copy of a run at a tracker: `trackio` or `wandb`. They speak one dialect; what differs is in this file.

Only the process of lab/mirror.py imports them. A run's own process gets as far as `follow`, which starts that one.
"""

import atexit
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from palate.core.errors import BadInput, MissingExtra
from palate.lab.info import FileOfRun, RunInfo
from palate.lab.settings import LabSettings, Tracker

# Neither may look for an account, a newer version, a Space or a server: a copy stays on this machine unless
# palate.toml says wandb_mode = "online".
QUIET = {
    "WANDB_SILENT": "true", "WANDB_CONSOLE": "off", "WANDB_ERROR_REPORTING": "false", "WANDB_DISABLE_GIT": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1", "GRADIO_ANALYTICS_ENABLED": "False",
}  # fmt: skip
ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_WEBHOOK_URL", "WANDB_RUN_ID", "WANDB_RUN_GROUP")
LOST = ("could not be persisted", "may be dropped", "Could not flush")  # how trackio says that points are gone
_followers: list[subprocess.Popen[bytes]] = []


class Lost(Exception):
    """The tracker did not keep what it was given."""


def installed(tracker: str) -> bool:
    """Whether the library is there; a folder `./wandb`, which wandb leaves where it ran, is not the library."""
    spec = importlib.util.find_spec(tracker)
    return spec is not None and spec.origin is not None


def require(tracker: str) -> None:
    """MissingExtra, or BadInput, with the pip command when the library is not there."""
    if tracker not in ("trackio", "wandb"):
        raise BadInput(f"{tracker!r} is no tracker to copy to; choose trackio or wandb")
    if not installed(tracker):
        if tracker == "trackio":
            raise MissingExtra("trackio", "lab")
        raise BadInput("this needs wandb, which is not installed; run: pip install wandb")


def command(tracker: str, settings: LabSettings) -> list[str]:
    """The command of a mirror, less the folders of its runs. -P: a wandb/ in the working folder is no library."""
    told = ["--tracker", tracker, "--project", settings.project, "--wandb-mode", settings.wandb_mode]
    return [sys.executable, "-P", "-m", "palate.lab.mirror", *told]


def follow(folder: Path, settings: LabSettings) -> "subprocess.Popen[bytes] | None":
    """Starts the process that copies a run while it works, if there is a tracker; never raises, never waits.

    It is a process of its own, niced, in its own session: neither its load nor its end reaches the training.
    """
    tracker = os.environ.get("PALATE_TRACKER") or settings.tracker
    if tracker == "none":
        return None
    try:
        if not installed(tracker):
            _say_once(folder.parents[1], tracker)
            return None
        _followers[:] = [one for one in _followers if one.poll() is None]  # reaps those that ended
        with (folder / f"mirror-{tracker}.log").open("ab") as log:
            follower = subprocess.Popen(
                [*command(tracker, settings), "--follow", str(folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        print(f"note: the run {folder.name} is not copied to {tracker} ({error})", file=sys.stderr)
        return None
    _followers.append(follower)
    return follower


@atexit.register
def _let_go() -> None:
    """A follower may outlive us, and that is no mistake that Python should warn of."""
    for one in _followers:
        one.returncode = one.poll() or 0


def _say_once(lab: Path, tracker: Tracker | str) -> None:
    marker = lab / f".no-{tracker}"
    if not marker.exists():
        marker.touch()
        pip = "'palate[lab]'" if tracker == "trackio" else tracker
        print(
            f"note: runs are kept in {lab}; to copy them to {tracker} too: pip install {pip} "
            '(or say tracker = "none" under [lab] in palate.toml)',
            file=sys.stderr,
        )


class Copy:
    """One run at a tracker. Errors of the tracker are raised as they come: who calls is the mirror, not a training."""

    def __init__(self, tracker: Tracker, lab: Path, settings: LabSettings) -> None:
        for name in ELSEWHERE:
            os.environ.pop(name, None)
        place = lab / tracker
        place.mkdir(parents=True, exist_ok=True)
        os.environ |= QUIET | {
            "TRACKIO_DIR": str(place.absolute()),
            "WANDB_DIR": str(place.absolute()),
            "WANDB_MODE": settings.wandb_mode,
        }
        self._tracker, self._project = tracker, settings.project
        self._module: ModuleType = importlib.import_module(tracker)
        self._warnings: list[str] = []
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = self._heard  # trackio raises nothing: what it lost it says in a warning
        self._given: dict[str, Any] = {}

    def open(self, info: RunInfo, folder: Path) -> str:
        """Begins the run there, or goes on with it; gives what it is called there."""
        self._folder, self._last = folder, 0
        config = {name.lstrip("_") or "_": value for name, value in info.config.items()}  # trackio keeps _ to itself
        config |= {f"about.{name}": value for name, value in info.about.items()} | {"run": info.id, "job": info.job}
        self._given = {"project": self._project, "group": info.group or info.job, "config": config, "resume": "allow"}
        if self._tracker == "trackio":
            # It finds a run by its name alone, which here many may share.
            name = info.id if info.name == info.id else f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', info.name)[:60]} {info.id}"
            self._given |= {"name": name, "embed": False, "auto_log_cpu": False, "auto_log_gpu": False}
            self._module.init(**self._given)
            return name
        quiet = self._module.Settings(x_disable_stats=True, x_disable_meta=True, disable_code=True)
        run = self._module.init(**self._given, id=info.id, name=info.name, job_type=info.job, settings=quiet)
        self._module.define_metric("step")  # its own steps only ascend; ours may come again under another name
        self._module.define_metric("*", step_metric="step")
        self._summary = run.summary
        return info.id

    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Numbers and texts at a step."""
        self._last = max(self._last, step)
        if self._tracker == "trackio":
            self._module.log(dict(values), step=step)
        else:
            self._module.log({**values, "step": step})

    def system(self, values: Mapping[str, Any]) -> None:
        """What the process took of the machine."""
        if self._tracker == "trackio":
            self._module.log_system(dict(values))
        else:
            self._module.log({f"system/{name}": value for name, value in values.items()})

    def summarize(self, values: Mapping[str, Any]) -> None:
        """What the run came to; trackio has no place for that but a point."""
        if self._tracker == "trackio":
            self.log({f"summary/{name}": value for name, value in values.items()}, self._last)
        else:
            self._summary.update(dict(values))

    def file(self, file: FileOfRun) -> str:
        """A table, picture, sound or model's label; gives why when it does not take it, else an empty text."""
        path = self._folder / file.path
        if file.type == "model":
            self.log({file.name: file.label or file.path}, file.step)
            return ""
        if not path.is_file():
            return f"{file.name}: {file.path} is gone"
        if file.type == "table":
            told = orjson.loads(path.read_bytes())
            value = self._module.Table(columns=told["columns"], data=told["data"])
        elif file.type == "audio":
            value = self._module.Audio(str(path), caption=file.caption)
        elif path.suffix == ".svg" and self._tracker == "wandb":  # its Image opens bitmaps only
            value = self._module.Html(path.read_text(encoding="utf-8"), inject=False)
        else:
            value = self._module.Image(str(path), caption=file.caption)
        before = len(self._warnings)
        self.log({file.name: value}, file.step)
        return "; ".join(text for text in self._warnings[before:] if "skipped metric" in text)

    def settle(self) -> None:
        """Returns when what was given is on the tracker's disk; Lost when it is not.

        trackio's log only queues, and only its finish waits for the queue; wandb's hands over to another process.
        """
        if self._tracker == "trackio":
            self._module.finish()
            self._check()
            self._module.init(**self._given)

    def finish(self, failed: bool) -> None:
        """Ends the run there; Lost when something of it was not kept."""
        if self._tracker == "trackio":
            self._module.finish()
        else:
            self._module.finish(exit_code=int(failed))
        self._check()

    def _check(self) -> None:
        lost = [text for text in self._warnings if any(words in text for words in LOST)]
        self._warnings.clear()
        if lost:
            raise Lost(lost[0])

    def _heard(self, message: Warning | str, *_: Any, **__: Any) -> None:
        text = str(message)
        if text not in self._warnings:
            print(f"{self._tracker}: {text}", file=sys.stderr, flush=True)
        self._warnings.append(text)
