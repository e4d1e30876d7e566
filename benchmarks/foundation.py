"""One vector per listener, Palate's and its peers': the same weeks, the same listeners, paired differences.

    python benchmarks/foundation.py --data HOME --methods ials skip-gram bpr --windows 8 [--offset-days 14]

Each (method, week) is one file in --results, named after the method's settings and code and the data it saw, so that a
comparison can be interrupted, resumed and extended; what has not changed is not trained again. --data is a home, or a
file of listens that is then imported into a home beside the results. With --offset-days the data ends that many days
earlier: choose settings there, and judge them without.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.cli import homes
from palate.core.artefacts import read_json, write_json
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.progress import progress
from palate.core.settings import read_settings
from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import standard
from palate.evaluation.comparison import holm, p_values
from palate.evaluation.intervals import Interval, intervals
from palate.evaluation.method import Method
from palate.evaluation.run import evaluate
from palate.evaluation.splits import EvalSettings
from palate.evaluation.tasks.week import ColdDiscover, ColdNext, Discover, Next
from palate.jobs.importing import import_listens
from palate.jobs.inputs import gather, settle
from palate.jobs.judge.method_files import load
from stamp import stamp

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "palate"
LISTENS = Path(os.environ.get("PALATE_DATA", HERE.parents[1] / "shared" / "data")) / "30music" / "listens.parquet"
PEERS = {
    "skip-gram": "skipgram.py", "bpr": "bpr.py", "lightgcn": "lightgcn.py", "sasrec": "sasrec.py",
    "two-tower": "two_tower.py", "own+ease+ials+popular": "blend.py",
}  # fmt: skip
BASELINES = [method.name for method in standard()]
OURS = "taste"
QUICK = ["ials", "svd", "mean-vectors", "skip-gram", "bpr"]  # what is trained in seconds, or two minutes
TASKS = [Next(), Discover(), ColdNext(), ColdDiscover()]
METRICS = ("ndcg@100", "ndcg@10")
NAMES = [OURS, *PEERS, *BASELINES]
Marks = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Entrant:
    """A method and what a kept result of it depends on.

    settings as text; key changes with them and with the code, as it was when the method was loaded
    """

    method: Method
    settings: str
    key: str

    @classmethod
    def of(cls, method: Method, settings: str, code: Iterable[Path]) -> "Entrant":
        """`code` are the files that decide what the method gives."""
        texts = [method.name, settings, *(path.read_text(encoding="utf-8") for path in sorted(code))]
        return cls(method, settings, digest(*(text.encode() for text in texts)))


@dataclass(frozen=True)
class Outcome:
    """One method in one week: marks by task, then "listeners" or a metric; what it took to train."""

    marks: Marks
    fit_seconds: float


def entrant(name: str, inputs: Inputs, home: Home) -> Entrant:
    """The method of that name, Palate's own with the home's settings; PalateError when a library is missing."""
    if name == OURS:
        return own_taste(home)
    if name in PEERS:
        path = HERE / "peers" / PEERS[name]
        try:
            method = load(path)(inputs)[0]
        except ModuleNotFoundError as error:
            raise PalateError(
                f"{name} needs {error.name}, which is not installed; run: pip install {error.name}"
            ) from error
        return Entrant.of(method, repr(method), [path, HERE / "peers" / "learning.py"])
    method = next(one for one in standard() if one.name == name)
    return Entrant.of(method, repr(method), (PACKAGE / "evaluation" / "baselines").glob("*.py"))


def own_taste(home: Home) -> Entrant:
    """Palate's vector. Its models are imported here, so that peers can be compared while they are being rebuilt."""
    from palate.jobs.fit import FitSettings
    from palate.jobs.judge.ours import Taste, Workshop, fit_all

    settings = FitSettings.read(read_settings(home.settings))
    code = [*(PACKAGE / "embeddings").glob("*.py"), PACKAGE / "jobs" / "fit.py", PACKAGE / "jobs" / "judge" / "ours.py"]
    return Entrant.of(Taste(Workshop(partial(fit_all, settings=settings)), OURS), repr(settings), code)


def digest(*parts: bytes) -> str:
    """16 hexadecimal digits."""
    whole = hashlib.blake2b(digest_size=8)
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()


def data_key(inputs: Inputs) -> str:
    """Changes with the listens and the size of the catalogue."""
    history = inputs.history
    columns = (history.user, history.item, history.timestamp, history.event, history.seconds_played)
    return digest(str(history.n_items).encode(), *(column.tobytes() for column in columns))


def cut(inputs: Inputs, days: float) -> Inputs:
    """What was known `days` before the end."""
    return inputs.until(inputs.end - days * DAY_SECONDS) if days else inputs


def outcome(one: Entrant, inputs: Inputs, settings: EvalSettings, results: Path) -> Outcome:
    """The method judged on the last week of `inputs`: from its file, else now."""
    told = json.dumps(asdict(settings), sort_keys=True)
    path = results / f"{one.method.name}-{digest(one.key.encode(), data_key(inputs).encode(), told.encode())}.json"
    if path.is_file():
        kept = read_json(path)
        return Outcome(kept["marks"], kept["fit_seconds"])
    found = evaluate(inputs, [one.method], settings, TASKS, progress=lambda windows, _: windows)
    name = one.method.name
    marks = {
        task: {"listeners": values.rows.tolist()} | {metric: values.values[name][metric].tolist() for metric in METRICS}
        for task, values in found.tasks.items()
    }
    done = Outcome(marks, float(np.mean(found.costs[name].fit_seconds)))
    about = {"method": name, "settings": one.settings, "end": found.data.end, "stamp": stamp()}
    write_json(path, about | asdict(done))
    return done


