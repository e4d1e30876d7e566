"""What work tells whoever keeps a run of it: numbers by step, tables, pictures, sounds.

Code that trains says `log({"loss": .3}, step=4)`. If a run is being kept (lab/run.py), it takes that down; if none is,
the call costs a look-up (0.1 microseconds) and does nothing. So no room has to know the lab. The names are those of
the trackers `trackio` and `wandb`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Table:
    """Rows under column names; cells are text, numbers, bools or None. `len(row) == len(columns)` for every row."""

    columns: Sequence[str]
    data: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Image:
    """A picture: a .svg or .png file, or the text of an SVG."""

    data_or_path: str | Path
    caption: str = ""


@dataclass(frozen=True)
class Audio:
    """A sound file (.wav, .mp3, .flac, .ogg, .opus, .m4a) to listen to."""

    data_or_path: str | Path
    caption: str = ""


@dataclass(frozen=True)
class Model:
    """A saved model: a file or folder that stays where it is. `label` is how the registry calls it: `taste@7`."""

    path: Path
    label: str = ""


Value = bool | int | float | str | None | Table | Image | Audio | Model


class Recorder(Protocol):
    """What keeps a run."""

    def log(self, values: Mapping[str, Value], step: int | None = None) -> None:
        """Takes values down, numbers at `step` (the next one when None). Never raises for want of disk."""

    def summarize(self, values: Mapping[str, Value]) -> None:
        """Sets what the run is listed and sorted by; else that is the last value logged under each name."""


_current: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def log(values: Mapping[str, Value], step: int | None = None) -> None:
    """Tells the run that is being kept, if one is. Names are dotted words: `ranker.ndcg_at_10`."""
    recorder = _current.get()
    if recorder is not None:
        recorder.log(values, step)


def summarize(values: Mapping[str, Value]) -> None:
    """Tells the run that is being kept, if one is, what it came to."""
    recorder = _current.get()
    if recorder is not None:
        recorder.summarize(values)


def current() -> Recorder | None:
    """Who keeps the present run; None when nobody does."""
    return _current.get()


@contextmanager
def recording(recorder: Recorder | None) -> Iterator[None]:
    """Inside the block, `log` and `summarize` go to `recorder`; threads started inside do not inherit it."""
    token = _current.set(recorder)
    try:
        yield
    finally:
        _current.reset(token)
