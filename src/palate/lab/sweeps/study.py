"""The trials of one sweep: an Optuna study in one SQLite file that several processes work on.

Whoever wants a trial claims it under a lock. Each trial is a run of the book whose lock dies with its process
(lab/run.py), so that a trial is known to be dead the moment its worker is: it is marked as failed and asked for again.
Optuna's heartbeat would wait a minute for that, and never notices a trial that was killed before its first beat.
"""

import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from palate.core.locks import alone
from palate.lab.folder import held
from palate.lab.run import Run
from palate.lab.sweeps.space import Dimension, Value

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

State = Literal["running", "complete", "pruned", "failed", "waiting"]
TRIES = 3  # of one trial whose worker was killed: settings that need more memory than there is kill each of them
RUN, TRY, MARKS, PRUNED = "run", "try", "marks", "pruned"  # what a trial knows beside its values
BUSY_SECONDS = 60  # how long a writer waits for another
# Of Wilcoxon's test that a trial is worse than the best, paired by window and part of the listeners. The median pruner
# saves as much, but stops half of all trials even where all are alike (docs/rooms/sweeps.md has both).
PRUNE_P = 0.1


@dataclass(frozen=True)
class Trial:
    """One trial, as it stands.

    values    what was tried: by the setting's name
    objective the mean over the windows; of a pruned trial estimated from those it came to; None until then
    steps     by step: what the pruner saw
    run       id of its run in the book
    began, ended # unix seconds, None until then
    """

    number: int
    state: State
    values: dict[str, Value]
    objective: float | None
    run: str
    began: float | None
    ended: float | None
    steps: dict[int, float] = field(default_factory=dict)


class _Connection(sqlite3.Connection):
    """Does not wait for the disk at each of a trial's 40 commits: a kill takes nothing back, a power cut the latest."""

    def __init__(self, *told: Any, **named: Any) -> None:
        super().__init__(*told, **named)
        self.execute("PRAGMA synchronous=NORMAL")


class Search:
    """The study at `path`; `runs` is the folder of the book's runs. Making it touches nothing."""

    def __init__(self, path: Path, space: Mapping[str, Dimension], seed: int, runs: Path) -> None:
        self.path, self.space, self.seed, self.runs = path, space, seed, runs

    @cached_property
    def study(self) -> "optuna.Study":
        """Optuna's study, made at the first use."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            db = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
            db.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
            db.close()
            told = {"timeout": BUSY_SECONDS, "factory": _Connection}
            storage = optuna.storages.RDBStorage(f"sqlite:///{self.path}", engine_kwargs={"connect_args": told})
            with _quiet():
                pruner = optuna.pruners.WilcoxonPruner(p_threshold=PRUNE_P)
                return optuna.create_study(
                    storage=storage, pruner=pruner, study_name="sweep", direction="maximize", load_if_exists=True
                )

    def begin_with(self, values: Mapping[str, Value]) -> None:
        """The first trial of all: today's settings, or the nearest to them in the space. Again changes nothing."""
        study = self.study
        with self._locked():
            if not study.get_trials(deepcopy=False):
                study.enqueue_trial({name: one.nearest(values[name]) for name, one in self.space.items()})

    def trials(self) -> list[Trial]:
        """Every trial so far, in order."""
        return [_told(trial) for trial in self.study.get_trials(deepcopy=False)]

    def claim(self, wanted: int, begin: Callable[[int, dict[str, Value]], Run]) -> "Claimed | None":
        """The next trial; None when `wanted` are done or in work.

        begin: starts the run of a trial, given its number and values. Whoever claims finishes it, after the trial was
        told: a trial in work without a run in work is taken for dead.
        """
        study = self.study
        with self._locked():
            self._bury(study)
            trials = self.trials()
            if sum(trial.state in ("complete", "pruned", "running") for trial in trials) >= wanted:
                return None
            # A fresh sampler for each claim: one that went on would repeat its first draws after each resumption, and
            # in each worker.
            study.sampler = _sampler(self.seed, sum(trial.state != "waiting" for trial in trials))
            trial = study.ask({name: one.distribution for name, one in self.space.items()})
            run = begin(trial.number, dict(trial.params))
            trial.set_user_attr(RUN, run.id)
        return Claimed(study, trial, run)

    def busy(self, wanted: int) -> bool:
        """Whether a trial may still be wanted: one in work could be killed, and has to be done again then."""
        study = self.study
        with self._locked():
            self._bury(study)
            states = [trial.state for trial in self.trials()]
        return "running" in states or sum(state in ("complete", "pruned") for state in states) < wanted

    def _bury(self, study: "optuna.Study") -> None:
        """Marks trials whose worker is dead as failed, and asks for them again, TRIES times in all.

        Only while locked: between being asked for and having a run, a trial looks dead.
        """
        import optuna

        for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            run = trial.user_attrs.get(RUN)
            folder = self.runs / str(run)
            if run is not None and folder.is_dir():
                with held(folder) as alive:
                    if alive:
                        continue
                # Its run ends after it was told: it may have been told between our reading and its run's end.
                if study.get_trials(deepcopy=False)[trial.number].state.is_finished():
                    continue
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            if trial.params.keys() == self.space.keys():  # else it was killed before its values were all there
                _again(study, trial.params, trial.user_attrs.get(TRY, 1))

    def _locked(self) -> AbstractContextManager[None]:
        return alone(self.path.parent / ".claims")


