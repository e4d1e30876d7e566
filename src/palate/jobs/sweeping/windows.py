"""Trials judged by what was heard after: the windows of the judge (evaluation/), the latest kept for the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.inputs import Inputs, is_simulated
from palate.evaluation.method import Fitted
from palate.evaluation.run import evaluate
from palate.evaluation.scoring import accuracy, check_lists
from palate.evaluation.splits import EvalSettings, Split, Window, split, windows
from palate.evaluation.tasks.questions import Questions, Task
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.judge.judging import tasks_named
from palate.jobs.judge.ours import ForYou, Taste, Trained, Workshop
from palate.jobs.runs import name_run
from palate.jobs.sweeping.shared import Shared
from palate.lab.sweeps.space import Value, by_section
from palate.lab.sweeps.spec import Sweep
from palate.lab.sweeps.trial import Mark

TASKS = ("next", "discover")
PARTS = 5  # of a window's listeners: with whole windows alone, six of them, a sign test could prune only after four


@dataclass(frozen=True)
class Way:
    """How the models of one moment are made for a target, and which method is judged by them.

    whole   from nothing, as it would be trained
    sharing the same to the bit, with parts that trials have in common, also given where these lie; None when trials
            have none
    method  one of the judge's, of a workshop; it is to be trained with each seed in every window
    """

    whole: Callable[[Inputs, float, int, FitSettings], Trained]
    sharing: Callable[[Inputs, float, int, FitSettings, Shared], Trained] | None
    method: type[Taste] | type[ForYou]


@dataclass(frozen=True)
class Answers:
    """The marks of one set of settings on the held-out windows, a row for each task, window and listener.

    listeners, windows, tasks # (r,) int64; tasks are positions in `names`
    marks                     # (r,) float64, NDCG
    """

    names: tuple[str, ...]
    listeners: NDArray[np.int64]
    windows: NDArray[np.int64]
    tasks: NDArray[np.int64]
    marks: NDArray[np.float64]


def begin(home: Home, sweep: Sweep, held_out: int) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Puts the home's inputs into the sweep's folder; gives the settings by table, the data's hash, and what to tell.

    BadInput when the log does not give a window to search on beside those held out.
    """
    told = read_settings(home.require().settings)
    run, evaluating = name_run(home, None, None), told.section(EvalSettings)
    inputs = gather(home, run.offset)
    there = len(windows(inputs, evaluating))
    if not 1 <= held_out < there:
        raise BadInput(
            f"{held_out} of {there} windows cannot be held out: the search needs one, and so does the evidence; "
            "give another --held-out, or in palate.toml [eval] more windows or less spacing_days"
        )
    inputs.save(sweep.inputs)
    settings = asdict(FitSettings.read(told)) | {"eval": asdict(evaluating)}
    return settings, run.data, {"offset": run.offset, "simulated": is_simulated(inputs)}


