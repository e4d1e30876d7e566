"""Out to a rating service and back: nothing is told, nothing is counted twice, what is wrong is named."""

import csv
from dataclasses import replace

import pytest

from lab.listening_tests.made import a_home, a_test, given, on_shelf
from lab.listening_tests.sounds import write_folder
from palate.core.errors import BadInput
from palate.lab.listening_tests.exchange import export_labels, export_tasks, import_answers, outside_tasks
from palate.lab.listening_tests.making import Asked, new_test


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, header, *rows):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_tasks_go_out_without_a_word_on_conditions(tmp_path):
    shelved = new_test(a_home(tmp_path / "home"), "sounds", Asked(folder=write_folder(tmp_path / "in")), None)
    told = export_tasks(shelved, tmp_path / "out.csv", "https://host/here/")
    rows = read(tmp_path / "out.csv")
    assert told["tasks"] == len(rows) == 2 * 3
    assert list(rows[0]) == ["task_id", "kind", "question", "context", "stimulus_a", "stimulus_b"]
    text = (tmp_path / "out.csv").read_text()
    assert [word for word in ("reference", "clicks", "anchor", "song") if word in text] == []
    for task, row in zip(outside_tasks(shelved.test).values(), rows, strict=True):
        file = row["stimulus_a"].removeprefix("https://host/here/")
        source = tmp_path / "in" / task.shown[0] / f"{task.case}.wav"
        assert (tmp_path / "out-stimuli" / file).read_bytes() == source.read_bytes()
    with pytest.raises(BadInput, match="there already"):
        export_tasks(shelved, tmp_path / "out.csv")


def test_lists_go_out_as_text_and_a_rating_has_its_reference(tmp_path):
    export_tasks(on_shelf(tmp_path / "a", a_test()), tmp_path / "a.csv")
    assert " - Someone" in read(tmp_path / "a.csv")[0]["stimulus_a"]
    rating = a_test("rating", conditions=("reference", "ours"))
    export_tasks(on_shelf(tmp_path / "b", rating), tmp_path / "b.csv")
    row = read(tmp_path / "b.csv")[0]
    assert row["stimulus_reference"].startswith("reference-")
    assert {row["stimulus_a"], row["stimulus_b"]} == {
        row["stimulus_reference"],
        row["stimulus_reference"].replace("reference", "ours"),
    }


def test_answers_come_back_to_what_was_shown(tmp_path):
    shelved = on_shelf(tmp_path, a_test())
    (first, task), (second, _), *_ = outside_tasks(shelved.test).items()
    file = write(
        tmp_path / "in.csv", "task_id,rater_id,answer,sure,seconds",
        f"{first},w1,A,3,4.5", f"{second},w1,same,,", f"{first},w2,b,1,",
    )  # fmt: skip
    done = import_answers(shelved, file)
    assert (done.accepted, done.repeated, done.rejected) == (3, 0, ())
    answer = shelved.book.of("csv:w1")[first]
    assert (answer.case, answer.shown, answer.value, answer.sure, answer.seconds) == (
        task.case,
        task.shown,
        ("left",),
        3,
        4.5,
    )
    assert import_answers(shelved, file).repeated == 3
    assert len(shelved.book.answers()) == 3
    corrected = write(tmp_path / "in.csv", "task_id,rater_id,answer,sure", f"{first},w1,B,3")
    assert import_answers(shelved, corrected).accepted == 1
    assert shelved.book.of("csv:w1")[first].value == ("right",)


def test_what_cannot_be_used_is_named_by_line(tmp_path):
    shelved = on_shelf(tmp_path, a_test())
    task = next(iter(outside_tasks(shelved.test)))
    file = write(
        tmp_path / "in.csv", "task_id,rater_id,answer,sure",
        "nonsense,w1,A,2", f"{task},,A,2", f"{task},w1,C,2", f"{task},w1,A,many", f"{task},w1,A,7", f"{task},w2,A,2",
        f"{task},w2,B,2",
    )  # fmt: skip
    done = import_answers(shelved, file)
    assert done.accepted == 1
    assert [line for line, _ in done.rejected] == [2, 3, 4, 5, 6, 8]
    words = ["not one of this test", "names no rater", "left, right, same", "no number", "`sure`", "line 7 already"]
    assert [word for word, (_, why) in zip(words, done.rejected, strict=True) if word not in why] == []


