"""No accepted answer is lost, a repeated one counts once, the last one counts."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from lab.listening_tests.made import a_test, given
from palate.core.errors import BadInput
from palate.lab.listening_tests.answers import AnswerBook, sure_of, value_of
from palate.lab.listening_tests.design import Task

ANSWER = given("anna", 0, "case-0", ("ours", "intro"), ("left",), sure=3)


def test_what_was_written_is_read_by_another_book(tmp_path):
    path = tmp_path / "answers.jsonl"
    first, second = AnswerBook(path), AnswerBook(path)
    assert first.append(ANSWER)
    assert second.answers() == [ANSWER]
    assert second.append(replace(ANSWER, id="other", task="another"))
    assert len(first.answers()) == 2


def test_the_same_id_counts_once_and_the_last_answer_to_a_task_counts(tmp_path):
    book = AnswerBook(tmp_path / "answers.jsonl")
    assert book.append(ANSWER)
    changed = replace(ANSWER, id="second", value=("right",))
    assert book.append(changed)
    assert not book.append(ANSWER)  # a late repeat of the first
    assert book.answers() == [changed]
    assert AnswerBook(book.path).answers() == [changed]
    assert book.of("anna") == {ANSWER.task: changed}
    assert book.of("bela") == {}


def test_a_torn_line_is_skipped_and_the_next_one_is_whole(tmp_path):
    book = AnswerBook(tmp_path / "answers.jsonl")
    book.append(ANSWER)
    with book.path.open("ab") as file:
        file.write(b'{"id": "half')
    after = replace(ANSWER, id="after", task="another")
    assert AnswerBook(book.path).append(after)
    assert AnswerBook(book.path).answers() == [ANSWER, after]
    assert book.answers() == [ANSWER, after]


def test_a_name_that_a_later_palate_added_is_left_out(tmp_path):
    path = tmp_path / "answers.jsonl"
    AnswerBook(path).append(ANSWER)
    path.write_bytes(path.read_bytes().replace(b'{"id"', b'{"mood":"good","id"'))
    assert AnswerBook(path).answers() == [ANSWER]


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from palate.lab.listening_tests.answers import Answer, AnswerBook
book = AnswerBook(Path(sys.argv[1]))
for number in range(100_000):
    book.append(Answer(f"id-{number}", "anna", f"task-{number}", "case", ("a", "b"), ("left",)))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_answer(tmp_path):
    path, acknowledged = tmp_path / "answers.jsonl", set()
    for wait in (5, 40, 150):  # answers until the kill
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                acknowledged.add(f"id-{line.strip()}")
                if len(acknowledged) >= wait:
                    os.kill(process.pid, signal.SIGKILL)
                    break
            acknowledged |= {f"id-{line.strip()}" for line in process.stdout}
        assert acknowledged <= {answer.id for answer in AnswerBook(path).answers()}
    assert len(acknowledged) >= 150


def test_a_full_disk_is_an_error_and_leaves_no_half_line(tmp_path, monkeypatch):
    book = AnswerBook(tmp_path / "answers.jsonl")
    book.append(ANSWER)
    before, write = book.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:10]))
    other = replace(ANSWER, id="other", task="another")
    with pytest.raises(OSError, match="No space left"):
        book.append(other)
    assert book.path.read_bytes() == before
    monkeypatch.undo()
    assert book.append(other)
    assert book.answers() == [ANSWER, other]


def test_values_that_fit_no_task_are_refused():
    task = Task("case-0", ("ours", "intro", "random"))
    assert value_of(a_test(), task, ["same"]) == ("same",)
    assert value_of(a_test("rating"), task, [0, 50.5, 100]) == (0.0, 50.5, 100.0)
    two = a_test("questions", questions=("Is it?", "Was it?"))
    assert value_of(two, task, ["yes", "unsure"]) == ("yes", "unsure")
    wrong = [(a_test(), ["both"]), (a_test(), []), (a_test("rating"), [1, 2]), (a_test("rating"), [1, 2, 101])]
    wrong += [(a_test("rating"), [1, 2, float("nan")]), (a_test("rating"), [1, 2, True]), (two, ["yes"])]
    for test, value in wrong:
        with pytest.raises(BadInput, match=r"(an answer|a rating) is"):
            value_of(test, task, value)


@pytest.mark.parametrize("sure", [0, 4, True, "2", None, [1]])
def test_how_sure_is_one_of_three(sure):
    with pytest.raises(BadInput, match="`sure`"):
        sure_of(a_test(), sure)
    assert sure_of(a_test("rating"), sure) == 0
