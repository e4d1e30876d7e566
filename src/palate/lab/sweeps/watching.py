"""What the one who started a sweep sees of it: a bar on a terminal, and the sweep's own run in the book."""

import time
from types import TracebackType

from tqdm import tqdm

from palate.lab.run import Run
from palate.lab.sweeps.study import Search, best


class Watch:
    """Looks at the trials whenever `look` is called. A context manager: the bar goes away at its end."""

    def __init__(self, name: str, search: Search, run: Run, wanted: int, until: float) -> None:
        self._name, self._search, self._run, self._wanted, self._until = name, search, run, wanted, until
        self._told: set[int] = set()

    def __enter__(self) -> "Watch":
        self._bar = tqdm(total=self._wanted, desc=self._name, unit="trial", disable=None, leave=False)
        self._bar.update(self.look())
        self._bar.reset(self._wanted)  # the pace is that of now, not of what was done before
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def look(self) -> int:
        """How many trials are finished; new ones are told to the run, by trial: what each got, and the best so far."""
        trials = self._search.trials()
        done = [trial for trial in trials if trial.state in ("complete", "pruned")]
        for trial in sorted(done, key=lambda trial: trial.ended or 0.0):
            if trial.number not in self._told and trial.objective is not None:
                self._told.add(trial.number)
                top = best([one for one in done if (one.ended or 0.0) <= (trial.ended or 0.0)])
                values = {"objective": trial.objective, "pruned": trial.state == "pruned"}
                self._run.log(values | ({"best": top.objective} if top else {}), step=trial.number)
        self._show(len(done), sum(trial.state == "pruned" for trial in done), best(done))
        return len(done)

    def _show(self, done: int, pruned: int, top: object) -> None:
        found = getattr(top, "objective", None)
        told = {"pruned": pruned, "best": "-" if found is None else f"{found:.5f}"}
        left = self._until - time.time()
        if left < 1e7:
            told["time left"] = f"{max(left, 0.0) / 60:.0f} min"
        self._bar.n = done
        self._bar.set_postfix(told, refresh=True)
