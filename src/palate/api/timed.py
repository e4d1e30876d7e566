"""An Encoder that tells how long it takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.encoder import Encoder
from palate.embeddings.folding import RecordColumns
from palate.listening.listeners import ListenerColumns


def _nobody(seconds: float) -> None:
    """Who asks for no time."""


@dataclass(frozen=True)
class TimedEncoder(Encoder):
    """The same tastes; `took` is told how many seconds each call took."""

    took: Callable[[float], None] = _nobody

    def encode_columns(self, records: RecordColumns, told: ListenerColumns | None = None) -> NDArray[np.float32]:
        """As Encoder.encode_columns, which is what folding calls."""
        begun = time.perf_counter()
        tastes = super().encode_columns(records, told)
        self.took(time.perf_counter() - begun)
        return tastes


def timed(encoder: Encoder, took: Callable[[float], None]) -> Encoder:
    """The same encoder, telling `took`."""
    told = {one.name: getattr(encoder, one.name) for one in fields(Encoder)}
    return TimedEncoder(**told, took=took)
