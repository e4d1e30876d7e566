"""Who hears `log`: the recorder of the block, and nobody outside it."""

import threading

import pytest

from palate.core import recording
from palate.core.recording import Table, current, log, summarize


class Heard:
    """A recorder that keeps what it hears."""

    def __init__(self):
        self.logged, self.said = [], []

    def log(self, values, step=None):
        self.logged.append((dict(values), step))

    def summarize(self, values):
        self.said.append(dict(values))


def test_without_a_recorder_nothing_happens():
    log({"loss": 1.0})
    summarize({"loss": 1.0})
    assert current() is None


def test_the_recorder_of_the_block_hears_it():
    heard = Heard()
    with recording.recording(heard):
        log({"loss": 0.5}, step=4)
        log({"rows": Table(["a"], [[1]])})
        summarize({"best": 1.0})
        assert current() is heard
    log({"loss": 9.0})
    assert heard.logged == [({"loss": 0.5}, 4), ({"rows": Table(["a"], [[1]])}, None)]
    assert heard.said == [{"best": 1.0}]


def test_an_inner_block_takes_over_and_gives_back():
    outer, inner = Heard(), Heard()
    with recording.recording(outer):
        with recording.recording(inner):
            log({"a": 1})
        with recording.recording(None):
            log({"a": 2})
        log({"a": 3})
    assert [values["a"] for values, _ in inner.logged] == [1]
    assert [values["a"] for values, _ in outer.logged] == [3]


def broken_block(recorder):
    with recording.recording(recorder):
        raise KeyError("x")


def test_an_error_leaves_no_recorder_behind():
    with pytest.raises(KeyError):
        broken_block(Heard())
    assert current() is None


def test_a_thread_does_not_inherit_the_recorder():
    heard, seen = Heard(), []
    with recording.recording(heard):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [None]
