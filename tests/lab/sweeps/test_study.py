"""Trials are claimed once each, lost ones are done again, and the search finds what was planted."""

from contextlib import contextmanager

import pytest

from palate.lab.sweeps import study
from palate.lab.sweeps.study import TRIES, Trial, best, importances, spent_seconds

from .conftest import TODAY, objective


def states(search):
    return [trial.state for trial in search.trials()]


def test_the_first_trial_has_todays_settings(search, try_once):
    search.begin_with(TODAY)
    search.begin_with({"a.x": 0.9, "a.y": 0.9})
    assert try_once().values == TODAY
    assert search.trials()[0].objective == objective(TODAY)
    assert try_once().values != TODAY


def test_todays_settings_outside_of_the_space_begin_at_its_edge(search, try_once):
    search.begin_with({"a.x": 7.0, "a.y": -1.0})
    assert try_once().values == {"a.x": 1.0, "a.y": 0.0}


def test_as_many_as_are_wanted_are_given_out_and_no_more(make_search, begin):
    one, two = make_search(), make_search()
    claimed = [one.claim(3, begin), two.claim(3, begin), one.claim(3, begin)]
    assert [trial.number for trial in claimed] == [0, 1, 2]
    assert one.claim(3, begin) is None
    assert two.claim(3, begin) is None
    assert two.busy(3)  # one of them may still die
    for trial in claimed:
        trial.complete([1.0])
        trial.run.finish()
    assert one.claim(3, begin) is None
    assert not one.busy(3)
    assert one.claim(4, begin).number == 3


def test_a_trial_whose_run_is_dead_is_done_again_with_the_same_values(make_search, begin):
    dead = make_search().claim(5, begin)
    dead.run.finish()  # as the kernel does when the process is killed: the run's lock is free
    other = make_search()
    assert other.busy(1)
    again = other.claim(1, begin)
    assert again.number == 1
    assert again.values == dead.values
    assert states(other) == ["failed", "running"]


def test_a_trial_that_ends_while_the_dead_are_looked_for_is_not_taken_for_one(make_search, begin, monkeypatch):
    claimed = make_search().claim(1, begin)

    @contextmanager
    def ends_just_now(folder):
        claimed.complete([1.0])
        claimed.run.finish()
        yield False

    monkeypatch.setattr(study, "held", ends_just_now)
    other = make_search()
    assert other.claim(1, begin) is None
    assert states(other) == ["complete"]


def test_a_trial_that_was_killed_while_its_values_were_drawn_leaves_no_trace_in_the_next(search, begin):
    """What it had so far is not asked for again: its successor would draw what the one after it draws."""
    search.study.ask()  # without values and without a run, as if killed within `claim`
    first, second = search.claim(9, begin), search.claim(9, begin)
    assert states(search) == ["failed", "running", "running"]
    assert first.values != second.values


def test_settings_that_kill_every_worker_are_given_up(search, begin):
    first = search.claim(2, begin)
    first.run.finish()
    tried = [first.values]
    for _ in range(TRIES - 1):
        claimed = search.claim(2, begin)
        tried.append(claimed.values)
        claimed.run.finish()
    assert tried == [first.values] * TRIES
    assert search.claim(2, begin).values != first.values
    assert states(search) == ["failed"] * TRIES + ["running"]


def test_a_trial_that_is_given_back_is_done_again(search, begin):
    claimed = search.claim(1, begin)
    claimed.give_back()
    claimed.run.finish()
    assert search.claim(1, begin).values == claimed.values


def test_the_same_seed_tries_the_same_and_a_search_that_goes_on_does_not_repeat_itself(make_search, begin, tmp_path):
    def tried(name, reopened):
        search, found = make_search(), []
        search.path = tmp_path / name / "study.sqlite"
        for _ in range(4):
            if reopened:
                search = make_search()
                search.path = tmp_path / name / "study.sqlite"
            claimed = search.claim(99, begin)
            found.append(tuple(claimed.values.values()))
            claimed.complete([objective(claimed.values)])
            claimed.run.finish()
        return found

    whole = tried("whole", False)
    assert len(set(whole)) == 4
    assert tried("pieces", True) == whole


def test_trials_in_work_at_the_same_time_differ(make_search, begin):
    claimed = [make_search().claim(99, begin) for _ in range(3)]
    assert len({tuple(one.values.values()) for one in claimed}) == 3


def test_a_trial_that_is_worse_everywhere_is_hopeless_and_an_equal_one_is_not(search, begin):
    first = search.claim(9, begin)
    for step in range(10):
        first.report(step, 1.0 + step / 100)
    first.complete([1.02, 1.07])
    worse, equal = search.claim(9, begin), search.claim(9, begin)
    for step in range(5):
        worse.report(step, 0.9 + step / 100)
        equal.report(step, 1.0 + step / 100 + (0.01 if step % 2 else -0.01))
    assert worse.hopeless()
    assert not equal.hopeless()


def test_a_pruned_trial_is_thought_to_stay_as_far_behind_the_best_as_it_was(search, begin):
    best_one, behind, above = (search.claim(9, begin) for _ in range(3))
    assert best_one.complete([1.0, 3.0, 5.0]) == 3.0
    assert behind.prune([0.5]) == 3.0 - 0.5
    assert above.prune([1.5]) == 3.0  # never above the best, or it would be taken for it
    assert [trial.state for trial in search.trials()] == ["complete", "pruned", "pruned"]
    assert best(search.trials()).number == 0


def test_the_setting_that_matters_is_found(search, try_once):
    search.begin_with(TODAY)
    assert importances(search) == {}
    for _ in range(25):
        try_once()
    shares = importances(search)
    assert next(iter(shares)) == "a.x"
    assert shares["a.x"] > 0.9
    assert sum(shares.values()) == pytest.approx(1.0)
    assert abs(best(search.trials()).values["a.x"] - 0.7) < 0.1


def trial(number, state, objective, began=None, ended=None):
    return Trial(number, state, {}, objective, "", began, ended)


def test_the_best_is_a_whole_trial_and_the_first_of_equals():
    assert best([]) is None
    found = best(
        [trial(0, "complete", 0.5), trial(1, "pruned", 0.9), trial(2, "complete", 0.7), trial(3, "complete", 0.7)]
    )
    assert found.number == 2


def test_time_spent_counts_once_what_was_done_at_once_and_no_pause():
    trials = [
        trial(0, "complete", 1.0, 0.0, 10.0),
        trial(1, "pruned", 1.0, 5.0, 12.0),  # beside the first
        trial(2, "complete", 1.0, 100.0, 103.0),  # after a pause
        trial(3, "failed", None, 12.0, 90.0),  # found dead a long time later
        trial(4, "running", None, 103.0, None),
    ]
    assert spent_seconds(trials) == 12.0 + 3.0
    assert spent_seconds([]) == 0.0
