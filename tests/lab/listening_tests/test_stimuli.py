"""A folder of sounds becomes cases, or says what is wrong with it."""

import re

import pytest

from lab.listening_tests.sounds import chords, wav, write_folder
from palate.core.errors import BadInput
from palate.lab.listening_tests.stimuli import conditions_in, sounds_from


def test_every_case_has_every_condition_under_a_number(tmp_path):
    folder = write_folder(tmp_path, cases=3)
    found = sounds_from(folder, conditions_in(folder))
    assert [case.id for case in found.cases] == ["song-0", "song-1", "song-2"]
    assert all(set(case.stimuli) == {"anchor", "clicks", "reference"} for case in found.cases)
    assert sorted(found.files) == [f"{number:05d}.wav" for number in range(9)]
    told = found.cases[1].stimuli["clicks"]
    assert found.files[told.file] == (folder / "clicks" / "song-1.wav").read_bytes()
    assert told.media_type == "audio/wav"


def test_levels_that_differ_are_noted_and_anchors_may_differ(tmp_path):
    folder = write_folder(tmp_path, cases=1)
    quiet = folder / "anchor" / "song-0.wav"
    quiet.write_bytes(wav(0.1 * chords()))
    told = " ".join(sounds_from(folder, ["reference", "anchor"]).notes)
    assert told == ""
    (folder / "clicks" / "song-0.wav").write_bytes(quiet.read_bytes())
    told = " ".join(sounds_from(folder, ["reference", "clicks"]).notes)
    assert "song-0: rms levels differ by 20.0 dB" in told


def test_lengths_and_formats_that_differ_are_noted(tmp_path):
    folder = write_folder(tmp_path, cases=1)
    (folder / "clicks" / "song-0.wav").write_bytes(wav(chords(1.0)))
    assert "lengths differ, 2.0 to 4.0 s" in " ".join(sounds_from(folder, ["reference", "clicks"]).notes)
    (folder / "clicks" / "song-0.wav").unlink()
    (folder / "clicks" / "song-0.ogg").write_bytes(b"OggS and more")
    told = " ".join(sounds_from(folder, ["reference", "clicks"]).notes)
    assert "different formats" in told
    assert "keep their tags" in told


def test_what_is_missing_is_named(tmp_path):
    folder = write_folder(tmp_path, cases=2)
    (folder / "clicks" / "song-1.wav").unlink()
    with pytest.raises(BadInput, match="lacks clicks/song-1"):
        sounds_from(folder, ["reference", "clicks"])
    with pytest.raises(BadInput, match="no sounds for ours; its sub-folders are anchor, clicks, reference"):
        sounds_from(folder, ["reference", "ours"])
    with pytest.raises(BadInput, match="no folder"):
        conditions_in(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="has no sub-folder with sounds"):
        conditions_in(tmp_path / "empty")


def test_what_is_unreadable_or_doubled_is_named(tmp_path):
    folder = write_folder(tmp_path, cases=1)
    twin = folder / "clicks" / "song-0.mp3"
    twin.write_bytes(b"no sound")
    with pytest.raises(BadInput, match="the same case twice"):
        sounds_from(folder, ["reference", "clicks"])
    (folder / "clicks" / "song-0.wav").unlink()
    with pytest.raises(BadInput, match=re.escape(str(twin))):
        sounds_from(folder, ["reference", "clicks"])
