"""The copy at a tracker is whole in the end, whatever happened on the way, and never touches the run."""

import json
import os
import sqlite3
import threading

import pytest

from palate.core.errors import BadInput, MissingExtra, PalateError
from palate.core.recording import Image, Table
from palate.lab import mirror
from palate.lab.mirror import Mirror, copied, copy_runs
from palate.lab.settings import LabSettings
from palate.lab.tracker import Lost


class Kept:
    """A tracker in memory that loses what it was given since it last settled, as often as `losses` says."""

    def __init__(self, losses=0):
        self.points, self.pending, self.said, self.files = [], [], {}, []
        self.losses, self.opened, self.failed = losses, 0, None

    def open(self, info, folder):
        self.opened += 1
        return f"copy of {info.name}"

    def log(self, values, step):
        self.pending.append((step, values))

    def system(self, values):
        pass

    def summarize(self, values):
        self.said |= values

    def file(self, file):
        self.files.append(file.name)
        return "svg: not taken" if file.type == "image" else ""

    def settle(self):
        if self.losses > 0:
            self.losses -= 1
            self.pending.clear()
            raise Lost("database is locked")
        self.points += self.pending
        self.pending.clear()

    def finish(self, failed):
        self.settle()
        self.failed = failed


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(mirror, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(mirror, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(mirror, "WAITS_SECONDS", (0.0, 0.0))


def steps(copy, name="loss"):
    return [step for step, values in copy.points if name in values]


def test_a_finished_run_is_copied_whole(start):
    with start(name="n") as run:
        for step in range(5):
            run.log({"loss": step, "nothing": None})
        run.log({"rows": Table(["a"], [[1]]), "plot": Image("<svg/>")})
        run.summarize({"best": 0.0})
    copy = Kept()
    state = Mirror(run.folder, "trackio", copy).run(follow=False)
    assert (state.called, state.whole, state.error) == ("copy of n", True, "")
    assert state.position == (run.folder / "journal.jsonl").stat().st_size
    assert state.left_out == ["svg: not taken"]
    assert steps(copy) == [0, 1, 2, 3, 4]
    assert copy.points[0][1] == {"loss": 0}
    assert (copy.said, copy.files, copy.failed) == ({"best": 0.0}, ["rows", "plot"], False)
    assert copied(run.folder, "trackio") == state
    assert Mirror(run.folder, "trackio", copy).run(follow=False) == state
    assert copy.opened == 1


def test_a_run_is_followed_until_its_end(start):
    run, copy = start(), Kept()
    thread = threading.Thread(target=Mirror(run.folder, "trackio", copy).run, args=(True,))
    thread.start()
    for step in range(50):
        run.log({"loss": step})
    run.finish(ValueError("x"))
    thread.join(30)
    assert steps(copy) == list(range(50))
    assert copy.failed is True
    assert copied(run.folder, "trackio").whole


def test_an_interrupted_run_is_followed_to_where_it_stands_and_on_when_it_goes_on(start):
    run = start(key="k")
    run.log({"loss": 0})
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    copy = Kept()
    assert Mirror(run.folder, "trackio", copy).run(follow=True).whole
    again = start(key="k")
    assert again.id == run.id
    again.log({"loss": 1})
    so_far = Mirror(run.folder, "trackio", copy).run(follow=False)
    assert not so_far.whole
    assert steps(copy) == [0, 1]
    again.log({"loss": 2})
    again.finish()
    assert Mirror(run.folder, "trackio", copy).run(follow=False).whole
    assert steps(copy) == [0, 1, 2]


def test_what_the_tracker_lost_is_sent_again(start):
    with start() as run:
        for step in range(4):
            run.log({"loss": step})
    copy = Kept(losses=2)
    state = Mirror(run.folder, "trackio", copy).run(follow=False)
    assert (state.whole, state.error) == (True, "")
    assert sorted(set(steps(copy))) == [0, 1, 2, 3]


def test_a_tracker_that_stays_broken_is_given_up_and_can_be_tried_later(start):
    with start() as run:
        run.log({"loss": 0})
    with pytest.raises(Lost):
        Mirror(run.folder, "trackio", Kept(losses=99)).run(follow=False)
    state = copied(run.folder, "trackio")
    assert (state.whole, state.position, state.error) == (False, 0, "database is locked")
    copy = Kept()
    assert Mirror(run.folder, "trackio", copy).run(follow=False).whole
    assert steps(copy) == [0]


def test_an_error_of_the_tracker_is_written_down_and_the_run_is_untouched(book, start):
    class Broken(Kept):
        def log(self, values, step):
            raise RuntimeError("their API raised")

    with start() as run:
        run.log({"loss": 0})
    with pytest.raises(RuntimeError):
        Mirror(run.folder, "wandb", Broken()).run(follow=False)
    assert copied(run.folder, "wandb").error == "RuntimeError: their API raised"
    assert book.get(run.id).state == "finished"


def test_after_a_kill_points_come_again_but_none_is_missing(start):
    class Killed(Kept):
        def log(self, values, step):
            if step == 7:
                raise SystemExit
            super().log(values, step)

    with start() as run:
        for step in range(10):
            run.log({"loss": step})
    first, second = Killed(), Kept()
    with pytest.raises(SystemExit):
        Mirror(run.folder, "trackio", first).run(follow=False)
    Mirror(run.folder, "trackio", second).run(follow=False)
    assert sorted(set(steps(first) + steps(second))) == list(range(10))


def test_only_one_copies_a_run_to_a_tracker(start):
    run = start()
    run.finish()
    with mirror._alone(run.folder, "trackio", wait=False):
        with pytest.raises(BadInput, match="is being copied to trackio already"):
            Mirror(run.folder, "trackio", Kept()).run(follow=False)
        assert Mirror(run.folder, "wandb", Kept()).run(follow=False).whole


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}'])
def test_a_damaged_position_begins_again(start, damage):
    run = start()
    run.finish()
    (run.folder / "mirror-trackio.json").write_text(damage)
    assert copied(run.folder, "trackio").position == 0
    assert Mirror(run.folder, "trackio", Kept()).run(follow=False).whole


def test_a_tracker_that_is_not_there_is_an_error_with_its_remedy(book, start, monkeypatch):
    start().finish()
    monkeypatch.setattr("palate.lab.tracker.installed", lambda name: False)
    with pytest.raises(MissingExtra):
        copy_runs(book, book.runs(), "trackio", LabSettings())


def trackio_points(book, project="palate"):
    path = book.folder / "trackio" / f"{project}.db"
    if not path.exists():
        return []
    db = sqlite3.connect(path)
    rows = db.execute("SELECT run_name, step, metrics FROM metrics ORDER BY id").fetchall()
    db.close()
    return [(name, step, json.loads(metrics)) for name, step, metrics in rows]


@pytest.mark.slow
def test_a_run_that_works_is_copied_to_trackio_with_the_runs_of_its_group(book, monkeypatch):
    pytest.importorskip("trackio", reason="the extra `lab` is not installed")
    monkeypatch.delenv("PALATE_TRACKER", raising=False)
    with book.start("eval", name="judging", settings=LabSettings(system_seconds=0)) as run:
        for step in range(20):
            run.log({"loss": 1 / (step + 1)}, step=step)
        book.record("eval", name="als", group=run.id, summary={"ndcg_at_10": 0.1})
    assert run.follower is not None  # the run is over; its copy may not have begun
    assert run.follower.wait(60) == 0
    points = trackio_points(book)
    assert [step for name, step, values in points if "loss" in values and name.startswith("judging ")] == list(
        range(20)
    )
    assert [values for name, _, values in points if name.startswith("als ")] == [{"summary/ndcg_at_10": 0.1}]
    assert all(copied(book.path(info), "trackio").whole for info in book.runs())


@pytest.mark.slow
def test_a_killed_follower_stops_nothing_and_its_copy_can_be_made_later(book, monkeypatch):
    pytest.importorskip("trackio", reason="the extra `lab` is not installed")
    monkeypatch.delenv("PALATE_TRACKER", raising=False)
    with book.start("train", settings=LabSettings(system_seconds=0)) as run:
        run.log({"loss": 1.0})
        run.follower.kill()
        assert run.follower.wait(60) == -9
        run.log({"loss": 0.5})
    assert book.get(run.id).state == "finished"
    monkeypatch.setenv("PALATE_TRACKER", "none")
    (state,) = copy_runs(book, book.runs(), "trackio", LabSettings(project="other"))
    assert state.whole
    assert [step for _, step, values in trackio_points(book, "other") if "loss" in values] == [0, 1]


@pytest.mark.slow
def test_a_tracker_that_cannot_write_says_where_its_log_is(book, start):
    pytest.importorskip("trackio", reason="the extra `lab` is not installed")
    run = start()
    run.log({"loss": 1.0})
    run.finish()
    (book.folder / "trackio").write_text("a file where its folder should be")
    with pytest.raises(PalateError, match=r"trackio took 0 of 1 runs; .*copy-trackio.log says why"):
        copy_runs(book, book.runs(), "trackio", LabSettings())
    os.unlink(book.folder / "trackio")
    assert copy_runs(book, book.runs(), "trackio", LabSettings())[0].whole


@pytest.mark.slow
def test_a_run_is_copied_to_wandb_offline(book, start):
    pytest.importorskip("wandb", reason="wandb is not installed; it is no part of any extra")
    with start(name="n") as run:
        run.log({"loss": 1.0, "rows": Table(["a"], [[1]]), "plot": Image("<svg/>")})
    assert copy_runs(book, book.runs(), "wandb", LabSettings())[0].whole
    assert len(list((book.folder / "wandb" / "wandb").glob(f"offline-run-*-{run.id}"))) == 1
