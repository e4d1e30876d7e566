"""What a run accepted is kept, whatever happens to the disk, the process or its children."""

import errno
import math
import os
import random
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from palate.core import recording
from palate.core.errors import BadInput
from palate.core.recording import Audio, Image, Model, Table
from palate.lab.folder import held
from palate.lab.run import Run

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


def values(book, run, name):
    return book.history(book.get(run.id))[name].values


def test_what_is_told_inside_the_block_is_kept(book, start):
    with start(name="mine", config={"items": {"dim": 64}}) as run:
        recording.log({"loss": 0.5}, step=3)
        recording.log({"loss": 0.25})
        recording.summarize({"best": 0.25})
        assert book.get(run.id).state == "running"
    info = book.get("mine")
    assert (info.state, info.steps, info.config) == ("finished", 5, {"items.dim": 64})
    assert info.summary == {"loss": 0.25, "best": 0.25}
    loss = book.history(info)["loss"]
    assert (loss.steps, loss.values) == ([3, 4], [0.5, 0.25])
    assert loss.times == sorted(loss.times)
    assert recording.current() is None


def fail(run, error):
    with run:
        run.log({"loss": 1.0})
        raise error


@pytest.mark.parametrize(
    ("error", "state"),
    [(ValueError("too hot"), "failed"), (KeyboardInterrupt(), "interrupted"), (SystemExit(3), "failed")],
)
def test_an_error_that_passes_through_is_written_down(book, start, error, state):
    run = start()
    with pytest.raises(type(error)):
        fail(run, error)
    info = book.get(run.id)
    assert (info.state, info.error) == (state, f"{type(error).__name__}: {error}")
    assert info.summary == {"loss": 1.0}


def test_after_the_end_nothing_is_taken(book, start):
    run = start()
    run.finish()
    size = (run.folder / "journal.jsonl").stat().st_size
    run.log({"loss": 1.0})
    run.log({"rows": Table(["a"], [[1]])})
    run.summarize({"loss": 1.0})
    run.finish(ValueError("late"))
    assert (run.folder / "journal.jsonl").stat().st_size == size
    assert book.get(run.id).state == "finished"


def test_odd_values_are_kept_and_stop_nothing(book, start):
    with start() as run:
        run.log(
            {"nan": math.nan, "inf": np.float32("inf"), "f": np.float32(0.5), "i": np.int64(3), "b": np.bool_(True)}
        )
        run.log({"long": 2**80, "half": "\ud800", "none": None, "thing": object()})
        run.summarize({"worst": -math.inf, "nested": {"a": 1}})
    for _ in range(2):  # as read, and as the index has it
        summary = book.get(run.id).summary
        assert math.isnan(summary["nan"])
        assert (summary["inf"], summary["worst"]) == (math.inf, -math.inf)
        assert (summary["f"], summary["i"], summary["b"], summary["nested.a"]) == (0.5, 3, True, 1)
        assert summary["long"] == str(2**80)
    assert math.isnan(values(book, run, "nan")[0])


def test_many_threads_lose_no_point(book, start):
    with start() as run:

        def work(number):
            for step in range(200):
                run.log({f"t{number}": step}, step=step)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    history = book.history(book.get(run.id))
    assert all(history[f"t{number}"].values == list(range(200)) for number in range(8))


