"""Runs for reports, with values and files that a test knows."""

import base64
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from palate.core.recording import Audio, Image, Table, Value
from palate.lab.book import Book, RunInfo
from palate.lab.plots import bar_plot
from palate.lab.settings import LabSettings

QUIET = LabSettings(system_seconds=0.0)
ABOUT = {"commit": "abc1234", "machine": "x86_64, Linux", "palate": "1.2", "data": "0123456789abcdef0123", "seed": 7}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def sound(path: Path, hz: float = 440.0, seconds: float = 0.05) -> Path:
    """A short tone as a wav file, 8,000 samples a second."""
    time = np.arange(int(8_000 * seconds)) / 8_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes((8_000 * np.sin(2 * np.pi * hz * time)).astype("<i2").tobytes())
    return path


def run(lab: Path, name: str, dim: int = 64, *, about: Mapping[str, Any] | None = None, **values: Value) -> RunInfo:
    """A finished run of the job `train`: loss 1/1, 1/2, 1/3 by step, ndcg_at_10 = dim / 1000, and what is given."""
    book = Book(lab)
    config = {"users": {"dim": dim}, "epochs": 3}
    with book.start("train", name=name, config=config, about=ABOUT | dict(about or {}), settings=QUIET) as kept:
        for step in range(3):
            kept.log({"loss": 1.0 / (step + 1)}, step=step)
        if values:
            kept.log(values, step=3)
        kept.summarize({"ndcg_at_10": dim / 1_000})
    return book.get(kept.id)


def full(lab: Path, tmp: Path) -> list[RunInfo]:
    """Two runs with a table, importances, pictures and sounds."""
    png = tmp / "pixel.png"
    png.write_bytes(PIXEL)
    made = []
    for dim, hz in ((64, 220.0), (128, 330.0)):
        values: dict[str, Value] = {
            "cohorts": Table(["cohort", "ndcg"], [["night owls", 0.25], ["new", 0.125]]),
            "ranker.importance": Table(["feature", "gain", "splits"], [["plays", 0.75, 3], ["tempo", 0.25, dim]]),
            "gains": Image(bar_plot([("plays", 0.75)]), "What it looks at"),
            "pixel": Image(png, "One pixel"),
            "intro": Audio(sound(tmp / f"{dim}.wav", hz), "the first bars"),
        }
        made.append(run(lab, f"dim {dim}", dim, **values))
    return made


def recipe(lab: Path, name: str, text: str) -> Path:
    """A recipe as a person would have written it."""
    path = lab / "reports" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
