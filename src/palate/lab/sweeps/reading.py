"""Sweeps as plain values, for the page and the command line."""

from pathlib import Path
from typing import Any

from palate.lab.book import Book
from palate.lab.sweeps.spec import Sweep, sweep_named, sweeps
from palate.lab.sweeps.study import Search, Trial, best, spent_seconds


def listed(lab: Path) -> list[dict[str, Any]]:
    """Every sweep of a home's lab in brief, the latest first."""
    found = [_brief(one, _trials(lab, one)) for one in sweeps(lab)]
    return sorted(found, key=lambda one: -one["created"])


def read_sweep(lab: Path, name: str) -> dict[str, Any]:
    """One sweep whole: its space, every trial, and what it came to. BadInput when there is none of that name."""
    one = sweep_named(lab, name)
    spec, trials, result = one.spec, _trials(lab, one), one.result or {}
    space = [{"name": key, "today": spec.today.get(key)} | dimension.to_json() for key, dimension in spec.space.items()]
    told = ("importances", "evidence", "verdict", "proposed")
    return _brief(one, trials) | {
        "space": space, "fixed": spec.fixed, "today": spec.today, "group": spec.group, "about": spec.about,
        "trials": [_trial(trial) for trial in trials if trial.state != "waiting"],
        "proposal": one.proposal.read_text(encoding="utf-8") if one.proposal.is_file() else None,
        "result": {key: result.get(key) for key in told} if result else None,
    }  # fmt: skip


def table(found: list[dict[str, Any]]) -> str:
    """The list for people."""
    if not found:
        return "no sweeps yet; begin one with: palate lab sweep embeddings.users --budget 20m"
    lines = []
    for one in found:
        objective = "-" if one["best"] is None else f"{one['best']:.5f}"
        state = "at work" if one["at_work"] else one["verdict"] or "not ended"
        lines.append(f"{one['name']}  {one['finished']} trials ({one['pruned']} pruned)  best {objective}  {state}")
    return "\n".join(lines)


def _trials(lab: Path, one: Sweep) -> list[Trial]:
    if not one.trials.is_file():
        return []
    spec = one.spec
    return Search(one.trials, spec.space, spec.seed, Book(lab).runs_folder).trials()


def _brief(one: Sweep, trials: list[Trial]) -> dict[str, Any]:
    spec, top, result = one.spec, best(trials), one.result or {}
    states = [trial.state for trial in trials]
    return {
        "name": one.name, "target": spec.target, "metric": spec.metric, "created": spec.created,
        "at_work": one.at_work, "finished": states.count("complete") + states.count("pruned"),
        "pruned": states.count("pruned"), "failed": states.count("failed"), "running": states.count("running"),
        "seconds": spent_seconds(trials), "best": top.objective if top else None,
        "best_trial": top.number if top else None, "verdict": result.get("verdict", ""),
        "proposed": bool(result.get("proposed")), "simulated": bool(spec.about.get("simulated")),
    }  # fmt: skip


def _trial(trial: Trial) -> dict[str, Any]:
    seconds = None if trial.began is None or trial.ended is None else trial.ended - trial.began
    return {
        "number": trial.number, "state": trial.state, "objective": trial.objective, "values": trial.values,
        "run": trial.run, "seconds": seconds, "ended": trial.ended,
    }  # fmt: skip
