"""What was accepted is read back: whatever tears lines, fills disks or comes as a value."""

import errno
import math
import os
from decimal import Decimal

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.lab import journal as module
from palate.lab.journal import Journal, number, plain, read_journal


def records(path):
    return [record for _, record in read_journal(path)]


def written(path, *lines):
    journal = Journal(path)
    for line in lines:
        assert journal.append(line) is None
    journal.close()


def test_lines_come_back_in_order_and_where_they_end(tmp_path):
    path = tmp_path / "j"
    written(path, {"a": 1}, {"a": 2})
    assert list(read_journal(path)) == [(8, {"a": 1}), (16, {"a": 2})]
    assert list(read_journal(path, 8)) == [(16, {"a": 2})]
    assert list(read_journal(path, 16)) == []


def test_no_journal_is_an_empty_one(tmp_path):
    assert records(tmp_path / "none") == []


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_torn_last_line_is_left_out_and_the_next_writer_goes_on(tmp_path, cut):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n' + b'{"a":2}\n'[:-cut])
    assert records(path) == [{"a": 1}]
    written(path, {"a": 3})
    kept = [{"a": 2}] if cut == 1 else []  # it lacked nothing but its end
    assert records(path) == [{"a": 1}, *kept, {"a": 3}]


def test_damage_in_the_middle_costs_its_own_lines_only(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n\xff\x00garbage\n[1]\n7\n\n{"a":2}\n')
    assert records(path) == [{"a": 1}, {"a": 2}]


@given(
    st.lists(st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text() | st.none()), max_size=6), st.data()
)
def test_whatever_is_cut_off_whole_lines_before_it_stay(tmp_path_factory, lines, data):
    path = tmp_path_factory.mktemp("j") / "j"
    written(path, *lines)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    assert records(path) == lines[: whole[:cut].count(b"\n")]
    written(path, {"after": 1})
    assert records(path)[-1] == {"after": 1}
    assert [line for line in records(path) if line in lines] != [] or whole[:cut].count(b"\n") == 0


class Disk:
    """os.write with room for so many bytes."""

    def __init__(self, room):
        self.room, self.write = room, os.write

    def __call__(self, descriptor, content):
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self.write(descriptor, content[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", range(25))
def test_a_full_disk_makes_lines_wait_and_loses_none(tmp_path, monkeypatch, room):
    disk, path = Disk(room), tmp_path / "j"
    journal = Journal(path)
    monkeypatch.setattr(module.os, "write", disk)
    errors = [journal.append({"a": number}) for number in range(3)]
    fitting = room // 8
    assert [error is None for error in errors] == [number < fitting for number in range(3)]
    assert all(error.errno == errno.ENOSPC for error in errors if error is not None)
    assert journal.waiting == 3 - min(fitting, 3)
    assert records(path) == [{"a": number} for number in range(min(fitting, 3))]
    disk.room = 10_000
    assert journal.append({"a": 3}) is None
    journal.close()
    assert records(path) == [{"a": number} for number in range(4)]


def test_too_many_waiting_lines_lose_the_oldest_and_say_how_many(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 2)
    disk, journal = Disk(0), Journal(tmp_path / "j")
    monkeypatch.setattr(module.os, "write", disk)
    for value in range(5):
        journal.append({"a": value})
    assert (journal.waiting, journal.lost) == (2, 3)
    disk.room = 1_000
    assert journal.flush() is None
    assert records(tmp_path / "j") == [{"a": 3}, {"a": 4}]


def test_a_half_written_line_that_is_given_up_does_not_spoil_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 2)
    disk, journal = Disk(12), Journal(tmp_path / "j")
    monkeypatch.setattr(module.os, "write", disk)
    for value in range(4):
        journal.append({"a": value})
    assert journal.lost == 1
    disk.room = 1_000
    assert journal.flush() is None
    assert records(tmp_path / "j") == [{"a": 0}, {"a": 2}, {"a": 3}]


def test_only_what_was_written_since_is_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(module.os, "fsync", synced.append)
    journal = Journal(tmp_path / "j")
    journal.sync()
    assert synced == []
    journal.append({"a": 1})
    journal.sync()
    journal.sync()
    assert len(synced) == 1


class Tensor:
    """A tensor of one number; or of more, which has no `item`."""

    def __init__(self, value=None):
        self.value = value

    def item(self):
        if self.value is None:
            raise RuntimeError("more than one")
        return self.value

    def __str__(self):
        return "tensor([1, 2])"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1), (True, True), ("x", "x"), (None, None), (0.5, 0.5),
        (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"),
        (np.float32(0.5), 0.5), (np.float32("nan"), "NaN"), (np.float64("inf"), "Infinity"), (np.int64(3), 3),
        (np.bool_(True), True), (np.array(2.5), 2.5), (np.array([7]), 7), (np.longdouble(1.5), "1.5"),
        (Tensor(0.25), 0.25), (Tensor(), "tensor([1, 2])"), (Decimal("1.5"), "1.5"), ([1, 2], "[1, 2]"),
        (np.array([1, 2]), "[1 2]"),
    ],
)  # fmt: skip
def test_any_value_is_kept_as_something(value, kept):
    found = plain(value)
    assert found == kept
    assert type(found) is type(kept) or isinstance(found, float)
    assert orjson.loads(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)) == kept


def test_nan_and_infinities_are_read_back_and_texts_stay():
    assert math.isnan(number("NaN"))
    assert (number("Infinity"), number("-Infinity")) == (math.inf, -math.inf)
    assert (number("nan"), number(3), number(None)) == ("nan", 3, None)


@given(st.floats())
def test_every_float_comes_back(value):
    back = number(orjson.loads(orjson.dumps(plain(value))))
    assert back == value or (math.isnan(back) and math.isnan(value))


@pytest.mark.parametrize("odd", [2**70, "half \ud800 a letter", {2**70: 1}], ids=["long", "surrogate", "key"])
def test_what_json_cannot_hold_does_not_take_its_line_along(tmp_path, odd):
    path = tmp_path / "j"
    written(path, {"v": {"odd": odd, "loss": 0.5, "nan": "NaN"}})
    (line,) = records(path)
    assert line["v"]["loss"] == 0.5
    assert line["v"]["odd"] in (str(2**70), "half ? a letter", {str(2**70): 1})
