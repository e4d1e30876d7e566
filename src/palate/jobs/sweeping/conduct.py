"""One sweep from its first trial to its proposal: begun once, gone on with as often as it is asked for."""

import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from palate.core.artefacts import atomic_file, write_json
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.recording import Table
from palate.core.settings import read_settings
from palate.jobs.sweeping.files import answers_of, search_of
from palate.jobs.sweeping.proving import proven
from palate.jobs.sweeping.targets import Target, target_named
from palate.jobs.sweeping.windows import Answers
from palate.lab.about import here
from palate.lab.book import Book
from palate.lab.run import Run
from palate.lab.settings import LabSettings
from palate.lab.sweeps import evidence
from palate.lab.sweeps.space import Value, narrowed, space_of
from palate.lab.sweeps.spec import Spec, Sweep, sweep_named
from palate.lab.sweeps.study import Search, Trial, best, importances, spent_seconds
from palate.lab.sweeps.watching import Watch
from palate.lab.sweeps.workers import run_workers

JOB = "sweep"


@dataclass(frozen=True)
class Asked:
    """What a user wants swept.

    trials, budget_seconds in all, over every time that the sweep is gone on with; whichever comes first
    workers  processes; None for one a core
    name     of the sweep; empty for the target's
    where    narrowings of the space (space.py)
    held_out windows, the latest, that are kept for the evidence
    """

    target: str
    trials: int = 40
    budget_seconds: float = float("inf")
    workers: int | None = None
    name: str = ""
    where: tuple[str, ...] = ()
    seed: int = 0
    held_out: int = 2


def sweep(home: Home, asked: Asked) -> dict[str, Any]:
    """Runs or goes on with a sweep, and proves its best; gives the result, which is also kept in its folder.

    BadInput for a sweep of this name that was asked for otherwise, or when no trial came to an end.
    """
    target, begun = target_named(asked.target), sweep_named(home.require().lab, asked.name or asked.target)
    if asked.trials < 1 or not asked.budget_seconds > 0 or (asked.workers or 1) < 1:
        raise BadInput("a sweep needs one trial, one worker and some time at least; give a higher number")
    with begun.working():
        run = _begin(home, begun, target, asked)
        spec, search = begun.spec, search_of(home, begun)
        search.begin_with(spec.today)
        workers = asked.workers or os.cpu_count() or 1
        with run:  # after Ctrl-C it counts as interrupted, and goes on with the sweep
            _work(home, begun, search, run, asked, workers)
            result = _conclude(home, begun, search, workers)
            _tell(run, result)
    return result


def _begin(home: Home, begun: Sweep, target: Target, asked: Asked) -> Run:
    """The run of a sweep that begins, or of one that goes on after it was checked to be the same."""
    if (begun.folder / "sweep.json").is_file():
        spec = begun.spec
        same = {"target": target.name, "where": asked.where, "seed": asked.seed, "held_out": asked.held_out}
        other = [name for name, value in same.items() if getattr(spec, name) != value]
        if other:
            raise BadInput(
                f"the sweep {begun.name} was begun with another {', '.join(other)}: {_as_asked(spec)}; repeat that to "
                "go on, or give this one a --name"
            )
        return _run(home, begun.name, spec)
    space, fixed = narrowed(space_of(target.sections, target.only), asked.where)
    settings, data, about = target.begin(home, begun, asked.held_out)
    today = {name: settings[name.partition(".")[0]][name.partition(".")[2]] for name in (*space, *fixed)}
    spec = Spec(
        target=target.name, metric=target.metric, where=asked.where, space=space, fixed=fixed, today=today,
        settings=settings, seed=asked.seed, held_out=asked.held_out, data=data, created=time.time(), group="",
        about=about,
    )  # fmt: skip
    run = _run(home, begun.name, spec)
    begun.write(replace(spec, group=run.id))
    return run


def _run(home: Home, name: str, spec: Spec) -> Run:
    """The sweep's own run: the one that was interrupted goes on, after one that ended another begins."""
    return Book(home.lab).start(
        JOB, name=name, config=_config(spec), group=spec.group, key=f"{name} {spec.created}",
        about=here() | {"data": spec.data} | spec.about, settings=LabSettings.read(read_settings(home.settings)),
    )  # fmt: skip


def _config(spec: Spec) -> dict[str, Any]:
    searched = {name: one.to_json()["range"] or list(one.choices) for name, one in spec.space.items()}
    told = {"target": spec.target, "metric": spec.metric, "seed": spec.seed, "held_out": spec.held_out}
    return told | {"searched": searched, "fixed": spec.fixed}


def _as_asked(spec: Spec) -> str:
    where = "".join(f" --where {one}" for one in spec.where)
    return f"{spec.target}{where} --seed {spec.seed} --held-out {spec.held_out}"