def test_two_threads_may_both_finish(book, start):
    run = start()
    threads = [threading.Thread(target=run.finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (run.folder / "journal.jsonl").read_text()
    assert text.count('"k":"end"') == 1
    assert book.get(run.id).state == "finished"


def test_a_full_disk_stops_nothing_and_loses_nothing_when_there_is_room_again(book, start, monkeypatch, capsys):
    write, full = os.write, [False]

    def limited(descriptor, content):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content)

    with start() as run:
        monkeypatch.setattr("palate.lab.journal.os.write", limited)
        run.log({"a": 0})
        full[0] = True
        for step in range(1, 50):
            run.log({"a": step})
        full[0] = False
        run.log({"a": 50})
    assert values(book, run, "a") == list(range(51))
    warned = capsys.readouterr().err
    assert warned.count("warning:") == 1
    assert "cannot be written (No space left on device); the work goes on" in warned


def test_a_disk_that_stays_full_is_told_with_the_number_of_lines(book, start, monkeypatch, capsys):
    def full(descriptor, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with start() as run:
        run.log({"a": 0})
        monkeypatch.setattr("palate.lab.journal.os.write", full)
        run.log({"a": 1})
        run.log({"table": Table(["a"], [[1]])})
    monkeypatch.undo()
    assert "3 lines of the run" in capsys.readouterr().err  # a point, a table, the end
    assert book.get(run.id).state == "interrupted"
    assert values(book, run, "a") == [0]


def test_a_file_that_cannot_be_kept_is_told_and_the_rest_stays(book, start, capsys, tmp_path):
    with start() as run:
        run.log({"a": 1, "gone": Image(tmp_path / "none.png"), "what": Audio("a.xyz"), "odd": Table(["a"], [[2**80]])})
        run.log({"flat": Table(["a"], [3])})
    assert [file.name for file in book.get(run.id).files] == []
    assert book.get(run.id).summary == {"a": 1}
    warned = capsys.readouterr().err
    assert [name for name in ("gone", "what", "odd", "flat") if f"warning: {name} of the run" in warned] == [
        "gone", "what", "odd", "flat",
    ]  # fmt: skip


def test_nobody_at_stderr_stops_nothing(book, start, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stderr", None)
    with start() as run:
        run.log({"gone": Image(tmp_path / "none.png"), "a": 1})
    assert book.get(run.id).summary == {"a": 1}


def test_tables_pictures_sounds_and_models_are_files_of_the_run(book, start, tmp_path):
    sound = tmp_path / "a.WAV"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x01" * 100)
    with start() as run:
        run.log({"rows": Table(["a", "b"], [[1, "x"], [np.float64(0.5), None]]), "plot": Image(SVG, "a plot")}, step=2)
        run.log({"tone": Audio(sound, "a tone"), "taste": Model(tmp_path, "taste@7")})
        run.log({"rows": Table(["a"], [[9]])})
    info = book.get(run.id)
    assert book.table(info, "rows") == (["a"], [[9]])
    plot = next(file for file in info.files if file.name == "plot")
    assert (plot.type, plot.step, plot.caption) == ("image", 2, "a plot")
    assert (run.folder / plot.path).read_text() == SVG
    tone = next(file for file in info.files if file.name == "tone")
    assert (run.folder / tone.path).read_bytes() == sound.read_bytes()
    assert tone.path.endswith(".wav")
    model = next(file for file in info.files if file.name == "taste")
    assert (model.label, (run.folder / model.path).resolve()) == ("taste@7", tmp_path.resolve())
    with pytest.raises(BadInput, match="has no table 'other'; it has: rows"):
        book.table(info, "other")


def test_the_same_content_is_kept_once(start):
    with start() as run:
        for _ in range(3):
            run.log({"plot": Image(SVG)})
    assert len(list((run.folder / "media").iterdir())) == 1


def test_a_run_that_is_over_or_kept_is_not_taken_up(book, start):
    run = start()
    with pytest.raises(BadInput, match="kept by another process"):
        Run(run.folder)
    run.finish()
    with pytest.raises(BadInput, match="is over"):
        Run(run.folder)
    with held(run.folder) as alive:
        assert not alive


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_neither_writes_nor_holds_the_run(book, start):
    ready, go = os.pipe(), os.pipe()
    with start() as run:
        run.log({"a": 1})
        child = os.fork()
        if child == 0:
            try:
                run.log({"a": 2})
                run.finish()
            finally:
                os.write(ready[1], b"x")
                os.read(go[0], 1)  # outlives its parent's run
                os._exit(0)
        os.read(ready[0], 1)
        assert book.get(run.id).state == "running"
        run.log({"a": 3})
    with held(run.folder) as alive:
        assert not alive
    os.write(go[1], b"x")
    os.waitpid(child, 0)
    assert values(book, run, "a") == [1, 3]
    assert book.get(run.id).state == "finished"


CHILD = """
import os, sys
from pathlib import Path
from palate.lab.book import Book
from palate.lab.settings import LabSettings

run = Book(Path(sys.argv[1])).start("train", key="k", settings=LabSettings(tracker="none", system_seconds=0.01))
step = run._step
while True:
    run.log({"loss": step / 2, "text": "x" * (step % 300)}, step=step)
    os.write(1, b"%d\\n" % step)  # the acknowledgement: log() has returned
    step += 1
"""


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_point_and_the_key_goes_on(book):
    chance, ids, last = random.Random(0), set(), -1
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(book.folder)], stdout=subprocess.PIPE)
        first = int(child.stdout.readline())
        time.sleep(chance.uniform(0.0, 0.3))
        child.kill()
        told = child.stdout.read()
        child.wait()
        child.stdout.close()
        acknowledged = max([first, *(int(line) for line in told.split(b"\n")[:-1])])
        (info,) = book.runs()
        ids.add(info.id)
        assert info.state == "interrupted"
        assert first in (last + 1, last + 2)  # the next after the last written, acknowledged or not
        loss = book.history(info)["loss"]
        assert loss.steps == list(range(len(loss.steps)))
        assert len(loss.steps) - 1 >= acknowledged
        assert loss.values == [step / 2 for step in loss.steps]
        last = loss.steps[-1]
    assert len(ids) == 1
    assert book.runs()[0].resumed == 2


def test_the_folder_of_a_model_is_relative_so_that_a_home_can_be_moved(book, start, tmp_path):
    model = tmp_path / "spaces" / "taste@1"
    with start() as run:
        run.log({"taste": Model(model, "taste@1")})
    (file,) = book.get(run.id).files
    assert not Path(file.path).is_absolute()
    assert Path(os.path.normpath(run.folder / file.path)) == model
