"""Sounds lose their tags and nothing else; levels are those that were rendered."""

import struct

import numpy as np
import pytest

from lab.listening_tests.sounds import RATE_HZ, chords, wav
from palate.core.errors import BadInput
from palate.lab.listening_tests.media import levels, read_bare

FRAME = b"\xff\xfb\x90\x00" + b"sound" * 40  # begins as an MPEG frame does
STREAM = bytes([0]) + (34).to_bytes(3, "big") + b"i" * 34  # FLAC's STREAMINFO
COMMENT = bytes([0x80 | 4]) + (12).to_bytes(3, "big") + b"TOOL=ours-v3"


def written(path, data):
    path.write_bytes(data)
    return path


def test_a_wav_keeps_its_samples_and_loses_its_tags(tmp_path):
    plain = wav(chords())
    tag = b"INFOISFT\x08\x00\x00\x00ours-v3\x00"
    tagged = plain + b"LIST" + struct.pack("<I", len(tag)) + tag
    assert read_bare(written(tmp_path / "a.wav", tagged)) == plain


def test_an_mp3_loses_both_kinds_of_id3(tmp_path):
    first = b"ID3\x04\x00\x00\x00\x00\x00\x14" + b"TIT2 made by ours v3"
    last = b"TAG" + b"ours".ljust(125)
    assert read_bare(written(tmp_path / "a.mp3", first + FRAME + last)) == FRAME


def test_a_flac_loses_its_comments_and_its_last_block_says_so(tmp_path):
    bare = read_bare(written(tmp_path / "a.flac", b"fLaC" + STREAM + COMMENT + b"\xff\xf8frames"))
    assert bare == b"fLaC" + bytes([0x80]) + STREAM[1:] + b"\xff\xf8frames"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.wav", b""), ("a.wav", wav(np.zeros(0))), ("a.wav", b"RIFF\x04\x00\x00\x00WAVE"), ("a.mp3", b"ID3"),
        ("a.mp3", b"<html>"), ("a.flac", b"fLaC"), ("a.flac", b"OggS"), ("a.ogg", b"fLaC"), ("a.m4a", b"OggS"),
    ],
)  # fmt: skip
def test_what_is_no_sound_is_named(tmp_path, name, data):
    with pytest.raises(BadInput, match=name):
        read_bare(written(tmp_path / name, data))


def test_levels_of_a_sine_by_hand():
    """A sine of amplitude .5: peak 20 log10 .5 = -6.02 dB, rms 3.01 dB lower."""
    samples = 0.5 * np.sin(2 * np.pi * np.arange(RATE_HZ) / 20)
    found = levels(wav(samples))
    assert (found.peak_db, found.rms_db, found.seconds) == (
        pytest.approx(-6.02, abs=0.01), pytest.approx(-9.03, abs=0.01), pytest.approx(1.0),
    )  # fmt: skip


@pytest.mark.parametrize(("coding", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_levels_are_the_same_in_every_coding(coding, bits):
    samples = 0.5 * np.sin(2 * np.pi * np.arange(RATE_HZ) / 20)
    if coding == 3:
        data = samples.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = np.round(samples * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = np.round(samples * (2**31 - 1)).astype("<i4")
        data = whole.view(np.uint8).reshape(-1, 4)[:, 4 - bits // 8 :].tobytes()
    width = bits // 8
    form = struct.pack("<HHIIHH", coding, 1, RATE_HZ, RATE_HZ * width, width, bits)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    found = levels(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks)
    assert found.rms_db == pytest.approx(-9.03, abs=0.15)


def test_a_coding_that_is_not_read_has_no_levels():
    form = struct.pack("<HHIIHH", 6, 1, 8_000, 8_000, 1, 8)  # A-law
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 4) + b"abcd"
    assert levels(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks) is None
