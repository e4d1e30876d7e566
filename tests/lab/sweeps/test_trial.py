"""A worker's trials are runs of the book, whatever becomes of them."""

import time

import pytest

from palate.core.errors import BadInput
from palate.lab.sweeps.trial import JOB, Mark, Worker

from ..conftest import ALONE
from .conftest import TODAY, objective

WINDOWS = 3


def marks(values):
    """Each window's objective is the same up to what all trials share in it."""
    for window in range(WINDOWS):
        value = objective(values) + window / 10
        yield Mark(value, [value - 0.01, value, value + 0.01, float("nan")], {"window": window})


@pytest.fixture
def worker(search, book, spec):
    def make(judge=marks, wanted=3, until=float("inf")):
        search.begin_with(TODAY)
        return Worker("cake", spec, search, book, judge, WINDOWS, wanted, until, ALONE)

    return make


def test_each_trial_is_a_run_with_its_values_and_its_marks_by_window(worker, book, spec):
    worker(wanted=2).work()
    first, second = book.runs()
    assert [run.job for run in (first, second)] == [JOB, JOB]
    assert {run.group for run in (first, second)} == {spec.group}
    assert first.config == TODAY
    assert first.summary["objective"] == pytest.approx(objective(TODAY) + 0.1)
    assert first.summary["pruned"] is False
    assert first.about["sweep"] == "cake"
    assert first.about["simulated"] is True
    assert (first.state, first.steps) == ("finished", WINDOWS)
    series = book.history(first)["objective"]
    assert series.steps == [0, 1, 2]
    assert series.values == pytest.approx([objective(TODAY) + window / 10 for window in range(WINDOWS)])


def test_a_hopeless_trial_is_pruned_and_says_so(worker, book, search):
    def worse_and_worse(values):
        shift = 0.0 if values == TODAY else -0.5
        for mark in marks(values):
            yield Mark(mark.objective + shift, [part + shift for part in mark.parts], {})

    worker(worse_and_worse, wanted=2).work()
    second = search.trials()[1]
    assert second.state == "pruned"
    run = book.get(second.run)
    assert run.summary["pruned"] is True
    assert run.summary["windows"] < WINDOWS
    assert run.summary["objective"] == pytest.approx(second.objective)


def test_no_time_left_no_trial(worker, search):
    worker(until=time.time() - 1).work()
    assert [trial.state for trial in search.trials()] == ["waiting"]


def test_ctrl_c_gives_the_trial_back(worker, book, search):
    def stopped(values):
        yield from list(marks(values))[:1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker(stopped).work()
    assert [trial.state for trial in search.trials()] == ["failed", "waiting"]
    assert book.runs()[0].state == "interrupted"
    worker(wanted=1).work()
    assert [trial.state for trial in search.trials()] == ["failed", "complete"]
    assert search.trials()[1].values == TODAY


def test_an_error_ends_the_work_and_stands_in_the_run(worker, book, search):
    def wrong(values):
        raise BadInput("no cake")
        yield

    with pytest.raises(BadInput, match="no cake"):
        worker(wrong).work()
    assert book.runs()[0].error == "BadInput: no cake"
    assert not [trial for trial in search.trials() if trial.state == "complete"]
