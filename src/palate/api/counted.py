"""A Folder that tells the metrics what it did."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from palate.api.metrics import Metrics
from palate.embeddings.encoder import Encoder
from palate.embeddings.records import UserRecord
from palate.fresh.fold import Folded, Folder
from palate.listening.listeners import ListenerColumns


def _nobody(seconds: float) -> None:
    """Who asks for no time."""


@dataclass(frozen=True)
class TimedEncoder(Encoder):
    """An Encoder that tells how many seconds each call took."""

    took: Callable[[float], None] = _nobody

    def encode(
        self, records: Sequence[UserRecord], told: ListenerColumns | None = None, now: float = np.nan
    ) -> NDArray[np.float32]:
        """As Encoder.encode."""
        begun = time.perf_counter()
        tastes = super().encode(records, told, now)
        self.took(time.perf_counter() - begun)
        return tastes


@dataclass(frozen=True)
class CountedFolder(Folder):
    """A Folder whose work shows in /metrics."""

    metrics: Metrics | None = None

    def catch_up(self, most: int | None = None) -> Folded:
        """As Folder.catch_up."""
        begun = time.perf_counter()
        folded = super().catch_up(most)
        if self.metrics is not None and folded.listens:
            self.metrics.batch_listens.labels(self.space).observe(folded.listens)
            self.metrics.batch_listeners.labels(self.space).observe(folded.listeners)
            self.metrics.fold_seconds.labels(self.space).observe(time.perf_counter() - begun)
        return folded


def counted(folder: Folder, metrics: Metrics) -> Folder:
    """The same folder, counting into `metrics` under its space."""
    took = metrics.encode_seconds.labels(folder.space).observe
    encoder = folder.encoder
    timed = TimedEncoder(**{one.name: getattr(encoder, one.name) for one in fields(Encoder)}, took=took)
    told = {one.name: getattr(folder, one.name) for one in fields(Folder)}
    return replace(CountedFolder(**told), encoder=timed, metrics=metrics)
