"""CSV out to a rating service and its answers back; and answers as labels to train on.

A task goes out under an opaque id, its sounds under opaque names; the test's key, which stays in the home, tells which
conditions they are. docs/rooms/listening_tests.md has the columns.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from palate.core.artefacts import atomic_file, atomic_folder
from palate.core.errors import BadInput
from palate.lab.listening_tests.answers import Answer, sure_of, value_of
from palate.lab.listening_tests.design import REFERENCE, ListeningTest, Stimulus, Task, circle, opaque
from palate.lab.listening_tests.screening import screened
from palate.lab.listening_tests.shelf import Shelved

LETTERS = "abcdefgh"
AB = {"a": "left", "b": "right", "same": "same", "left": "left", "right": "right"}
LABEL_COLUMNS = ("case", "condition", "against", "question", "preferred", "weight", "rater")
WEIGHTS = {0: 1.0, 1: 1 / 3, 2: 2 / 3, 3: 1.0}  # of an answer by how sure it was


@dataclass(frozen=True)
class Imported:
    """What an import took: `rejected` has a line of the file and the reason for each row that was left out."""

    accepted: int
    repeated: int
    rejected: tuple[tuple[int, str], ...]


def outside_tasks(test: ListeningTest) -> dict[str, Task]:
    """Every task of the test once, by the id under which it goes out; attention checks are for the page only."""
    return {opaque(test, "outside", task.case, *task.shown): task for task in circle(test)}


def export_tasks(shelved: Shelved, out: Path, base_url: str = "") -> dict[str, Any]:
    """Writes one row for each task, and beside the file a folder with the sounds to upload.

    base_url: where the folder will be; without it stimuli are paths relative to the CSV. BadInput when the folder is
    there already.
    """
    test, folder = shelved.test, out.with_name(f"{out.stem}-stimuli")
    where = base_url.rstrip("/") if base_url else quote(folder.name)
    tasks, sounds = outside_tasks(test), {}
    rows = []
    for task_id, task in tasks.items():
        case = test.case(task.case)
        row = {
            "task_id": task_id,
            "kind": test.kind,
            "question": " | ".join(test.questions),
            "context": _list(case.context),
        }
        shown = {f"stimulus_{letter}": case.stimuli[one] for letter, one in zip(LETTERS, task.shown, strict=False)}
        if test.kind == "rating" and REFERENCE in case.stimuli:
            shown[f"stimulus_{REFERENCE}"] = case.stimuli[REFERENCE]
        for column, stimulus in shown.items():
            name = f"{opaque(test, 'outside', task_id, column)}{Path(stimulus.file).suffix}"
            if stimulus.file:
                sounds[name] = stimulus
            row[column] = f"{where}/{name}" if stimulus.file else _list(stimulus.items)
        rows.append(row)
    if sounds:
        _write_sounds(shelved, folder, sounds)
    _write(out, rows)
    return {"tasks": len(rows), "out": str(out), "stimuli": str(folder) if sounds else None}


def import_answers(shelved: Shelved, path: Path) -> Imported:
    """Reads task_id, rater_id and the answer of each row; a row that is there already counts once.

    Of two rows of one rater to one task in the same file the second is left out and named. BadInput when the file is no
    CSV with these columns.
    """
    tasks, seen = outside_tasks(shelved.test), dict[tuple[str, str], int]()
    accepted = repeated = 0
    rejected = []
    for line, row in _rows(path, ("task_id", "rater_id")):
        try:
            answer = _imported(shelved, row, tasks)
            first = seen.setdefault((answer.rater, answer.task), line)
            if first != line:
                raise BadInput(f"the rater answered this task in line {first} already")
        except BadInput as error:
            rejected.append((line, str(error)))
            continue
        taken = shelved.book.append(answer)
        accepted, repeated = accepted + taken, repeated + (not taken)
    return Imported(accepted, repeated, tuple(rejected))


def export_labels(shelved: Shelved, out: Path) -> dict[str, Any]:
    """Writes what raters said of each case and condition, to train on; screened raters and checks are left out.

    ab: two rows for an answer, preferred 1, 0 or .5 against the other condition, weighted 1/3, 2/3 or 1 by how sure it
    was. rating: preferred is the rating / 100. questions: 1 for yes, 0 for no, and no row for unsure.
    """
    answers = shelved.book.answers()
    failing = screened(shelved.test, answers)
    rows = [
        row
        for answer in answers
        if not answer.check and answer.rater not in failing
        for row in _labels(shelved.test, answer)
    ]
    _write(out, rows, LABEL_COLUMNS)
    return {"labels": len(rows), "raters_left_out": len(failing), "out": str(out)}


def _imported(shelved: Shelved, row: dict[str, str], tasks: dict[str, Task]) -> Answer:
    test, task_id, rater = shelved.test, row["task_id"], row["rater_id"]
    task = tasks.get(task_id)
    if task is None:
        raise BadInput(f"task {task_id[:40]!r} is not one of this test")
    if not rater:
        raise BadInput("the row names no rater")
    value = value_of(test, task, _told(test, task, row))
    sure = sure_of(test, _number(row, "sure", 2.0, whole=True))
    seconds = float(_number(row, "seconds", 0.0))
    # The answer is part of its id: a corrected file that is imported later takes the place of the first.
    words = "\0".join(("csv", rater, task_id, repr(value), str(sure)))
    name = hashlib.blake2b(words.encode(), digest_size=16).hexdigest()
    return Answer(
        name, f"csv:{rater}", task_id, task.case, task.shown, value, sure, False, seconds, (), shelved.wall(), "csv"
    )


def _told(test: ListeningTest, task: Task, row: dict[str, str]) -> list[Any]:
    """What the row answers, as the page would have sent it."""
    if test.kind == "ab":
        return [AB.get(row.get("answer", "").lower(), row.get("answer", ""))]
    if test.kind == "rating":
        columns = [f"rating_{letter}" for letter in LETTERS[: len(task.shown)]]
        return [_number(row, column, None) for column in columns]
    return [one.strip().lower() for one in row.get("answer", "").split("|")]


def _number(row: dict[str, str], column: str, otherwise: float | None, whole: bool = False) -> Any:
    """The number in a column; `otherwise` for an empty one, BadInput for what is none."""
    text = row.get(column, "")
    if not text and otherwise is not None:
        return int(otherwise) if whole else otherwise
    try:
        value = float(text)
    except ValueError as error:
        raise BadInput(f"{column} is {text[:40]!r}, which is no number") from error
    return int(value) if whole and value.is_integer() else value


def _labels(test: ListeningTest, answer: Answer) -> Iterator[dict[str, Any]]:
    base = {"case": answer.case, "rater": answer.rater, "question": test.questions[0], "weight": 1.0}
    if test.kind == "ab":
        won = {"left": (1.0, 0.0), "right": (0.0, 1.0), "same": (0.5, 0.5)}[str(answer.value[0])]
        weight = round(WEIGHTS[answer.sure], 4)
        for place, value in enumerate(won):
            names = {"condition": answer.shown[place], "against": answer.shown[1 - place]}
            yield base | names | {"preferred": value, "weight": weight}
    elif test.kind == "rating":
        for name, rating in zip(answer.shown, answer.value, strict=True):
            yield base | {"condition": name, "preferred": float(rating) / 100}
    else:
        for question, word in zip(test.questions, answer.value, strict=True):
            if word != "unsure":
                yield base | {"condition": answer.shown[0], "question": question, "preferred": float(word == "yes")}


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by name in small letters) of a CSV with a header; missing cells are empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            absent = [name for name in needed if name not in header]
            if absent:
                raise BadInput(
                    f"{path} has no column {', '.join(absent)}; its columns are {', '.join(header) or 'none'}"
                )
            for cells in reader:
                if any(cells):
                    padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
                    yield reader.line_num, dict(zip(header, padded, strict=False))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} is no CSV in UTF-8 ({error}); save it as one") from error


def _write(out: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> None:
    names = columns or tuple(dict.fromkeys(name for row in rows for name in row))
    with atomic_file(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _write_sounds(shelved: Shelved, folder: Path, sounds: dict[str, Stimulus]) -> None:
    if folder.exists():
        raise BadInput(f"{folder} is there already; delete it or give another --out")
    with atomic_folder(folder) as temporary:
        for name, stimulus in sorted(sounds.items()):  # by opaque name, so that times tell nothing
            (temporary / name).write_bytes(shelved.sound(stimulus).read_bytes())


def _list(items: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{title} - {artists}" if artists else title for title, artists in items)
