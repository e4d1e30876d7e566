"""The two trackers are spoken to in their own words, and nothing about them reaches the run they copy."""

import os
import subprocess
import sys
import types
import warnings

import pytest

from palate.core.errors import BadInput, MissingExtra
from palate.lab import tracker
from palate.lab.info import FileOfRun, RunInfo
from palate.lab.settings import LabSettings
from palate.lab.tracker import Copy, Lost, follow, installed, require


class Fake(types.ModuleType):
    """A tracker that writes down how it is called. `losing` is what it warns of in `finish`."""

    def __init__(self, name):
        super().__init__(name)
        self.calls, self.losing, self.summary = [], "", {}

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args, **named):
            self.calls.append((name, args, named))
            return (name, args, named) if name[0].isupper() else self

        return call

    def finish(self, **named):
        self.calls.append(("finish", (), named))
        if self.losing:
            warnings.warn(self.losing, stacklevel=2)

    def called(self, name):
        return [(args, named) for call, args, named in self.calls if call == name]


@pytest.fixture
def fake(monkeypatch):
    """fake("trackio") -> the module that is imported by that name; the environment is put back afterwards."""
    before = dict(os.environ)

    def make(name):
        module = Fake(name)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    with warnings.catch_warnings():
        yield make
    os.environ.clear()
    os.environ.update(before)


INFO = RunInfo(
    "20260102-030405-678-abcd-train", "train", "a/b c", "finished", 1.0, group="", config={"items.dim": 64, "_x": 1},
    about={"data": "h"},
)  # fmt: skip
CONFIG = {"items.dim": 64, "x": 1, "about.data": "h", "run": INFO.id, "job": "train"}


def test_trackio_is_told_in_its_words(fake, tmp_path):
    module = fake("trackio")
    copy = Copy("trackio", tmp_path, LabSettings(project="p"))
    called = copy.open(INFO, tmp_path)
    copy.log({"loss": 0.5, "t": "x"}, 7)
    copy.system({"rss_mb": 9.0})
    copy.summarize({"best": 1.0})
    copy.finish(failed=True)
    assert called == f"a_b_c {INFO.id}"
    assert module.called("init") == [
        ((), {
            "project": "p", "group": "train", "config": CONFIG, "resume": "allow", "name": called, "embed": False,
            "auto_log_cpu": False, "auto_log_gpu": False,
        })
    ]  # fmt: skip
    assert module.called("log") == [
        (({"loss": 0.5, "t": "x"},), {"step": 7}), (({"summary/best": 1.0},), {"step": 7}),
    ]  # fmt: skip
    assert module.called("log_system") == [(({"rss_mb": 9.0},), {})]
    assert module.called("finish") == [((), {})]


def test_wandb_is_told_in_its_words(fake, tmp_path):
    module = fake("wandb")
    copy = Copy("wandb", tmp_path, LabSettings(project="p"))
    assert copy.open(INFO, tmp_path) == INFO.id
    copy.log({"loss": 0.5}, 7)
    copy.log({"late": 1}, 2)
    copy.system({"rss_mb": 9.0})
    copy.summarize({"best": 1.0})
    copy.settle()
    copy.finish(failed=True)
    (_, named), = module.called("init")  # fmt: skip
    assert named["config"] == CONFIG
    assert (named["id"], named["name"], named["job_type"], named["resume"]) == (INFO.id, "a/b c", "train", "allow")
    assert [args for args, _ in module.called("log")] == [
        ({"loss": 0.5, "step": 7},), ({"late": 1, "step": 2},), ({"system/rss_mb": 9.0},),
    ]  # fmt: skip
    assert module.called("define_metric") == [(("step",), {}), (("*",), {"step_metric": "step"})]
    assert module.summary == {"best": 1.0}
    assert module.called("finish") == [((), {"exit_code": 1})]


def test_nothing_leaves_the_machine_unless_it_is_asked_to(fake, tmp_path, monkeypatch):
    for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL"):
        monkeypatch.setenv(name, "elsewhere")
    fake("trackio")
    Copy("trackio", tmp_path, LabSettings())
    assert "TRACKIO_SPACE_ID" not in os.environ
    assert "TRACKIO_SERVER_URL" not in os.environ
    assert os.environ["WANDB_MODE"] == "offline"
    assert os.environ["TRACKIO_DIR"] == os.environ["WANDB_DIR"] == str(tmp_path / "trackio")
    fake("wandb")
    Copy("wandb", tmp_path, LabSettings(wandb_mode="online"))
    assert os.environ["WANDB_MODE"] == "online"


