"""A worker's life: claim a trial, judge it window by window, tell the study and the book, and again."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from palate.lab.about import here
from palate.lab.book import Book
from palate.lab.run import Run
from palate.lab.settings import LabSettings
from palate.lab.sweeps.space import Value
from palate.lab.sweeps.spec import Spec
from palate.lab.sweeps.study import Claimed, Search

JOB = "sweep trial"
WAIT_SECONDS = 0.5
LEAST_WINDOWS = 2  # before a trial is pruned: one window orders trials worse (Spearman .83 against .97 on 30Music)
OBJECTIVE = "objective"


@dataclass(frozen=True)
class Mark:
    """What a trial got in one window.

    objective more is better; the trial's is the mean over the windows
    parts     the same for parts of those asked, the same parts in the same order for every trial: by these a trial is
              compared with the best one before it is over; NaN where a part has nobody
    values    what else to write down
    """

    objective: float
    parts: Sequence[float]
    values: Mapping[str, float]


Judge = Callable[[Mapping[str, Value]], Iterator[Mark]]


@dataclass(frozen=True)
class Worker:
    """Works on one sweep until `wanted` trials are done or the clock says `until` (unix seconds).

    judge: gives the marks of one trial in `windows` windows, earliest first, each when it is asked for
    """

    name: str
    spec: Spec
    search: Search
    book: Book
    judge: Judge
    windows: int
    wanted: int
    until: float
    settings: LabSettings

    def work(self) -> None:
        """Trials, one after another. KeyboardInterrupt gives the one in work back and passes on."""
        while time.time() < self.until:
            claimed = self.search.claim(self.wanted, self._begin)
            if claimed is not None:
                self._try(claimed, claimed.run)
            elif self.search.busy(self.wanted):
                time.sleep(WAIT_SECONDS)
            else:
                return

    def _begin(self, number: int, values: Mapping[str, Value]) -> Run:
        spec, about = self.spec, dict[str, Any](here() | self.spec.about)
        about |= {"sweep": self.name, "trial": number, "target": spec.target, "data": spec.data, "seed": spec.seed}
        return self.book.start(
            JOB, name=f"{self.name} {number}", config=values, group=spec.group, about=about, settings=self.settings
        )

    def _try(self, claimed: Claimed, run: Run) -> None:
        began, marks = time.process_time(), list[float]()
        try:
            for window, mark in enumerate(self.judge(claimed.values)):
                marks.append(mark.objective)
                run.log({OBJECTIVE: mark.objective} | dict(mark.values), window)
                _report(claimed, window, mark)
                if LEAST_WINDOWS <= len(marks) < self.windows and claimed.hopeless():
                    break
            self._tell(claimed, run, marks, time.process_time() - began)
        except KeyboardInterrupt as stop:
            claimed.give_back()
            run.finish(stop)
            raise
        except BaseException as error:
            run.finish(error)  # the trial is found dead by whoever claims next
            raise
        run.finish()

    def _tell(self, claimed: Claimed, run: Run, marks: list[float], cpu_seconds: float) -> None:
        pruned = len(marks) < self.windows
        objective = claimed.prune(marks) if pruned else claimed.complete(marks)
        run.summarize({OBJECTIVE: objective, "pruned": pruned, "windows": len(marks), "cpu_seconds": cpu_seconds})


def _report(claimed: Claimed, window: int, mark: Mark) -> None:
    for part, value in enumerate(mark.parts):
        if value == value:  # NaN would keep the pruner from ever pruning
            claimed.report(window * len(mark.parts) + part, float(value))
