"""`palate eval run`: the judge over a home, with Palate's own methods beside the baselines; `check` looks for leaks."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from palate.catalog.catalog import Catalog
from palate.core.artefacts import atomic_file, read_json, write_json
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.recording import summarize
from palate.core.settings import Settings, read_settings
from palate.embeddings.inputs import Inputs, is_simulated
from palate.evaluation.baselines import standard
from palate.evaluation.baselines.clusters import Clusters
from palate.evaluation.ceiling import load_ceiling
from palate.evaluation.cohorts import Cohorts, CohortSettings
from palate.evaluation.leakage import Leak, leaks
from palate.evaluation.method import Method
from palate.evaluation.report.data import to_json
from palate.evaluation.report.page import page
from palate.evaluation.report.text import table
from palate.evaluation.run import evaluate
from palate.evaluation.splits import EvalSettings, windows
from palate.evaluation.tasks import standard_tasks
from palate.evaluation.tasks.questions import Task
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.judge.examining import examined
from palate.jobs.judge.keeping import keep_marks, keep_probes
from palate.jobs.judge.method_files import load
from palate.jobs.judge.ours import ForYou, Taste, Workshop, fit_all
from palate.jobs.kept import kept
from palate.jobs.runs import Run, name_run
from palate.lab.about import here
from palate.listening.log import ListeningLog

JUDGE_VERSION = 2  # raise it when the judge changes its marks, so that a kept result is not taken for a new one


@dataclass(frozen=True)
class Asked:
    """What a user wants judged.

    windows how many; None for the setting
    tasks   names of the tasks; empty for all
    files   Python files with methods of the user's own
    brief   True leaves out what looks inside the spaces: neighbours, probes, the twin
    seeds   trainings of what is random; None for the setting
    """

    windows: int | None = None
    tasks: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    brief: bool = False
    seeds: int | None = None


def judge(home: Home, asked: Asked = Asked()) -> tuple[str, dict[str, Any]]:
    """Runs the judge; gives the table as text and as data, and keeps both in home/lab, with a page to look at.

    BadInput when a method from a file has seen the future: its marks would say nothing.
    """
    settings, evaluating = read_settings(home.require().settings), _settings(home, asked)
    run = name_run(home, None, None)  # once: what is read must be what the key names
    key, inputs = _key(run, asked), gather(home, run.offset)
    about = {"data": run.data, "offset": run.offset, "simulated": is_simulated(inputs)}
    config = {"eval": asdict(evaluating), "brief": asked.brief} | asdict(FitSettings.read(settings))
    with kept(home, "judge", config=config, about=about, key=key) as taken:
        data = _judged(home, inputs, asked, settings, evaluating)
        keep_marks(home, taken, data, about)
        if data.get("probes"):
            keep_probes(data["probes"])
    return keep(home, "eval", key, data)


def _judged(home: Home, inputs: Inputs, asked: Asked, settings: Settings, evaluating: EvalSettings) -> dict[str, Any]:
    began = time.perf_counter()
    methods, tasks = methods_of(home, inputs, asked.files, settings), tasks_named(asked.tasks)
    if asked.files:
        refuse_leaks(home, inputs, asked, evaluating, tasks)
    with ListeningLog(home.log) as log:
        cohorts = Cohorts.planned(inputs, CohortSettings.read(settings), log.calendar())
    evaluation = evaluate(inputs, methods, evaluating, tasks, cohorts)
    data = to_json(evaluation, simulated=is_simulated(inputs), first=methods[0].name)
    if not asked.brief:
        data |= examined(evaluation, inputs, settings)
    return data | {"made": made(time.perf_counter() - began)}


def judged(home: Home, asked: Asked = Asked()) -> tuple[str, dict[str, Any]]:
    """The kept result if it is of the same data, settings and question, else a new one."""
    path = home.lab / "eval.json"
    if path.is_file():
        kept = read_json(path)
        if kept.get("key") == _key(name_run(home, None, None), asked):
            return str(kept["text"]), kept["data"]
    return judge(home, asked)


def check(home: Home, asked: Asked = Asked()) -> list[Leak]:
    """The leakage test of every method, on the latest window."""
    settings, run = read_settings(home.require().settings), name_run(home, None, None)
    inputs = gather(home, run.offset)
    tasks, evaluating = tasks_named(asked.tasks), _settings(home, asked)
    build = partial(methods_of, home, files=asked.files, settings=settings)
    about = {"data": run.data, "offset": run.offset, "simulated": is_simulated(inputs)}
    with kept(home, "check", config=asdict(FitSettings.read(settings)), about=about):
        found = leaks(build, inputs, windows(inputs, evaluating)[-1], evaluating, tasks)
        summarize({"leaks": len(found), "found": "; ".join(map(str, found))})
    return found


def refuse_leaks(home: Home, inputs: Inputs, asked: Asked, settings: EvalSettings, tasks: Sequence[Task]) -> None:
    """BadInput, naming every leak, when a method of the user's own has seen the future."""
    for path in asked.files:
        found = leaks(load(path), inputs, windows(inputs, settings)[-1], settings, tasks)
        if found:
            raise BadInput(f"{path} is not judged: {'; '.join(map(str, found))}")


