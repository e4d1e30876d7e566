"""Tasks from a directory: what is read, and that everything wrong is said in one sentence."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.core.clock import Calendar
from palate.core.errors import BadInput
from palate.evaluation.probes.files import TEST, TRAIN, read_tasks

ROWS = "user_id,label,split\na,1,train\nb,0,train\na,0,test\nc,1,test\n"


def folder_of(path: Path, toml: str, labels: str = ROWS, name: str = "premium.csv") -> Path:
    (path / "tasks.toml").write_text(toml, encoding="utf-8")
    (path / name).write_text(labels, encoding="utf-8")
    return path


def toml_of(**changed: str | None) -> str:
    keys = {"file": '"premium.csv"', "kind": '"binary"', "train_at": "1000", "test_at": "2000.5"} | changed
    return "[premium]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


def test_labels_with_a_split(tmp_path: Path) -> None:
    (task,) = read_tasks(folder_of(tmp_path, toml_of(about='"buys premium"')))
    assert (task.name, task.about, task.kind, task.train_at, task.test_at) == (
        "premium", "buys premium", "binary", 1000.0, 2000.5,
    )  # fmt: skip
    users = ["c", "b", "a", "nobody"]
    assert task.labels(TRAIN, users) == pytest.approx([np.nan, 0.0, 1.0, np.nan], nan_ok=True)
    assert task.labels(TEST, users) == pytest.approx([1.0, np.nan, 0.0, np.nan], nan_ok=True)


def test_without_a_split_a_label_holds_for_both(tmp_path: Path) -> None:
    (task,) = read_tasks(folder_of(tmp_path, toml_of(kind='"regression"'), "user_id,label\na,1.5\nb,-2\n"))
    assert task.train == task.test == {"a": 1.5, "b": -2.0}


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_of_file_reads_alike(tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame({"user_id": [7, 8, 9], "label": [True, False, True], "noise": ["x", None, "y"]})
    path = tmp_path / f"t.{ending}"
    numbers = frame.with_columns(pl.col("label").cast(pl.Int8))
    match ending:
        case "csv":
            numbers.write_csv(path)
        case "tsv":
            numbers.write_csv(path, separator="\t")
        case "jsonl":
            frame.write_ndjson(path)
        case _:
            frame.write_parquet(path)
    (tmp_path / "tasks.toml").write_text(toml_of(file=f'"t.{ending}"'))
    assert read_tasks(tmp_path)[0].train == {"7": 1.0, "8": 0.0, "9": 1.0}


def test_moments_are_unix_seconds_or_times_and_become_home_time(tmp_path: Path) -> None:
    toml = toml_of(train_at="1970-01-01T00:20:00Z", test_at="1970-01-01T01:30:00+01:00")
    (task,) = read_tasks(folder_of(tmp_path, toml), Calendar(((1300.0, 1400.0),)))
    assert (task.train_at, task.test_at) == (1200.0, 1700.0)


@pytest.mark.parametrize(
    ("toml", "labels", "said"),
    [
        ("", ROWS, "names no task"),
        ("[premium", ROWS, "not valid TOML"),
        ("premium = 3", ROWS, "outside any"),
        (toml_of(kind=None), ROWS, r"\[premium\] has no kind"),
        (toml_of(moment="3"), ROWS, "moment is not a key; choose from file, kind"),
        (toml_of(kind='"ranking"'), ROWS, "must be \"binary\" or \"regression\""),
        (toml_of(about="3"), ROWS, "about = 3 must be text"),
        (toml_of(train_at='"monday"'), ROWS, "train_at = monday must be unix seconds"),
        (toml_of(train_at="1970-01-01T00:00:00"), ROWS, "a time with its zone"),
        (toml_of(train_at="nan"), ROWS, "must be unix seconds"),
        (toml_of(train_at="true"), ROWS, "must be unix seconds"),
        (toml_of(test_at="999"), ROWS, "test_at lies before train_at"),
        (toml_of(file='"../premium.csv"'), ROWS, "must be the name of a file"),
        (toml_of(file="[]"), ROWS, "must be the name of a file"),
        (toml_of(file='"other.csv"'), ROWS, "is not a file"),
        (toml_of(), "", "is empty"),
        (toml_of(), "user,label\na,1\n", "has no column user_id"),
        (toml_of(), "user_id,answer\na,1\n", "has no column label"),
        (toml_of(), "user_id,label\na,1\n,0\n", "csv:3 user_id is missing"),
        (toml_of(), "user_id,label\na,1\nb,\n", "csv:3 label is missing"),
        (toml_of(), "user_id,label\na,1\nb,much\n", "csv:3 label is 'much', not a finite number"),
        (toml_of(), "user_id,label\na,1\nb,2\n", "csv:3 label is 2; a binary label must be 0 or 1"),
        (toml_of(), "user_id,label\na,1\nb,0\na,0\n", "csv:4 is a second train label of user 'a'"),
        (toml_of(), ROWS + "d,1,later\n", "csv:6 split is 'later'; choose from train, test"),
        (toml_of(), ROWS + "d,1,\n", "csv:6 split is missing"),
        (toml_of(), "user_id,label\na,1\nb,1\n", "2 train labels, none or all alike"),
        (toml_of(), "user_id,label,split\na,1,train\nb,0,train\n", "0 test labels"),
        (toml_of(), "user_id,label\n", "0 train labels"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, toml: str, labels: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_tasks(folder_of(tmp_path, toml, labels))


def test_a_directory_without_tasks(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no tasks\.toml"):
        read_tasks(tmp_path / "nowhere")


def test_python_beside_the_labels_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("raise SystemExit('run')")
    (tmp_path / "__init__.py").write_text("raise SystemExit('run')")
    assert len(read_tasks(folder_of(tmp_path, toml_of()))) == 1