@dataclass(frozen=True)
class Line:
    """One method in one task, as the table shows it; the difference is to the reference, NDCG@100."""

    method: str
    ndcg_100: Interval
    ndcg_10: float
    difference: Interval
    p_holm: float
    fit_seconds: float


def lines(task: str, weeks: Sequence[dict[str, Outcome]], reference: str, settings: EvalSettings) -> list[Line]:
    """A task's methods, best first; empty when nobody was asked. Holm's correction is over the methods of the task."""
    weeks = [week for week in weeks if task in week[reference].marks]
    if not weeks:
        return []
    names = list(weeks[0])

    def column(name: str, metric: str) -> NDArray[np.float64]:
        return np.concatenate([week[name].marks[task][metric] for week in weeks])

    asked = [week[reference].marks[task]["listeners"] for week in weeks]
    rows, windows = np.concatenate(asked), np.repeat(np.arange(len(asked)), [len(one) for one in asked])
    main = np.stack([column(name, "ndcg@100") for name in names], axis=1)
    apart = main - column(reference, "ndcg@100")[:, None]
    values = intervals(main, rows, windows, settings.bootstrap, settings.seed)
    differences = intervals(apart, rows, windows, settings.bootstrap, settings.seed)
    others = [place for place, name in enumerate(names) if name != reference]
    corrected = np.ones(len(names))
    if others:
        corrected[others] = holm(p_values(apart[:, others], rows, windows, settings.seed).tolist())
    short = intervals(np.stack([column(name, "ndcg@10") for name in names], axis=1), rows, windows, 1, settings.seed)
    cost = [float(np.mean([week[name].fit_seconds for week in weeks])) for name in names]
    found = [
        Line(name, values[place], short[place].value, differences[place], float(corrected[place]), cost[place])
        for place, name in enumerate(names)
    ]
    return sorted(found, key=lambda line: -line.ndcg_100.value)


def table(task: str, found: Sequence[Line], reference: str) -> str:
    """Markdown."""
    head = f"| {task} | NDCG@100 [95%] | @10 | minus {reference} [95%] | p (Holm) | fit, s |"
    rows = [head, "|---|---|---|---|---|---|"]
    for line in found:
        whole, apart = line.ndcg_100, line.difference
        relative = apart.value / (whole.value - apart.value) if whole.value > apart.value else float("nan")
        compared = f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}] ({relative:+.0%}) | {line.p_holm:.4f}"
        rows.append(
            f"| {line.method} | {whole.value:.4f} [{whole.low:.4f}, {whole.high:.4f}] | {line.ndcg_10:.4f} | "
            f"{'| ' if line.method == reference else compared} | {line.fit_seconds:.1f} |"
        )
    return "\n".join(rows)


def opened(data: Path, results: Path) -> Home:
    """A home; a file of listens is imported into a home beside the results first."""
    home = Home(data)
    if data.is_file():
        home = Home(results / f"home-{digest(str(data.resolve()).encode(), str(data.stat().st_mtime_ns).encode())}")
        homes.make(home)
        import_listens(home, [data], {}, strict=False, now=data.stat().st_mtime)  # again changes nothing
    settle(home.require())
    return home


def compared(options: argparse.Namespace) -> dict[str, list[Line]]:
    """Every method in every week, by task."""
    home = opened(options.data, options.results)
    inputs = gather(home)
    settings = EvalSettings(windows=1, seeds=options.seeds)
    names = list(dict.fromkeys([options.reference, *options.methods]))
    entrants = [entrant(name, inputs, home) for name in names]
    days = [options.offset_days + week * settings.spacing_days for week in range(options.windows)]
    weeks = []
    for back in progress(days, "weeks"):
        known = cut(inputs, back)
        weeks.append({one.method.name: outcome(one, known, settings, options.results) for one in entrants})
    return {task.name: lines(task.name, weeks, options.reference, settings) for task in TASKS}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=LISTENS, help="a home, or a file of listens")
    parser.add_argument("--methods", nargs="+", choices=NAMES, default=QUICK, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--reference", choices=NAMES, default="ials", metavar="NAME", help="what all are compared with")
    parser.add_argument("--windows", type=int, default=1, help="weeks, four weeks apart")
    parser.add_argument("--offset-days", type=float, default=0.0, help="how long before its end the data is cut")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of what is random, in each week")
    parser.add_argument("--tasks", nargs="+", choices=[task.name for task in TASKS], default=["next", "discover"])
    parser.add_argument("--results", type=Path, default=Path("foundation-results"))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Prints one table a task, or everything as JSON."""
    options = parsed()
    try:
        if options.windows < 1:
            raise BadInput(f"--windows {options.windows} is not a number of weeks; give at least 1")
        found = compared(options)
    except PalateError as error:
        sys.exit(f"error: {error}")
    if options.json:
        shown = {task: [asdict(line) for line in found[task]] for task in options.tasks}
        print(json.dumps({"stamp": stamp(), "reference": options.reference, "tasks": shown}))
        return
    print(f"{stamp()}\n{options.data}, {options.windows} weeks, the latest {options.offset_days:g} days before the end")
    for task in options.tasks:
        print("\n" + (table(task, found[task], options.reference) if found[task] else f"{task}: nobody was asked"))


if __name__ == "__main__":
    main()
