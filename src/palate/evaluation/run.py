"""One evaluation: every method, on every window, for every task."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.progress import progress
from palate.core.recording import log, recording
from palate.embeddings.inputs import Inputs
from palate.evaluation.beside import Beside
from palate.evaluation.cohorts import Cohorts
from palate.evaluation.coldstart import ColdStart, cold_start
from palate.evaluation.method import Fitted, Method, Seeded
from palate.evaluation.metrics import overlap
from palate.evaluation.scoring import Sheet, check_lists, marked, mean_sheet
from palate.evaluation.splits import EvalSettings, Split, Window, planned, split
from palate.evaluation.staleness import Aged, aged
from palate.evaluation.tasks import standard_tasks
from palate.evaluation.tasks.hours import NextHours
from palate.evaluation.tasks.questions import LISTENERS, Questions, Task
from palate.evaluation.tasks.week import ColdNext, Next
from palate.listening.history import History

CEILING, BASELINE = "ceiling", "baseline"


@dataclass(frozen=True)
class Data:
    """What was evaluated on; `start` and `end` are home seconds."""

    listens: int
    users: int
    items: int
    start: float
    end: float


@dataclass(frozen=True)
class TaskValues:
    """One row per (question, window), the same rows for every method.

    task    what was asked
    rows    # (r,) int32, listeners, playlists or items
    windows # (r,) int64, positions in `Evaluation.windows`
    values  # by method, then by metric ("ndcg@100"): (r,) float64
    whole   # by method, then by metric ("coverage@100"): (windows with questions,) float64
    seeds   # by method trained more than once: (seeds,) its main metric with each seed, over the windows where it was
    cohorts # by cohort: (r,) bool; empty unless rows are listeners
    """

    task: Task
    rows: NDArray[np.int32]
    windows: NDArray[np.int64]
    values: dict[str, dict[str, NDArray[np.float64]]]
    whole: dict[str, dict[str, NDArray[np.float64]]]
    seeds: dict[str, NDArray[np.float64]]
    cohorts: dict[str, NDArray[np.bool_]]


@dataclass
class Cost:
    """What a method took, over all windows and seeds."""

    fit_seconds: list[float] = field(default_factory=list)
    ask_seconds: float = 0.0
    lists: int = 0

    @property
    def ms_per_list(self) -> float:
        """Milliseconds to answer one question; NaN when none was asked."""
        return 1000.0 * self.ask_seconds / self.lists if self.lists else float("nan")


@dataclass(frozen=True)
class Evaluation:
    """Everything that a report needs.

    missing       why a task has no values, by task
    rules         the cohorts' rules, by cohort; left_out why a cohort does not apply, by cohort
    last, fitted  the latest window and the methods as trained on it (first seed), for whoever looks further into them
    """

    data: Data
    settings: EvalSettings
    windows: list[Window]
    dropped: list[Window]
    methods: list[Method]
    tasks: dict[str, TaskValues]
    missing: dict[str, str]
    aged: Aged | None
    cold: ColdStart | None
    costs: dict[str, Cost]
    rules: dict[str, str]
    left_out: dict[str, str]
    last: Split
    fitted: dict[str, Fitted]

    @property
    def main(self) -> str:
        """The metric that orders methods and is tested: NDCG at the longest k."""
        return f"ndcg@{self.settings.k[-1]}"


@dataclass(frozen=True)
class _Block:
    """One task in one window: what TaskValues holds, before the windows are joined."""

    asked: Questions
    window: int
    sheets: dict[str, list[Sheet]]
    cohorts: dict[str, NDArray[np.bool_]]


@dataclass
class _Marks:
    """What is collected window by window: marks, ages, first listens, costs."""

    settings: EvalSettings
    tasks: list[Task]
    costs: dict[str, Cost]
    ceilings: set[str]
    blocks: dict[str, list[_Block]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    ages: list[Aged] = field(default_factory=list)
    colds: list[ColdStart] = field(default_factory=list)

    def fit(self, method: Method, part: Split, latest: bool) -> list[Fitted]:
        """The method as trained on one window; several times when its training is random."""
        variants = [method]
        if isinstance(method, Seeded):
            seeds = self.settings.seeds if method.everywhere or latest else 1
            variants = [method.seeded(self.settings.seed + number) for number in range(seeds)]
        models = []
        for variant in variants:
            began = time.perf_counter()
            with recording(None):  # the run is about the marks, not about each of the models
                models.append(variant.fit(part.known, part.window.at))
            self.costs[method.name].fit_seconds.append(time.perf_counter() - began)
        return models

    def ask(
        self,
        part: Split,
        number: int,
        fitted: dict[str, list[Fitted]],
        membership: dict[str, NDArray[np.bool_]],
    ) -> None:
        """Asks every task of one window of every method that can answer it."""
        beside = Beside.of(part)
        for task in self.tasks:
            asked = task.questions(part, self.settings)
            able = {name: models for name, models in fitted.items() if all(task.able(one) for one in models)}
            if not (len(asked) and able):
                self.missing.setdefault(task.name, task.missing if able else "none of the methods can be asked this")
                continue
            sheets = {
                name: [self._sheet(name, one, task, part, asked, beside) for one in models]
                for name, models in able.items()
            }
            members = {name: mask[asked.rows] for name, mask in membership.items()} if task.of == LISTENERS else {}
            self.blocks.setdefault(task.name, []).append(_Block(asked, number, sheets, members))
            if isinstance(task, NextHours):
                first = {name: models[0] for name, models in able.items() if name not in self.ceilings}
                self.ages.append(aged(task, part, asked, number, first, self.settings))

    def ask_newcomers(self, part: Split, inputs: Inputs, number: int, fitted: dict[str, list[Fitted]]) -> None:
        """The cold-start curve of one window, beside the task of who is hardly known."""
        if any(isinstance(task, ColdNext) for task in self.tasks):
            first = {name: models[0] for name, models in fitted.items() if name not in self.ceilings}
            found = cold_start(part, inputs, number, first, self.settings)
            self.colds += [found] if found else []

    def of_window(self, number: int) -> dict[str, float]:
        """The mean of the main metric by task and method in one window: `next.for_you.ndcg_at_100`."""
        k = self.settings.k[-1]
        return {
            f"{task}.{name}.ndcg_at_{k}": float(np.mean([sheet.values[f"ndcg@{k}"].mean() for sheet in sheets]))
            for task, blocks in self.blocks.items()
            for name, sheets in (blocks[-1].sheets.items() if blocks[-1].window == number else ())
        }

    def _sheet(self, name: str, fitted: Fitted, task: Task, part: Split, asked: Questions, beside: Beside) -> Sheet:
        began, n = time.perf_counter(), self.settings.k[-1]
        lists = task.answers(fitted, part, asked, n)
        self.costs[name].ask_seconds += time.perf_counter() - began
        self.costs[name].lists += len(asked)
        check_lists(name, lists, n, task, part, asked)
        sheet = marked(lists, task, part, asked, self.settings.k, beside)
        if isinstance(task, Next) and name not in self.ceilings:  # asked later, a ceiling looks less far
            later, k = task.tomorrow(fitted, part, asked, n), self.settings.k[0]
            if later is not None:
                sheet.values[f"overlap@{k}"] = overlap(lists, later, k)
        return sheet


def evaluate(
    inputs: Inputs,
    methods: Sequence[Method],
    settings: EvalSettings | None = None,
    tasks: Sequence[Task] | None = None,
    cohorts: Cohorts | None = None,
    progress: Callable[[Iterable[Window], str], Iterable[Window]] = progress,
) -> Evaluation:
    """Fits each method on what was known before each window and scores its lists by what came after.

    A method is given `Split.known` and nothing else, so that nothing from the window on can reach it. What a method
    raises ends the evaluation: a table with a silent gap would be a wrong table. BadInput when the log is too short,
    when no task has a question, when two methods share a name, or when a method breaks its contract.
    """
    settings, tasks = settings or EvalSettings(), standard_tasks() if tasks is None else list(tasks)
    _check_names(methods)
    used, dropped = planned(inputs, settings)
    costs = {method.name: Cost() for method in methods}
    marks = _Marks(settings, tasks, costs, {method.name for method in methods if kind_of(method) == CEILING})
    for number, window in enumerate(progress(used, "windows")):
        part = split(inputs, window)
        fitted: dict[str, list[Fitted]] = {}  # first let go of the last window's: EASE alone holds 400 MB
        fitted = {method.name: marks.fit(method, part, number == len(used) - 1) for method in methods}
        marks.ask(part, number, fitted, cohorts.membership(part.known, window.at) if cohorts else {})
        marks.ask_newcomers(part, inputs, number, fitted)
        log(marks.of_window(number), step=number)
    blocks = marks.blocks
    if not blocks:
        raise BadInput(f"no task has a question in {len(used)} windows: {tasks[0].missing}; import more listens")
    return Evaluation(
        data=_described(inputs),
        settings=settings,
        windows=used,
        dropped=dropped,
        methods=list(methods),
        tasks={task.name: _joined(task, blocks[task.name], settings) for task in tasks if task.name in blocks},
        missing={name: reason for name, reason in marks.missing.items() if name not in blocks},
        aged=Aged.joined(marks.ages),
        cold=ColdStart.joined(marks.colds),
        costs=marks.costs,
        rules=cohorts.rules if cohorts else {},
        left_out=cohorts.left_out if cohorts else {},
        last=part,
        fitted={name: models[0] for name, models in fitted.items()},
    )


def kind_of(method: object) -> str:
    """palate, baseline, yours or ceiling: a method says so in its attribute `kind`; without one it is a baseline."""
    return str(getattr(method, "kind", BASELINE))


def _check_names(methods: Sequence[Method]) -> None:
    names = [method.name for method in methods]
    if not names or len(set(names)) < len(names):
        raise BadInput(
            f"the methods are called {', '.join(names) or 'nothing'}; give at least one, with distinct names"
        )


def _joined(task: Task, blocks: list[_Block], settings: EvalSettings) -> TaskValues:
    names, main = list(blocks[0].sheets), f"ndcg@{settings.k[-1]}"
    means = [{name: mean_sheet(sheets) for name, sheets in block.sheets.items()} for block in blocks]
    seeds: dict[str, NDArray[np.float64]] = {}
    for name in names:
        often = [block for block in blocks if len(block.sheets[name]) > 1]
        if often:
            marks = [[float(sheet.values[main].mean()) for sheet in block.sheets[name]] for block in often]
            seeds[name] = np.mean(marks, axis=0)
    return TaskValues(
        task=task,
        rows=np.concatenate([block.asked.rows for block in blocks]),
        windows=np.concatenate([np.full(len(block.asked), block.window, np.int64) for block in blocks]),
        values={
            name: {
                metric: np.concatenate([mean[name].values[metric] for mean in means])
                for metric in means[0][name].values
            }
            for name in names
        },
        whole={
            name: {metric: np.array([mean[name].whole[metric] for mean in means]) for metric in means[0][name].whole}
            for name in names
        },
        seeds=seeds,
        cohorts={
            name: np.concatenate([block.cohorts.get(name, np.zeros(len(block.asked), np.bool_)) for block in blocks])
            for name in dict.fromkeys(name for block in blocks for name in block.cohorts)
        },
    )


def _described(inputs: Inputs) -> Data:
    history: History = inputs.history
    return Data(
        listens=len(history),
        users=len(np.unique(history.user)),
        items=len(np.unique(history.item)),
        start=float(history.timestamp[0]) if len(history) else 0.0,
        end=inputs.end,
    )