def _work(home: Home, begun: Sweep, search: Search, run: Run, asked: Asked, workers: int) -> None:
    """Trials until enough are done, or the time is over."""
    left = asked.budget_seconds - spent_seconds(search.trials())
    if left <= 0 or _finished(search.trials()) >= asked.trials:
        return
    until = min(time.time() + left, sys.float_info.max)
    commands = [
        _command(home, begun, "trials", str(asked.trials), repr(until), str(part), str(workers))
        for part in range(workers)
    ]
    with Watch(begun.name, search, run, asked.trials, until) as watch:
        run_workers(commands, begun.folder, watch.look)


def _command(home: Home, begun: Sweep, *told: str) -> list[str]:
    return [sys.executable, "-m", "palate.jobs.sweeping.work", str(home.root.absolute()), begun.name, *told]


def _finished(trials: list[Trial]) -> int:
    return sum(trial.state in ("complete", "pruned") for trial in trials)


def _conclude(home: Home, begun: Sweep, search: Search, workers: int) -> dict[str, Any]:
    """What the sweep came to: best, importances, evidence, and the proposal if there is one."""
    spec, trials = begun.spec, search.trials()
    winner = best(trials)
    if winner is None:
        raise BadInput(f"no trial of the sweep {begun.name} was finished in its time; give a longer --budget")
    values = {name: evidence.rounded(value) for name, value in (spec.fixed | winner.values).items()}
    values = {name: value for name, value in values.items() if not evidence.alike(value, spec.today[name])}
    first = trials[0] if not spec.fixed and trials[0].state == "complete" else None
    result: dict[str, Any] = {
        "sweep": begun.name, "target": spec.target, "metric": spec.metric, "space": list(spec.space),
        "trials": _finished(trials), "pruned": sum(trial.state == "pruned" for trial in trials),
        "failed": sum(trial.state == "failed" for trial in trials), "seconds": spent_seconds(trials),
        "best": {"trial": winner.number, "run": winner.run, "objective": winner.objective, "values": values},
        "today": {"objective": first.objective if first else None, "values": spec.today},
        "importances": importances(search), "evidence": None, "proposed": False, "folder": str(begun.folder),
    }  # fmt: skip
    begun.proposal.unlink(missing_ok=True)
    if values:
        today, changed = _answers(home, begun, [spec.today, spec.today | values], workers)
        found = proven(today, changed, spec.metric)
        result |= {"evidence": found.to_json(), "table": found.table(), "proposed": found.won}
        if found.won:
            searched = f"Of {result['trials']} trials; data {spec.data}, seed {spec.seed}."
            with atomic_file(begun.proposal) as temporary:
                temporary.write_text(evidence.proposal(begun.name, values, found, searched), encoding="utf-8")
    result["verdict"] = found.verdict if values else "today's settings are the best that was found"
    begun.keep_result(result)
    return result


def _answers(home: Home, begun: Sweep, asked: list[dict[str, Value]], workers: int) -> list[Answers]:
    """The answers to each of the values on the held-out windows; those that are there already are not asked again."""
    files: list[Path] = []
    for values in asked:
        told = hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()
        files.append(begun.held_out / f"{told}.json")
        write_json(files[-1], values)
    missing = [file for file in files if not file.with_suffix(".npz").is_file()]
    commands = [_command(home, begun, "held-out", str(file)) for file in missing]
    each = len(commands) if workers > 1 else 1
    for start in range(0, len(commands), max(each, 1)):
        run_workers(commands[start : start + each], begun.held_out, lambda: 0)
    return [answers_of(file) for file in files]


def _tell(run: Run, result: dict[str, Any]) -> None:
    shares = result["importances"]
    if shares:
        run.log(
            {"importance_of_settings": Table(["setting", "share"], [[name, share] for name, share in shares.items()])}
        )
    if result["evidence"]:
        lines = result["evidence"]["lines"]
        run.log({"evidence": Table(list(lines[0]), [list(line.values()) for line in lines])})
    told = {name: result[name] for name in ("trials", "pruned", "failed", "proposed", "verdict")}
    values = {f"best.{name}": value for name, value in result["best"]["values"].items()}
    run.summarize(told | {"objective": result["best"]["objective"], "today": result["today"]["objective"]} | values)


def adopt(home: Home, name: str) -> tuple[dict[str, Value], Path]:
    """Writes a sweep's proposal into palate.toml; gives the values and the file. BadInput when there is none."""
    result = sweep_named(home.require().lab, name).result
    if result is None:
        raise BadInput(f"the sweep {name} has no result yet; run it to its end first")
    if not result["proposed"]:
        raise BadInput(f"the sweep {name} proposes nothing: {result['verdict']}")
    values: dict[str, Value] = result["best"]["values"]
    evidence.adopt(home.settings, values, f"by the sweep {name}")
    return values, home.settings
