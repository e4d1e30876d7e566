"""The lab in the words of the usual trackers: `from palate.lab import dialect as wandb`, and a script's calls stay.

`init`, `log`, `Table`, `Audio`, `Image`, `finish`: the same names, whichever tracker palate.toml chooses.
"""

import atexit
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palate.core import recording
from palate.core.home import Home
from palate.core.recording import Audio, Image, Table, Value, log
from palate.core.settings import read_settings
from palate.lab.book import Book
from palate.lab.run import Run
from palate.lab.settings import LabSettings

__all__ = ["Audio", "Image", "Table", "Value", "finish", "init", "log"]


def init(
    project: str = "script",
    name: str = "",
    config: Mapping[str, Any] | None = None,
    group: str = "",
    home: Path | str | None = None,
) -> Run:
    """Starts a run of the job `project` in a home (PALATE_HOME, else ./palate-home); `log` goes to it until `finish`.

    A run of this script that was not finished is. Raises MissingHome where there is no home.
    """
    finish()
    place = Home(Path(home or os.environ.get("PALATE_HOME", "palate-home"))).require()
    settings = LabSettings.read(read_settings(place.settings))
    run = Book(place.lab).start(project, name=name, config=config, group=group, settings=settings)
    run.__enter__()
    atexit.register(_end, run)
    return run


def finish() -> None:
    """Ends the present run, if there is one."""
    run = recording.current()
    if isinstance(run, Run):
        run.__exit__(None, None, None)


def _end(run: Run) -> None:
    """What a script left open is over when it is; `last_value` is what ended it, if something did."""
    run.finish(getattr(sys, "last_value", None))
