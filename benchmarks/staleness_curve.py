"""What an old taste costs: the very next listens, asked with tastes that are seconds, hours and days old.

    python benchmarks/staleness_curve.py --home HOME --windows 8 --methods taste popular [--picture FILE.svg]

Models are trained before each week. Moments are drawn inside its sittings; at each one a method is told of what the
listener had played an age ago and before, and its lists are held against what was played next. Each (method, week) is
one file in --results, named after settings, code and data: an interrupted run goes on where it was. --show makes
nothing and shows what is there. `sasrec` needs minutes a week; `--sequence '{"epochs": 5}'` changes its settings.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation import PACKAGE, data_key, digest
from palate.core.artefacts import read_arrays, write_arrays, write_json
from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.evaluation.splits import EvalSettings, Split, split, windows
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather, settle
from staleness.drawing import picture
from staleness.methods import NAMES, Answer, Makers
from staleness.moments import DOOR, INSIDE, heard_since, known_before, moments
from staleness.showing import Curve, tables
from stamp import stamp

HERE = Path(__file__).parent
NEVER = np.inf  # nothing is known: the taste of a stranger
AGES_SECONDS = (
    0.0, 60.0, 300.0, 600.0, 1_800.0, HOUR_SECONDS, 4 * HOUR_SECONDS, DAY_SECONDS, 3 * DAY_SECONDS, 7 * DAY_SECONDS,
    28 * DAY_SECONDS, NEVER,
)  # fmt: skip
CODE = [*sorted((HERE / "staleness").glob("m*.py")), *sorted((PACKAGE / "embeddings").glob("*.py"))]


@dataclass(frozen=True)
class Run:
    """What is asked of every method, and where results are kept."""

    makers: Makers
    results: Path
    most: int
    seed: int

    def place(self, name: str, part_key: str) -> Path:
        """The file of one method in one week."""
        made = self.makers.sequence if name == "sasrec" else self.makers.settings
        if name == "popular":
            made = ""
        told = repr((name, made, self.most, self.seed, AGES_SECONDS))
        code = [path.read_text(encoding="utf-8") for path in (CODE if name in ("taste", "for_you") else CODE[:2])]
        return (
            self.results / f"{name}-{digest(told.encode(), part_key.encode(), *(text.encode() for text in code))}.npz"
        )


def judged(answer: Answer, part: Split, most: int, seed: int) -> dict[str, NDArray[Any]]:
    """By "question/part/metric" the marks (r, ages) of every moment, and of whom they are.

    "listener", "plays", "at_door" # (r,); "lacks" # (r, ages) plays that are too young to be known
    """
    everything: list[dict[str, NDArray[Any]]] = []
    for where in (INSIDE, DOOR):
        for asked in moments(part, where, most, seed):
            by_age, lacking = [], []
            for age in AGES_SECONDS:
                lists = answer(known_before(part, asked, age), asked)
                by_age.append(
                    {key: mark for of, found in lists.items() for key, mark in asked.marks(found, of).items()}
                )
                lacking.append(heard_since(part, asked, age))
            marks = {key: np.stack([marks[key] for marks in by_age], axis=1) for key in by_age[0]}
            at_door = np.full(len(asked.users), where == DOOR)
            who = {
                "listener": asked.users,
                "plays": asked.plays,
                "at_door": at_door,
                "lacks": np.stack(lacking, axis=1),
            }
            everything.append(marks | who)
    return {key: np.concatenate([one[key] for one in everything]) for key in everything[0]}


def run(options: argparse.Namespace) -> dict[str, list[dict[str, NDArray[Any]]]]:
    """By method, what is known of each week, the latest first."""
    home = Home(options.home)
    settle(home.require())
    inputs, judge = gather(home), EvalSettings(windows=options.windows)
    settings = FitSettings.read(read_settings(home.settings))
    options.results.mkdir(parents=True, exist_ok=True)
    asks = Run(Makers(settings, options.results, json.loads(options.sequence)), options.results, options.moments, 0)
    found: dict[str, list[dict[str, NDArray[Any]]]] = {name: [] for name in options.methods}
    for number, window in enumerate(reversed(windows(inputs, judge))):
        key = digest(data_key(inputs).encode(), repr(window).encode())
        for name in options.methods:
            path = asks.place(name, key)
            if not path.is_file() and not options.show:
                began, part = time.monotonic(), split(inputs, window)
                write_arrays(path, **judged(asks.makers.made(name, part), part, asks.most, asks.seed + number))
                write_json(path.with_suffix(".json"), {"method": name, "at": window.at, "stamp": stamp()})
                print(f"{name}, week {number}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            if path.is_file():
                found[name].append({**read_arrays(path), "week": np.array(number)})
    return found


def main() -> None:
    """Prints the tables, and writes the picture if one is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=8, help="weeks, four weeks apart")
    parser.add_argument("--methods", nargs="+", choices=NAMES, default=["taste", "popular"], metavar="NAME")
    parser.add_argument("--moments", type=int, default=3, help="at most so many of each listener in a week")
    parser.add_argument("--sequence", default="{}", help="settings of sasrec, as JSON")
    parser.add_argument("--results", type=Path, default=Path("staleness-results"))
    parser.add_argument("--picture", type=Path, help="where the curve goes, as SVG")
    parser.add_argument("--show", action="store_true", help="make nothing")
    options = parser.parse_args()
    try:
        if min(options.windows, options.moments) < 1:
            raise BadInput(f"--windows {options.windows} and --moments {options.moments} must be at least 1")
        found = run(options)
    except PalateError as error:
        sys.exit(f"error: {error}")
    curve = Curve(found, AGES_SECONDS, EvalSettings())
    print(f"{stamp()}\n\n{tables(curve)}")
    if options.picture and curve.methods:
        options.picture.write_text(picture(curve), encoding="utf-8")


if __name__ == "__main__":
    main()
