"""What looks inside the spaces, beside the tables: nearest neighbours, probes on frozen vectors, the twin.

Each needs vectors and time, so they look at the latest moment only. What a home is too small for is left out, and the
report says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.progress import step
from palate.core.settings import Settings, read_settings
from palate.embeddings.inputs import Inputs, is_simulated
from palate.evaluation.baselines import embedding_baselines
from palate.evaluation.intrinsic import IntrinsicSettings, intrinsic
from palate.evaluation.method import Embeds, EmbedsItems, Method
from palate.evaluation.probes import FileTask, Probes, ProbeSettings, open_tasks, probe, read_tasks
from palate.evaluation.run import Evaluation
from palate.evaluation.twin import TwinSettings, from_lists, twin
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.judge.keeping import keep_probes
from palate.jobs.judge.ours import Taste, Workshop, fit_all
from palate.jobs.kept import kept
from palate.jobs.runs import name_run
from palate.listening.log import ListeningLog


def examined(evaluation: Evaluation, inputs: Inputs, settings: Settings) -> dict[str, Any]:
    """The report's parts "intrinsic", "probes" and "twin", each None with a reason in "reasons" when it cannot be."""
    parts: dict[str, Callable[[], Any]] = {
        "intrinsic": lambda: _intrinsic(evaluation, settings),
        "probes": lambda: _probes(inputs, settings).to_json(),
        "twin": lambda: _twin(evaluation, settings),
    }
    found: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name, part in parts.items():
        try:
            with step(name):
                found[name] = part()
        except PalateError as error:
            found[name], reasons[name] = None, str(error)
    return found | {"reasons": reasons}


def probe_home(home: Home, tasks: Path | None) -> tuple[str, dict[str, Any]]:
    """Probes alone, on the open tasks and those in the folder `tasks`; the table and the data."""
    settings = read_settings(home.require().settings)
    run = name_run(home, None, None)
    inputs = gather(home, run.offset)
    with ListeningLog(home.log) as log:
        own = read_tasks(tasks, log.calendar()) if tasks else []
    config = {"probes": asdict(settings.section(ProbeSettings))} | asdict(FitSettings.read(settings))
    about = {"data": run.data, "offset": run.offset, "simulated": is_simulated(inputs)}
    with kept(home, "probes", config=config, about=about):
        found = _probes(inputs, settings, own)
        keep_probes(found.to_json())
    return found.table(), found.to_json()


def _intrinsic(evaluation: Evaluation, settings: Settings) -> dict[str, Any]:
    part = evaluation.last
    users = np.arange(len(part.known.history.users), dtype=np.int32)
    spaces = {
        name: (one.vectors(users), one.item_vectors if isinstance(one, EmbedsItems) else None)
        for name, one in evaluation.fitted.items()
        if isinstance(one, Embeds)
    }
    return intrinsic(part.known, spaces, settings.section(IntrinsicSettings), part.following).to_json()


def _twin(evaluation: Evaluation, settings: Settings) -> dict[str, Any]:
    """Of the first method, as it was at the latest window; its temperature comes from itself a week before."""
    part, judged = evaluation.last, evaluation.methods[0]
    before = part.window.at - evaluation.settings.horizon_days * DAY_SECONDS
    draw = from_lists(evaluation.fitted[judged.name], judged.fit(part.known.until(before), before))
    chosen = settings.section(TwinSettings)
    horizon_days = float(max(1, round(evaluation.settings.horizon_days)))
    return twin(part.known, part.following, draw, part.window.at, horizon_days, chosen).to_json()


def _probes(inputs: Inputs, settings: Settings, own: Sequence[FileTask] = ()) -> Probes:
    """The taste against the baselines that have vectors, on the open tasks and those of the user's own."""
    probing = settings.section(ProbeSettings)
    workshop = Workshop(partial(fit_all, settings=FitSettings.read(settings)))
    spaces: list[Method] = [Taste(workshop), *embedding_baselines()]
    return probe(inputs, spaces, [*open_tasks(inputs, probing), *own], probing)
