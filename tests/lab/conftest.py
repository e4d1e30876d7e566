"""A book of runs in a temporary folder, and runs that nobody samples or copies."""

import pytest

from palate.lab.book import Book
from palate.lab.settings import LabSettings

ALONE = LabSettings(tracker="none", system_seconds=0)


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path / "lab")


@pytest.fixture
def start(book):
    """start("train", key=...) -> Run, without a sampler or a tracker; those still going are finished at the end."""
    runs = []

    def begin(job="train", **told):
        runs.append(book.start(job, **{"settings": ALONE} | told))
        return runs[-1]

    yield begin
    for run in runs:
        run.finish()
