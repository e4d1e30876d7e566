"""What is kept between requests is what a fresh look at the folders gives."""

import shutil

from hypothesis import given
from hypothesis import strategies as st

from lab.conftest import ALONE
from palate.lab.book import Book
from palate.lab.ui.shelf import Shelf

STEPS = st.lists(st.sampled_from(["record", "start", "log", "finish", "fail", "lose"]), max_size=12)


def settled(infos):
    """What does not change while nobody does anything: a running run gets older by itself."""
    return [(info.id, info.state, info.summary, info.error, info.steps) for info in infos]


@given(STEPS)
def test_it_sees_what_a_fresh_book_sees(tmp_path_factory, steps):
    book = Book(tmp_path_factory.mktemp("home") / "lab")
    shelf, going = Shelf(book), []
    for number, step in enumerate(steps):
        if step == "record":
            book.record("eval", summary={"mark": number})
        elif step == "start":
            going.append(book.start("train", settings=ALONE))
        elif step == "lose" and book.runs():
            shutil.rmtree(book.path(book.runs()[0]))
            going = [run for run in going if run.folder.is_dir()]
        elif going and step == "log":
            going[-1].log({"loss": number})
        elif going:
            going.pop().finish(ValueError("x") if step == "fail" else None)
        assert settled(shelf.runs()) == settled(book.runs())
    for run in going:
        run.finish()
    assert settled(shelf.runs()) == settled(Book(book.folder).runs())


def test_an_interrupted_run_is_seen_as_such_and_as_going_on_again(book):
    shelf = Shelf(book)
    run = book.start("train", key="k", settings=ALONE)
    assert [info.state for info in shelf.runs()] == ["running"]
    run.finish()
    journal = run.folder / "journal.jsonl"
    journal.write_bytes(b"".join(line for line in journal.read_bytes().splitlines(True) if b'"end"' not in line))
    other = Shelf(book)
    assert [info.state for info in other.runs()] == ["interrupted"]
    again = book.start("train", key="k", settings=ALONE)
    assert [info.state for info in other.runs()] == ["running"]
    again.finish()
    assert [(info.state, info.resumed) for info in other.runs()] == [("finished", 1)]


def test_names_follow_the_runs(book):
    shelf = Shelf(book)
    book.record("eval", summary={"a": 1})
    assert [one.ask for one in shelf.names() if one.place == "summary"] == ["a"]
    book.record("eval", summary={"a": 1, "b": 2})
    assert [(one.ask, one.count) for one in shelf.names() if one.place == "summary"] == [("a", 2), ("b", 1)]


def test_a_run_is_found_by_id_name_or_beginning(four):
    shelf = Shelf(four)
    info = shelf.get("e1")
    assert shelf.get(info.id) is shelf.runs()[1]
    assert shelf.get(info.id[:-6]).id == info.id
