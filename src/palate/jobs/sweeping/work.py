"""The process of one worker of a sweep; started by conduct.py, never by hand.

python -m palate.jobs.sweeping.work HOME NAME trials WANTED UNTIL PART PARTS
python -m palate.jobs.sweeping.work HOME NAME held-out FILE
"""

import sys
from dataclasses import replace
from pathlib import Path

from palate.core.artefacts import read_json
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.jobs.sweeping.files import keep_answers, search_of
from palate.jobs.sweeping.targets import target_named
from palate.lab.book import Book
from palate.lab.settings import LabSettings
from palate.lab.sweeps.spec import sweep_named
from palate.lab.sweeps.trial import Worker
from palate.lab.sweeps.workers import ERROR, end_with_parent


def work_on_trials(home: Home, name: str, wanted: int, until: float, part: int, parts: int) -> None:
    """Works on trials until `wanted` are done or until then (unix seconds)."""
    sweep = sweep_named(home.lab, name)
    spec = sweep.spec
    judging = target_named(spec.target).open(sweep)
    judging.prepare(part, parts)
    # The sweep itself is copied to a tracker. A process that copies a trial would take longer than the trial.
    settings = replace(LabSettings.read(read_settings(home.settings)), tracker="none")
    Worker(
        name=name, spec=spec, search=search_of(home, sweep), book=Book(home.lab),
        judge=lambda values: judging.marks({**spec.fixed, **values}), windows=judging.windows,
        wanted=wanted, until=until, settings=settings,
    ).work()  # fmt: skip


def work_on_held_out(home: Home, name: str, file: Path) -> None:
    """Judges the values in `file` (JSON) on the held-out windows; the answers lie beside it afterwards."""
    sweep = sweep_named(home.lab, name)
    keep_answers(file, target_named(sweep.spec.target).open(sweep).held_out(read_json(file)))


def main(arguments: list[str]) -> int:
    """Exit code 1, and the sentence as the last line, when something is wrong."""
    end_with_parent()
    root, name, what, *rest = arguments
    home = Home(Path(root))
    try:
        if what == "trials":
            work_on_trials(home, name, int(rest[0]), float(rest[1]), int(rest[2]), int(rest[3]))
        else:
            work_on_held_out(home, name, Path(rest[0]))
    except PalateError as error:
        print(f"{ERROR}{error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
