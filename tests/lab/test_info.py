"""A run is read from what its folder holds, however little or odd that is."""

import json
import math

import pytest

from palate.lab.info import RunInfo, packed, read_run, unpacked

ID = "20260102-030405-678-abcd-train"


@pytest.fixture
def folder(tmp_path):
    """folder(run.json as a dict or text, journal lines...) -> the folder of a run of that day."""

    def make(about, *lines):
        path = tmp_path / ID
        path.mkdir()
        if about is not None:
            (path / "run.json").write_text(about if isinstance(about, str) else json.dumps(about))
        (path / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return make


def about(**changes):
    told = {
        "format": 1,
        "job": "train",
        "name": "n",
        "group": "",
        "key": "",
        "created": 100.0,
        "config": {},
        "about": {},
    }
    return told | changes


def test_a_whole_life_with_an_interruption(folder):
    info = read_run(
        folder(
            about(config={"lr": "Infinity"}),
            {"k": "start", "pid": 1, "t": 101.0},
            {"k": "log", "s": 0, "v": {"loss": 3.0, "x": 1}, "t": 105.0},
            {"k": "start", "pid": 2, "t": 1000.0},
            {"k": "log", "s": 1, "v": {"loss": "NaN"}, "t": 1002.0},
            {"k": "summary", "v": {"x": 2}, "t": 1003.0},
            {"k": "system", "v": {"rss_mb": 9.0}, "t": 1004.0},
            {"k": "file", "s": 1, "name": "p", "type": "image", "path": "media/a.svg", "caption": "c", "t": 1004.0},
            {"k": "end", "state": "failed", "error": "ValueError: x", "t": 1010.0},
        )
    )
    assert (info.id, info.job, info.name, info.state, info.error) == (ID, "train", "n", "failed", "ValueError: x")
    assert (info.steps, info.resumed, info.ended) == (2, 1, 1010.0)
    assert info.seconds == (105 - 101) + (1010 - 1000)  # the hours between are not worked
    assert math.isnan(info.summary["loss"])
    assert (info.summary["x"], info.config["lr"]) == (2, math.inf)
    assert (info.files[0].path, info.files[0].caption, info.files[0].step) == ("media/a.svg", "c", 1)


def test_a_run_without_an_end_or_a_keeper_is_interrupted(folder):
    info = read_run(folder(about(), {"k": "start", "pid": 1, "t": 101.0}, {"k": "log", "s": 4, "v": {}, "t": 103.0}))
    assert (info.state, info.ended, info.seconds, info.steps) == ("interrupted", None, 2.0, 5)


def test_what_is_no_run_is_none(folder, tmp_path):
    assert read_run(folder(None)) is None
    assert read_run(tmp_path / "missing") is None
    (tmp_path / "file").write_text("x")
    assert read_run(tmp_path / "file") is None


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        json.dumps(about(format=99)),
        json.dumps(about(config=3)),
        json.dumps(about(created="x")),
    ],
)
def test_a_run_whose_description_is_damaged_is_still_listed(folder, damage):
    info = read_run(
        folder(damage, {"k": "log", "s": 0, "v": {"a": 1}, "t": 1.0}, {"k": "end", "state": "finished", "t": 2})
    )
    assert (info.id, info.job, info.state, info.summary) == (ID, "train", "finished", {"a": 1})
    assert info.created == 1767323045.678
    assert "is damaged or was written by a newer Palate" in info.error


def test_lines_that_are_no_lines_of_ours_are_passed_over(folder):
    odd = [{}, {"k": "log"}, {"k": "log", "v": 3, "s": 0, "t": 1.0}, {"k": "end", "state": "blue"}, {"k": 5}]
    info = read_run(folder(about(), *odd, {"k": "log", "s": 0, "v": {"a": 1}, "t": 101.0}))
    assert (info.state, info.summary) == ("interrupted", {"a": 1})


def test_what_the_index_keeps_is_what_was_read(folder):
    info = read_run(
        folder(
            about(config={"a": "x", "b": "-Infinity"}, about={"commit": None}),
            {"k": "log", "s": 0, "v": {"loss": "NaN", "x": 1.5}, "t": 105.0},
            {"k": "file", "s": 1, "name": "p", "type": "table", "path": "media/a.json", "t": 106.0},
            {"k": "end", "state": "finished", "t": 107.0},
        )
    )
    again = unpacked(packed(info))
    assert math.isnan(again.summary.pop("loss"))
    assert math.isnan(info.summary.pop("loss"))
    assert again == info


@pytest.mark.parametrize("doc", [b"", b"{}", b"[1,2]", b'[{"id":"a"},[]]', b'[{"id":"a","files":[{"x":1}]},[]]'])
def test_a_document_that_is_none_is_none(doc):
    assert unpacked(doc) is None


def test_a_name_means_the_field_then_the_summary_the_settings_and_about():
    info = RunInfo(
        "a", "train", "n", "finished", 1.0,
        config={"name": "hidden", "dim": 64, "x": 1, "summary.y": 5},
        summary={"x": 2, "none": None, "val/loss": 0.5},
        about={"x": 3, "commit": "c", "none": 4},
    )  # fmt: skip
    assert info.named("name") == "n"
    assert info.named("config.name") == "hidden"
    assert (info.named("x"), info.named("config.x"), info.named("about.x"), info.named("summary.x")) == (2, 1, 3, 2)
    assert (info.named("dim"), info.named("commit"), info.named("job")) == (64, "c", "train")
    assert info.named("summary.val/loss") == 0.5
    assert info.named("summary.y") == 5
    assert info.named("none") is None
    assert [info.named(name) for name in ("", ".", "summary", "summary.", "nothing", "files", "x.y")] == [None] * 7