def files(folder):
    (folder / "t.json").write_text('{"columns":["a"],"data":[[1]]}')
    (folder / "p.svg").write_text("<svg/>")
    (folder / "a.wav").write_bytes(b"RIFF")
    return [
        FileOfRun("rows", "table", "t.json", 3), FileOfRun("plot", "image", "p.svg", 3, "c"),
        FileOfRun("tone", "audio", "a.wav", 3, "s"), FileOfRun("taste", "model", "../x", 3, label="taste@7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "plot"),
    [("trackio", ("Image", "p.svg", {"caption": "c"})), ("wandb", ("Html", "<svg/>", {"inject": False}))],
)
def test_files_are_given_as_each_takes_them(fake, tmp_path, name, plot):
    module = fake(name)
    copy = Copy(name, tmp_path, LabSettings())
    copy.open(INFO, tmp_path)
    assert [copy.file(file) for file in files(tmp_path)] == ["", "", "", ""]
    given = {key: value for args, _ in module.called("log") for key, value in args[0].items() if key != "step"}
    kind, first, named = plot
    assert given["rows"] == ("Table", (), {"columns": ["a"], "data": [[1]]})
    assert given["plot"] == (kind, (first if kind == "Html" else str(tmp_path / first),), named)
    assert given["tone"] == ("Audio", (str(tmp_path / "a.wav"),), {"caption": "s"})
    assert given["taste"] == "taste@7"
    assert copy.file(FileOfRun("gone", "image", "gone.png")) == "gone: gone.png is gone"


def test_what_trackio_warns_of_as_lost_is_lost(fake, tmp_path):
    module = fake("trackio")
    copy = Copy("trackio", tmp_path, LabSettings())
    copy.open(INFO, tmp_path)
    module.losing = "trackio failed to flush: database is locked; this batch could not be persisted."
    with pytest.raises(Lost, match="database is locked"):
        copy.settle()
    assert len(module.called("init")) == 1
    module.losing = "Reserved keys renamed"
    copy.settle()
    assert len(module.called("init")) == 2
    copy.finish(failed=False)


def test_a_folder_called_wandb_is_not_wandb(tmp_path, monkeypatch):
    (tmp_path / "wandbb" / "run").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not installed("wandbb")
    assert not installed("nothing_of_that_name")
    assert installed("pytest")


def test_a_missing_tracker_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(tracker, "installed", lambda name: False)
    with pytest.raises(MissingExtra, match=r"pip install 'palate\[lab\]'"):
        require("trackio")
    with pytest.raises(BadInput, match="pip install wandb"):
        require("wandb")
    with pytest.raises(BadInput, match="choose trackio or wandb"):
        require("none")


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "lab" / "runs" / "a"
    folder.mkdir(parents=True)
    return folder


def test_no_tracker_starts_nothing(run_folder, monkeypatch):
    monkeypatch.setenv("PALATE_TRACKER", "none")
    assert follow(run_folder, LabSettings()) is None
    monkeypatch.delenv("PALATE_TRACKER")
    assert follow(run_folder, LabSettings(tracker="none")) is None
    assert list(run_folder.iterdir()) == []


def test_a_tracker_that_is_not_installed_is_told_once_in_a_home(run_folder, monkeypatch, capsys):
    monkeypatch.delenv("PALATE_TRACKER", raising=False)
    monkeypatch.setattr(tracker, "installed", lambda name: False)
    assert follow(run_folder, LabSettings()) is None
    assert "pip install 'palate[lab]'" in capsys.readouterr().err
    assert follow(run_folder, LabSettings()) is None
    assert capsys.readouterr().err == ""
    assert follow(run_folder, LabSettings(tracker="wandb")) is None
    assert "pip install wandb" in capsys.readouterr().err


def test_a_process_that_cannot_be_started_is_told_and_stops_nothing(run_folder, monkeypatch, capsys):
    def refused(*args, **named):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.delenv("PALATE_TRACKER", raising=False)
    monkeypatch.setattr(subprocess, "Popen", refused)
    monkeypatch.setattr(tracker, "installed", lambda name: True)
    assert follow(run_folder, LabSettings()) is None
    assert "is not copied to trackio" in capsys.readouterr().err
