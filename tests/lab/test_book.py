"""All runs of a home: listed the same from the folders and from the index, found again by key, read whole."""

import os
import sqlite3
import threading
from collections.abc import Mapping

import pytest

from palate.core.errors import BadInput
from palate.lab.book import Book, named_values
from palate.lab.folder import take
from palate.lab.run import Run


@pytest.fixture
def three(book, start):
    """Three finished runs."""
    for number in range(3):
        with start("eval", name=f"n{number}", config={"task": "discover" if number else "next"}) as run:
            run.log({"ndcg_at_10": number / 10})
    return book


def ids(infos):
    return [info.id for info in infos]


def test_an_empty_home_has_no_runs_and_stays_empty(book, tmp_path):
    assert book.runs() == []
    with pytest.raises(BadInput, match="no run 'x'; `palate lab runs` lists"):
        book.get("x")
    assert list(tmp_path.iterdir()) == []


def test_runs_are_listed_oldest_first_filtered_and_sorted(three):
    assert [info.name for info in three.runs()] == ["n0", "n1", "n2"]
    assert [info.name for info in three.runs("task=='discover' and ndcg_at_10>.05", "-ndcg_at_10")] == ["n2", "n1"]
    assert three.runs("task=='nothing'") == []
    with pytest.raises(BadInput, match="cannot be read"):
        three.runs("task=")


def test_a_run_is_got_by_id_its_beginning_or_its_name(three):
    first, second, _ = three.runs()
    assert three.get(first.id) == first
    assert three.get(first.id[:24]) == first
    assert three.get("n1") == second
    with pytest.raises(BadInput, match="give more of the id"):
        three.get(first.id[:2])
    with pytest.raises(BadInput):
        three.get("")


def test_the_latest_of_a_name_is_meant(book, start):
    start(name="same").finish()
    latest = start(name="same")
    assert book.get("same").id == latest.id


def listed(book):
    return [{**vars(info), "seconds": 0} for info in book.runs()]


def test_the_index_changes_nothing(three):
    fresh = listed(three)
    assert (three.folder / "index.sqlite").exists()
    assert listed(three) == fresh
    (three.folder / "index.sqlite").unlink()
    assert listed(three) == fresh


@pytest.mark.parametrize("damage", [b"", b"junk" * 1000])
def test_a_damaged_index_changes_nothing(three, damage):
    fresh = listed(three)
    (three.folder / "index.sqlite").write_bytes(damage)
    assert listed(three) == fresh
    assert listed(three) == fresh
    assert listed(three) == fresh


def test_documents_of_the_index_that_are_none_are_read_again(three):
    fresh = listed(three)
    with sqlite3.connect(three.folder / "index.sqlite") as db:
        db.execute("UPDATE runs SET doc = ?", (b"{}",))
    db.close()
    assert listed(three) == fresh


def test_an_index_that_says_finished_is_not_believed_when_the_journal_says_more(book, start):
    run = start()
    run.log({"a": 1})
    run.finish()
    assert book.runs()[0].state == "finished"
    with (run.folder / "journal.jsonl").open("a") as file:  # as a folder that was restored from elsewhere
        file.write('{"k":"start","pid":1,"t":1e12}\n{"k":"log","s":1,"v":{"a":2},"t":1e12}\n')
    (info,) = book.runs()
    assert (info.state, info.summary) == ("interrupted", {"a": 2})


def test_a_deleted_folder_is_listed_no_more_and_leaves_the_index(three):
    three.runs()
    gone = three.runs()[1]
    for path in sorted(three.path(gone).iterdir()):
        path.unlink()
    three.path(gone).rmdir()
    assert gone.id not in ids(three.runs())
    with sqlite3.connect(three.folder / "index.sqlite") as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    db.close()


def test_strange_things_beside_the_runs_are_passed_over(three):
    (three.runs_folder / "note.txt").write_text("x")
    (three.runs_folder / ".hidden").mkdir()
    (three.runs_folder / "empty").mkdir()
    assert len(three.runs()) == 3