def test_ratings_and_questions_come_back_too(tmp_path):
    rating = on_shelf(tmp_path / "a", a_test("rating", conditions=("ours", "random")))
    task = next(iter(outside_tasks(rating.test)))
    file = write(tmp_path / "a.csv", "task_id,rater_id,rating_a,rating_b", f"{task},w,70,30.5", f"{task},v,70,")
    done = import_answers(rating, file)
    assert rating.book.of("csv:w")[task].value == (70.0, 30.5)
    assert [line for line, _ in done.rejected] == [3]
    asked = on_shelf(tmp_path / "b", a_test("questions", questions=("Good?", "Long?")))
    task = next(iter(outside_tasks(asked.test)))
    import_answers(asked, write(tmp_path / "b.csv", "task_id,rater_id,answer", f"{task},w,Yes | unsure"))
    assert asked.book.of("csv:w")[task].value == ("yes", "unsure")


@pytest.mark.parametrize("data", [b"task_id,answer\n", b"", b"task_id,rater_id\n\xff\xfe", b'task_id,rater_id\n"open'])
def test_what_is_no_such_csv_is_refused(tmp_path, data):
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(BadInput, match=r"in\.csv"):
        import_answers(on_shelf(tmp_path, a_test()), tmp_path / "in.csv")


def test_labels_by_hand(tmp_path):
    shelved = on_shelf(tmp_path, a_test(checks=1))
    for answer in (
        given("anna", 0, "case-0", ("ours", "intro"), ("left",), sure=3),
        given("anna", 1, "case-1", ("random", "ours"), ("same",), sure=1),
        given("anna", 2, "case-1", ("ours", "ours"), ("same",), check=True, sure=3),
        given("carl", 0, "case-0", ("ours", "intro"), ("right",), sure=3),
        given("carl", 1, "case-0", ("ours", "ours"), ("right",), check=True, sure=3),
    ):
        shelved.book.append(answer)
    told = export_labels(shelved, tmp_path / "labels.csv")
    rows = [
        tuple(row[name] for name in ("case", "condition", "against", "preferred", "weight"))
        for row in read(tmp_path / "labels.csv")
    ]
    assert rows == [
        ("case-0", "ours", "intro", "1.0", "1.0"),
        ("case-0", "intro", "ours", "0.0", "1.0"),
        ("case-1", "random", "ours", "0.5", "0.3333"),
        ("case-1", "ours", "random", "0.5", "0.3333"),
    ]
    assert (told["labels"], told["raters_left_out"]) == (4, 1)


def test_labels_of_ratings_and_questions(tmp_path):
    rating = on_shelf(tmp_path / "a", a_test("rating", conditions=("ours", "random")))
    rating.book.append(given("anna", 0, "case-0", ("random", "ours"), (20.0, 80.0)))
    export_labels(rating, tmp_path / "a.csv")
    assert [(row["condition"], row["preferred"]) for row in read(tmp_path / "a.csv")] == [
        ("random", "0.2"),
        ("ours", "0.8"),
    ]
    asked = on_shelf(tmp_path / "b", a_test("questions", questions=("Good?", "Long?")))
    asked.book.append(given("anna", 0, "case-0", ("ours",), ("yes", "unsure")))
    export_labels(asked, tmp_path / "b.csv")
    assert [(row["question"], row["preferred"]) for row in read(tmp_path / "b.csv")] == [("Good?", "1.0")]
    empty = on_shelf(tmp_path / "c", replace(a_test(), name="none"))
    export_labels(empty, tmp_path / "c.csv")
    assert read(tmp_path / "c.csv") == []