@dataclass(frozen=True)
class WindowJudge:
    """Judges settings on the windows of one sweep."""

    way: Way
    inputs: Inputs
    settings: FitSettings
    evaluating: EvalSettings
    held_out_windows: int
    shared: Shared

    @classmethod
    def open(cls, way: Way, sweep: Sweep) -> "WindowJudge":
        """From the sweep's folder alone: what came to the home since is not seen."""
        spec = sweep.spec
        told = dict(spec.settings)
        evaluating = told.pop("eval")
        evaluating = EvalSettings(**evaluating | {"k": tuple(evaluating["k"])})
        inputs = Inputs.load(sweep.inputs)
        return cls(way, inputs, FitSettings.of(told), evaluating, spec.held_out, Shared(sweep.shared))

    @property
    def windows(self) -> int:
        return len(self._asked)

    def prepare(self, part: int, parts: int) -> None:
        """Makes what all trials share, one part of the windows first: so that workers do not wait for each other."""
        if self.way.sharing is not None:
            for cut, _ in self._asked[part::parts]:
                self.way.sharing(cut.known, cut.window.at, self.settings.items.seed, self.settings, self.shared)

    def marks(self, values: Mapping[str, Value]) -> Iterator[Mark]:
        """What settings with these values get in each window of the search, earliest first."""
        settings, sharing = changed(self.settings, values), self.way.sharing

        def made(known: Inputs, at: float, seed: int) -> Trained:
            return (
                sharing(known, at, seed, settings, self.shared)
                if sharing
                else self.way.whole(known, at, seed, settings)
            )

        method = self.way.method(Workshop(made, settings.items.seed))
        for part, asked in self._asked:
            yield self._mark(method.fit(part.known, part.window.at), part, asked, method.name)

    def _mark(self, fitted: Fitted, part: Split, asked: Sequence[tuple[Task, Questions]], name: str) -> Mark:
        n = self.evaluating.k[-1]
        found: dict[str, float] = {}
        parts: list[list[float]] = [[] for _ in range(PARTS)]
        for task, questions in asked:
            lists = task.answers(fitted, part, questions, n)
            check_lists(name, lists, n, task, part, questions)
            marks = accuracy(lists, questions, (n,))[f"ndcg@{n}"]
            found[f"{task.name}.ndcg_at_{n}"] = float(marks.mean())
            for number, share in enumerate(parts):
                mine = marks[questions.rows % PARTS == number]
                share += [float(mine.mean())] if len(mine) else []
        whole = [float(np.mean(share)) if share else float("nan") for share in parts]
        return Mark(float(np.mean(list(found.values()))), whole, found)

    @cached_property
    def _asked(self) -> list[tuple[Split, list[tuple[Task, Questions]]]]:
        """The windows of the search that have a question, each cut out of everything, with its questions."""
        found = []
        for window in self._searched:
            part = split(self.inputs, window)
            asked = [(task, task.questions(part, self.evaluating)) for task in tasks_named(TASKS)]
            asked = [(task, questions) for task, questions in asked if len(questions)]
            found += [(part, asked)] if asked else []
        if not found:
            raise BadInput(f"no listener has enough plays before one of {len(self._searched)} windows; import more")
        return found

    @property
    def _searched(self) -> list[Window]:
        return windows(self.inputs, self.evaluating)[: -self.held_out_windows]

    @property
    def unseen(self) -> EvalSettings:
        """Windows side by side over all the time after the last window of the search, to the log's end.

        More of them than were held out, where windows have spaces between: all of that time was kept from the search.
        """
        one, since = self.evaluating, self._searched[-1].end
        length_days = one.horizon_days + one.gap_hours * HOUR_SECONDS / DAY_SECONDS
        fitting = int((self.inputs.end - since) / DAY_SECONDS / length_days)
        return replace(one, windows=max(fitting, 1), spacing_days=length_days)

    def held_out(self, values: Mapping[str, Value]) -> Answers:
        """What settings with these values get where the search never looked, trained with each of the judge's seeds."""
        settings = changed(self.settings, values)
        workshop = Workshop(lambda known, at, seed: self.way.whole(known, at, seed, settings), settings.items.seed)
        method = self.way.method(workshop, everywhere=True)
        found = evaluate(self.inputs, [method], self.unseen, tasks_named(TASKS))
        names = tuple(found.tasks)
        tables = [found.tasks[name] for name in names]
        return Answers(
            names,
            listeners=np.concatenate([one.rows for one in tables]).astype(np.int64),
            windows=np.concatenate([one.windows for one in tables]).astype(np.int64),
            tasks=np.repeat(np.arange(len(tables)), [len(one.rows) for one in tables]),
            marks=np.concatenate([one.values[method.name][found.main] for one in tables]),
        )


def changed(settings: FitSettings, values: Mapping[str, Value]) -> FitSettings:
    """The settings with other values, by their names in palate.toml."""
    for table, keys in by_section(values).items():
        settings = replace(settings, **{table: replace(getattr(settings, table), **keys)})
    return settings
