"""What lies in a sweep's folder, opened: its trials, and answers on the held-out windows."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from palate.core.artefacts import read_arrays, write_arrays
from palate.core.home import Home
from palate.jobs.sweeping.windows import Answers
from palate.lab.book import Book
from palate.lab.sweeps.spec import Sweep
from palate.lab.sweeps.study import Search


def search_of(home: Home, sweep: Sweep) -> Search:
    """The trials of a sweep of this home."""
    spec = sweep.spec
    return Search(sweep.trials, spec.space, spec.seed, Book(home.lab).runs_folder)


def keep_answers(file: Path, answers: Answers) -> None:
    """Writes the answers to the values in `file` (JSON) beside it."""
    arrays = {one.name: getattr(answers, one.name) for one in fields(answers) if one.name != "names"}
    write_arrays(file.with_suffix(".npz"), **arrays, names=np.array(answers.names))


def answers_of(file: Path) -> Answers:
    """What `keep_answers` wrote."""
    arrays = read_arrays(file.with_suffix(".npz"))
    return Answers(tuple(arrays.pop("names").tolist()), **arrays)
