"""What each part of the foundation is worth: variants of it, judged by the judge's tasks in the same weeks.

    python benchmarks/ablations.py --data HOME --windows 3 --offset-days 14 [--groups windows teacher] [--page FILE]

The data ends --offset-days early, so that what is chosen here is not chosen on the weeks that judge. Each (variant,
week) is one file in --results, named after the variant, the code and the data: an interrupted run goes on where it
was. Variants are taken in the order of their worth, each in all weeks; --minutes ends the run after the one under way.
--show makes nothing and shows what is there.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablation.showing import Found, page, picture
from ablation.variants import DEFAULT_NAME, Variant, variants
from ablation.workshop import EMBEDDINGS, Workshop
from foundation import LISTENS, Entrant, Outcome, cut, data_key, digest, opened
from palate.core.artefacts import read_json, write_json
from palate.core.errors import BadInput, PalateError
from palate.embeddings.inputs import Inputs
from palate.evaluation import metrics
from palate.evaluation.method import Fitted
from palate.evaluation.scoring import check_lists
from palate.evaluation.splits import EvalSettings, Split, split, windows
from palate.evaluation.tasks.hours import NextHours
from palate.evaluation.tasks.questions import Questions, Task
from palate.evaluation.tasks.week import Discover, Next
from palate.jobs.inputs import gather
from stamp import stamp

HERE = Path(__file__).parent
TASKS: list[Task] = [Next(), Discover(), NextHours()]
CANDIDATES = 500  # so many are asked for: what a ranker would be given


@dataclass
class Week:
    """One week of the judge: what is known before it, and what is asked about it."""

    inputs: Inputs
    settings: EvalSettings

    @cached_property
    def part(self) -> Split:
        return split(self.inputs, windows(self.inputs, self.settings)[-1])

    @cached_property
    def asked(self) -> list[tuple[Task, Questions]]:
        return [(task, task.questions(self.part, self.settings)) for task in TASKS]

    @cached_property
    def key(self) -> str:
        return digest(data_key(self.inputs).encode(), repr(self.settings).encode())

    def marks(self, name: str, fitted: Fitted) -> dict[str, dict[str, list[float]]]:
        """By task the listeners asked about, and by metric one mark for each; tasks that cannot be asked are absent."""
        found = {}
        for task, asked in self.asked:
            if not len(asked) or not task.able(fitted):
                continue
            lists = task.answers(fitted, self.part, asked, CANDIDATES)
            check_lists(name, lists, CANDIDATES, task, self.part, asked)
            hit, sizes = metrics.hits(lists, asked.indptr, asked.items), asked.sizes
            found[task.name] = {
                "listeners": asked.rows.tolist(),
                "ndcg@100": metrics.ndcg(hit, sizes, 100).tolist(),
                "ndcg@10": metrics.ndcg(hit, sizes, 10).tolist(),
                f"recall@{CANDIDATES}": metrics.recall(hit, sizes, CANDIDATES).tolist(),
            }
        return found


def place_of(variant: Variant, week: Week, results: Path) -> Path:
    """The file of one variant in one week."""
    method = variant.method
    entrant = Entrant.of(method, repr(method), [*EMBEDDINGS, *getattr(method, "code", ())])
    name = "".join(letter if letter.isalnum() else "-" for letter in method.name)
    return results / f"{name}-{digest(entrant.key.encode(), week.key.encode())}.json"


def kept(path: Path) -> dict[str, Any] | None:
    """What a file says, None when it is not there."""
    return read_json(path) if path.is_file() else None


def judge(variant: Variant, week: Week, path: Path, workshop: Workshop) -> None:
    """Fits and judges one variant in one week, and writes its file.

    A variant's seconds are those of what it does not share; the default's are those of all that is shared: it comes
    first.
    """
    began = time.process_time()
    fitted = variant.method.fit(week.part.known, week.part.window.at)
    spent = time.process_time() - began
    if variant.group == DEFAULT_NAME:
        spent = sum(workshop.of(week.part.known).seconds.values())
    name = variant.method.name
    told = {"variant": name, "settings": repr(variant.method), "end": week.inputs.end, "stamp": stamp()}
    marks = {"marks": week.marks(name, fitted), "fit_cpu_seconds": spent, "told": getattr(fitted, "told", {})}
    write_json(path, told | marks)


def run(chosen: Sequence[Variant], weeks: Sequence[Week], results: Path, minutes: float, workshop: Workshop) -> None:
    """Everything that is not kept yet, in order, for so many minutes; the one under way is finished."""
    missing = [
        (variant, number, path)
        for variant in chosen
        for number, week in enumerate(weeks)
        if not (path := place_of(variant, week, results)).is_file()
    ]
    began = time.monotonic()
    for done, (variant, number, path) in enumerate(missing):
        if time.monotonic() - began > 60.0 * minutes:
            print(f"time is over, {len(missing) - done} of {len(missing)} are left", file=sys.stderr)
            return
        start = time.monotonic()
        judge(variant, weeks[number], path, workshop)
        what = f"{done + 1} of {len(missing)}: {variant.method.name}, week {number}"
        print(f"{what}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def found(chosen: Sequence[Variant], weeks: Sequence[Week], results: Path) -> list[Found]:
    """What is kept of each variant, week by week; a variant that lacks a week says so by having fewer."""
    everything = []
    for variant in chosen:
        files = [kept(place_of(variant, week, results)) for week in weeks]
        outcomes = {
            number: Outcome(file["marks"], file["fit_cpu_seconds"]) for number, file in enumerate(files) if file
        }
        everything.append(Found(variant, outcomes, [file["told"] for file in files if file and file["told"]]))
    return everything


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=LISTENS, help="a home, or a file of listens")
    parser.add_argument("--groups", nargs="+", default=[], metavar="NAME", help="only these, and the default")
    parser.add_argument("--windows", type=int, default=3, help="weeks, four weeks apart")
    parser.add_argument("--offset-days", type=float, default=14.0, help="how long before its end the data is cut")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="when to begin nothing more")
    parser.add_argument("--results", type=Path, default=Path("foundation-results") / "ablations")
    parser.add_argument("--show", action="store_true", help="make nothing, show what is there")
    parser.add_argument("--page", type=Path, help="a page between whose markers the tables are written")
    parser.add_argument("--section", default="tables", help="the name in the markers of that page")
    parser.add_argument("--picture", type=Path, help="an SVG file of the differences")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def chosen_of(every: Sequence[Variant], groups: Sequence[str]) -> list[Variant]:
    """The variants of these groups with the default; all for none. BadInput for a group that there is not."""
    there = list(dict.fromkeys(variant.group for variant in every))
    if unknown := [group for group in groups if group not in there]:
        raise BadInput(f"no group {', '.join(unknown)}; choose from {', '.join(there)}")
    return [variant for variant in every if not groups or variant.group in (*groups, there[0])]


def main() -> None:
    """Judges what is missing, then prints the tables or JSON, and writes the page and the picture asked for."""
    options = parsed()
    try:
        if options.windows < 1:
            raise BadInput(f"--windows {options.windows} is not a number of weeks; give at least 1")
        options.results.mkdir(parents=True, exist_ok=True)
        settings = EvalSettings(windows=1, seeds=1, k=(10, 100, CANDIDATES))
        inputs = gather(opened(options.data, options.results))
        weeks = [
            Week(cut(inputs, options.offset_days + number * settings.spacing_days), settings)
            for number in range(options.windows)
        ]
        workshop = Workshop(options.results)
        chosen = chosen_of(variants(workshop), options.groups)
        if not options.show:
            run(chosen, weeks, options.results, options.minutes, workshop)
    except PalateError as error:
        sys.exit(f"error: {error}")
    report(found(chosen, weeks, options.results), [task.name for task in TASKS], settings, options)


def report(everything: list[Found], tasks: list[str], settings: EvalSettings, options: argparse.Namespace) -> None:
    """Prints, and writes the files that were asked for."""
    if options.json:
        outcomes = {one.name: {week: asdict(outcome) for week, outcome in one.weeks.items()} for one in everything}
        print(json.dumps({"stamp": stamp(), "variants": outcomes}))
        return
    text = page(everything, tasks, settings, options.windows)
    print(f"{stamp()}\n{options.data}, {options.windows} weeks, the latest {options.offset_days:g} days before the end")
    print(text)
    if options.page:
        replaced(options.page, text, options.section)
    if options.picture:
        options.picture.write_text(picture(everything, settings, options.windows), encoding="utf-8")


def replaced(path: Path, text: str, section: str) -> None:
    """Writes `text` between the markers of a page's section; BadInput when it has none."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    whole = path.read_text(encoding="utf-8")
    if begin not in whole or end not in whole:
        raise BadInput(f"{path} has no lines {begin} and {end}; put them where the tables belong")
    before, after = whole.split(begin)[0], whole.split(end)[1]
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