class Claimed:
    """One trial in work: told step by step, then ended in one of three ways."""

    def __init__(self, study: "optuna.Study", trial: "optuna.Trial", run: Run) -> None:
        self._study, self._trial = study, trial
        self.number, self.run = trial.number, run
        self.values: dict[str, Value] = dict(trial.params)

    def report(self, step: int, value: float) -> None:
        """One of the paired values that the pruner compares with those of the best trial."""
        self._trial.report(value, step)

    def hopeless(self) -> bool:
        """Whether it is worse than the best trial, as far as it came."""
        with _quiet():
            return self._trial.should_prune()

    def complete(self, marks: Sequence[float]) -> float:
        """Ends it with its marks in all windows; gives the objective, their mean."""
        self._trial.set_user_attr(MARKS, list(marks))
        objective = sum(marks) / len(marks)
        self._study.tell(self._trial, objective)
        return objective

    def prune(self, marks: Sequence[float]) -> float:
        """Ends it with its marks in the first windows; gives the objective that it would have had, as far as known.

        That is the best trial's, less how far this one lay behind it in the same windows: on 30Music, after two of six
        windows, 0.0019 off, where the mean of the two alone is 0.0083 off. To Optuna it is a trial like any other, so
        that the search learns from it; it stays below the best, so it is never taken for that.
        """
        top = self._study.best_trial
        behind = [theirs - ours for theirs, ours in zip(top.user_attrs[MARKS], marks, strict=False)]
        objective = top.values[0] - max(sum(behind) / len(behind), 0.0)
        self._trial.set_user_attr(PRUNED, True)
        self._study.tell(self._trial, objective)
        return float(objective)

    def give_back(self) -> None:
        """Ends it without an answer, to be done again."""
        import optuna

        self._study.tell(self._trial, state=optuna.trial.TrialState.FAIL)
        _again(self._study, self._trial.params, 0)


def _again(study: "optuna.Study", values: Mapping[str, Any], tried: int) -> None:
    if tried < TRIES:
        study.enqueue_trial(dict(values), user_attrs={TRY: tried + 1})


def _sampler(seed: int, claims: int) -> "optuna.samplers.TPESampler":
    """Tree-structured Parzen estimator over all settings jointly; a trial in work counts as a bad one, so that workers
    spread out."""
    import optuna

    own = int(np.random.SeedSequence([seed, claims]).generate_state(1)[0])
    with _quiet():
        return optuna.samplers.TPESampler(multivariate=True, constant_liar=True, seed=own)


def _told(trial: "FrozenTrial") -> Trial:
    states: dict[str, State] = {"RUNNING": "running", "WAITING": "waiting", "FAIL": "failed"}
    done: State = "pruned" if trial.user_attrs.get(PRUNED) else "complete"
    return Trial(
        number=trial.number, state=states.get(trial.state.name, done), values=dict(trial.params),
        run=str(trial.user_attrs.get(RUN, "")), objective=None if trial.state.name == "FAIL" else trial.value,
        began=_seconds(trial.datetime_start), ended=_seconds(trial.datetime_complete),
        steps=dict(trial.intermediate_values),
    )  # fmt: skip


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna says of some of its parts that they may still change."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def importances(search: Search) -> dict[str, float]:
    """How much of the objective's variance each setting explains, descending, together 1; empty with few trials.

    fANOVA (Hutter, Hoos and Leyton-Brown 2014) over all that is known of finished trials, pruned ones included: of a
    random forest's prediction over the whole space. Below 2 trials a setting and 8 in all it would say more about luck
    than about the settings.
    """
    import optuna

    done = [trial for trial in search.trials() if trial.state in ("complete", "pruned")]
    if len(done) < max(8, 2 * len(search.space)) or len({trial.objective for trial in done}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(search.study, evaluator=evaluator))


def spent_seconds(trials: list[Trial]) -> float:
    """How long a sweep has worked: at least one of the finished trials was in work then. Pauses do not count."""
    spans = sorted(
        (trial.began, trial.ended)
        for trial in trials
        if trial.state in ("complete", "pruned") and trial.began is not None and trial.ended is not None
    )
    total, until = 0.0, -float("inf")
    for began, ended in spans:
        total += max(ended - max(began, until), 0.0)
        until = max(until, ended)
    return total


def best(trials: list[Trial]) -> Trial | None:
    """The complete trial with the highest objective, the earliest of equals; None without any."""
    done = [trial for trial in trials if trial.state == "complete" and trial.objective is not None]
    return max(done, key=lambda trial: (trial.objective or 0.0, -trial.number), default=None)