def test_an_interrupted_run_is_running_again_as_soon_as_it_goes_on(book, start):
    run = start(key="k")
    run.log({"a": 1})
    os.close(run._held)  # as if its process were gone
    assert [info.state for info in book.runs()] == ["interrupted"]
    assert [info.state for info in book.runs()] == ["interrupted"]  # from the index
    run._held = os.open(run.folder / ".lock", os.O_RDWR)
    again = start(key="k")
    assert again.id == run.id
    assert [(info.state, info.resumed) for info in book.runs()] == [("running", 1)]
    run._sampler = None
    again.log({"a": 2})
    again.finish()
    run._ended = True
    (info,) = book.runs()
    assert book.history(info)["a"].values == [1, 2]
    assert book.history(info)["a"].steps == [0, 1]


def interrupted(start, **told):
    run = start(**told)
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    return run


def test_only_the_latest_run_of_job_and_key_goes_on_and_only_if_interrupted(book, start):
    first = interrupted(start, key="k")
    assert start(key="other").id != first.id
    assert start("eval", key="k").id != first.id
    assert start().id != first.id
    second = start(key="k")
    assert second.id == first.id
    assert start(key="k").id != first.id  # it works already
    second.finish()
    assert start(key="k").id != first.id


def test_later_values_of_a_step_count(book, start):
    run = start()
    run.log({"a": 1}, step=0)
    run.log({"a": 2, "b": "text"}, step=5)
    run.log({"a": 3}, step=5)
    run.finish()
    history = book.history(book.get(run.id))
    assert (history["a"].steps, history["a"].values) == ([0, 5], [1, 3])
    assert "b" not in history


def test_a_finished_run_is_written_down_at_once_and_indexed(book):
    run = book.record(
        "eval", name="als", config={"task": "discover"}, group="g", about={"data": "h"}, summary={"ndcg_at_10": 0.1}
    )
    assert run in book._index.read()
    info = book.get("als")
    assert (info.id, info.state, info.group, info.summary) == (run, "finished", "g", {"ndcg_at_10": 0.1})
    assert (info.config, info.about, info.resumed) == ({"task": "discover"}, {"data": "h"}, 0)
    with pytest.raises(BadInput, match="is over"):
        Run(book.path(info))


def test_a_run_that_cannot_be_begun_holds_nothing_and_is_not_listed(book, start, monkeypatch):
    def full(folder, *told):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("palate.lab.book._write", full)
        with pytest.raises(OSError, match="No space left"):
            start()
    (folder,) = book.runs_folder.iterdir()
    os.close(take(folder))
    assert book.runs() == []


def test_a_job_may_be_called_anything(book, start):
    run = start("sweep of a/b: ü")
    assert run.folder.parent == book.runs_folder
    assert book.get(run.id).job == "sweep of a/b: ü"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_may_only_be_read_is_listed(three):
    three.runs_folder.chmod(0o555)
    three.folder.chmod(0o555)
    (three.folder / "index.sqlite").chmod(0o444)
    try:
        assert [info.name for info in three.runs()] == ["n0", "n1", "n2"]
    finally:
        three.folder.chmod(0o755)
        three.runs_folder.chmod(0o755)


def test_listing_needs_no_writing(three, monkeypatch):
    fresh = listed(three)
    (three.folder / "index.sqlite").unlink()
    real = os.open

    def reading(path, flags, *rest, **more):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", reading)
    assert listed(three) == fresh


def test_several_may_list_at_once_while_runs_begin_and_end(book, start):
    found, errors = [], []

    def look():
        try:
            for _ in range(15):
                found.append(len(Book(book.folder).runs()))
        except BaseException as error:
            errors.append(error)
            raise

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    for number in range(15):
        if number % 3:
            start(name=str(number)).finish()
        else:
            book.record("eval", summary={"a": number})
    for looker in lookers:
        looker.join()
    assert errors == []
    assert max(found) <= 15
    assert len(book.runs()) == 15
    assert all(info.state == "finished" for info in book.runs())


def test_names_come_once_in_the_order_of_first_use(three):
    assert list(named_values(three.runs(), "config")) == ["task"]
    assert list(named_values(three.runs(), "summary")) == ["ndcg_at_10"]
    assert isinstance(three.runs()[0].config, Mapping)
