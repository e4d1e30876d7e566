"""What all variants share in a week: factorizations, company, the default lesson and the default foundation."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundation import PACKAGE, data_key, digest
from palate.core.artefacts import read_arrays, read_json, write_arrays, write_json
from palate.embeddings.company import Company, fit_company
from palate.embeddings.foundation import (
    Foundation,
    FoundationSettings,
    factor_settings,
    fit_factors,
    fit_foundation,
    fit_lesson,
)
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel
from palate.embeddings.teacher import Lesson

EMBEDDINGS = sorted((PACKAGE / "embeddings").glob("*.py"))


@dataclass
class Shared:
    """The default training of one moment, step by step; each step is made once and kept in `folder`.

    A step that is found in `folder` is read instead. The folder is that of this code, these settings and this data.
    """

    known: Inputs
    settings: FoundationSettings
    folder: Path

    @cached_property
    def models(self) -> list[ItemModel]:
        """The teacher's factorizations; the first is where vectors begin."""

        def make(path: Path) -> None:
            made = fit_factors(self.known, self.settings)
            write_arrays(path, **{f"{place}": model.vectors for place, model in enumerate(made)})

        arrays = read_arrays(self._made("factors", make))
        return [ItemModel(arrays[f"{place}"], factor_settings(self.settings.items)) for place in range(len(arrays))]

    @cached_property
    def company(self) -> Company:
        def make(path: Path) -> None:
            fit_company(self.known.history, self.known.playlists).save(path)

        return Company.load(self._made("company", make))

    @cached_property
    def lesson(self) -> Lesson:
        """The default teacher's lists."""
        models, company = self.models, self.company

        def make(path: Path) -> None:
            fit_lesson(self.known, models, company, self.settings).save(path)

        return Lesson.load(self._made("lesson", make))

    @cached_property
    def foundation(self) -> Foundation:
        """What production would have published."""
        models, lesson = self.models, self.lesson

        def make(path: Path) -> None:
            fit_foundation(self.known, models, lesson, self.settings).save(path)

        return Foundation.load(self._made("foundation", make))

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds of each step that was made, by its name, whenever that was."""
        return {path.stem: read_json(path) for path in sorted(self.folder.glob("*.json"))}

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file of a step, made when it is not there."""
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            began = time.process_time()
            make(path)
            write_json(path.with_suffix(".json"), time.process_time() - began)
        return path

    @property
    def rankable(self) -> NDArray[np.bool_]:
        """(items,) True for what may be listed: what is available and was ever heard or put on a playlist."""
        return np.asarray(self.known.columns.available & self.lesson.known)


@dataclass
class Workshop:
    """Gives every variant the same shared parts of a moment."""

    folder: Path
    settings: FoundationSettings = field(default_factory=FoundationSettings)
    _shared: dict[str, Shared] = field(default_factory=dict, repr=False)

    def of(self, known: Inputs) -> Shared:
        """The parts of what is known; the same object for the same data."""
        key = data_key(known)
        if key not in self._shared:
            texts = [repr(self.settings), *(path.read_text(encoding="utf-8") for path in EMBEDDINGS)]
            folder = self.folder / f"shared-{digest(key.encode(), *(text.encode() for text in texts))}"
            folder.mkdir(parents=True, exist_ok=True)
            self._shared[key] = Shared(known, self.settings, folder)
        return self._shared[key]