def methods_of(home: Home, inputs: Inputs, files: Sequence[Path], settings: Settings) -> list[Method]:
    """Palate's own, the baselines, the user's, and in a simulated world the ceiling; the first is compared with all."""
    workshop = Workshop(partial(fit_all, settings=FitSettings.read(settings)))
    own: list[Method] = [ForYou(workshop), Taste(workshop)]
    mine = [method for path in files for method in load(path)(inputs)]
    world = home.root / "world"
    ceiling = load_ceiling(world, inputs.history.users, Catalog.open(home.catalog).ids) if world.is_dir() else None
    return [*own, *mine, *standard(inputs.columns), Clusters(), *([ceiling] if ceiling else [])]


def tasks_named(names: Sequence[str]) -> list[Task]:
    """The tasks by name, all of them for none; BadInput names those there are."""
    tasks = {task.name: task for task in standard_tasks()}
    unknown = [name for name in names if name not in tasks]
    if unknown:
        raise BadInput(f"no task {', '.join(unknown)}; choose from {', '.join(tasks)}")
    return [task for name, task in tasks.items() if not names or name in names]


def keep(home: Home, name: str, key: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Writes home/lab/NAME.json and NAME.html; gives the text and the data."""
    text = table(data)
    write_json(home.lab / f"{name}.json", {"key": key, "text": text, "data": data})
    with atomic_file(home.lab / f"{name}.html") as temporary:
        temporary.write_text(page(data), encoding="utf-8")
    return text, data


def made(seconds: float) -> dict[str, Any]:
    """When, where and by which Palate a report was made."""
    return here() | {"date": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": seconds}


def _settings(home: Home, asked: Asked) -> EvalSettings:
    settings = read_settings(home.require().settings).section(EvalSettings)
    windows = settings.windows if asked.windows is None else asked.windows
    seeds = settings.seeds if asked.seeds is None else asked.seeds
    return replace(settings, windows=windows, seeds=seeds)


def _key(run: Run, asked: Asked) -> str:
    """Equal for the same data, settings and question."""
    seen = {
        "version": JUDGE_VERSION,
        "run": run.fingerprint,
        "settings": read_settings(run.home.settings).tables,
        "asked": [asdict(_settings(run.home, asked)), asked.tasks, asked.brief],
        "files": [_digest(path) for path in (run.home.listeners, *asked.files)],
    }
    return hashlib.blake2b(json.dumps(seen, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def _digest(path: Path) -> str | None:
    return hashlib.blake2b(path.read_bytes()).hexdigest() if path.is_file() else None
