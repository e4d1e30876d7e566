"""Sound files, without decoding them: what they are, their tags taken off, how loud a wav is.

Tags would tell which tool made a file. They are taken off where that leaves every sample as it was: wav (all chunks
but the format and the samples), mp3 (ID3), flac (comments, pictures, padding). ogg, opus and m4a keep theirs.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput

MEDIA_TYPES = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac",
    ".ogg": "audio/ogg", ".opus": "audio/ogg", ".m4a": "audio/mp4",
}  # fmt: skip
TAGS_STAY = (".ogg", ".opus", ".m4a")
KEPT_CHUNKS = (b"fmt ", b"data", b"fact")
FLAC_KEPT = (0, 3)  # STREAMINFO and SEEKTABLE
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
SILENCE_DB = -120.0


@dataclass(frozen=True)
class Levels:
    """How loud a sound is: peak and root mean square in dB below full scale, over all channels."""

    peak_db: float
    rms_db: float
    seconds: float


def read_bare(path: Path) -> bytes:
    """The file without its tags; BadInput names it when it is not what its name says, or empty."""
    data, suffix = path.read_bytes(), path.suffix.lower()
    try:
        return _bare(data, suffix)
    except (struct.error, IndexError, ValueError) as error:
        raise BadInput(f"{path} is no readable {suffix[1:]} file ({error}); render it again or leave it out") from error


def _bare(data: bytes, suffix: str) -> bytes:
    if suffix == ".wav":
        return _riff(_chunks(data))
    if suffix == ".mp3":
        return _without_id3(data)
    if suffix == ".flac":
        return _without_comments(data)
    mark, at = (b"ftyp", 4) if suffix == ".m4a" else (b"OggS", 0)
    if data[at : at + 4] != mark:
        raise ValueError(f"it lacks the mark {mark.decode()}")
    return data


def levels(data: bytes) -> Levels | None:
    """The levels of a wav of integers or floats; None for other codings, and for one without samples."""
    chunks = dict(_chunks(data))
    _, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    samples = _samples(chunks[b"fmt "], chunks[b"data"], bits)
    if samples is None or not len(samples) or not rate or not channels:
        return None
    peak, power = float(np.abs(samples).max()), float(np.mean(np.square(samples)))
    return Levels(_db(peak), _db(power**0.5), len(samples) / channels / rate)


def _samples(form: bytes, data: bytes, bits: int) -> NDArray[np.float64] | None:
    """Every sample of every channel in -1..1."""
    (coding,) = struct.unpack_from("<H", form)
    if coding == EXTENSIBLE and len(form) >= 26:
        (coding,) = struct.unpack_from("<H", form, 24)
    whole = data[: len(data) // max(bits // 8, 1) * max(bits // 8, 1)]
    if coding == FLOAT and bits in (32, 64):
        return np.frombuffer(whole, f"<f{bits // 8}").astype(np.float64)
    if coding != PCM or bits not in (8, 16, 24, 32):
        return None
    if bits == 8:
        return (np.frombuffer(whole, np.uint8).astype(np.float64) - 128.0) / 128.0
    if bits == 24:
        raw = np.frombuffer(whole, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(raw), 4), np.uint8)
        wide[:, 1:] = raw
        return wide.view("<i4").ravel().astype(np.float64) / 2.0**31
    return np.frombuffer(whole, f"<i{bits // 8}").astype(np.float64) / 2.0 ** (bits - 1)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a wav that matter, in their order."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("it lacks the mark RIFF WAVE")
    found, at = [], 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name in KEPT_CHUNKS:
            found.append((name, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    names = [name for name, _ in found]
    if b"fmt " not in names or b"data" not in names or not dict(found)[b"data"]:
        raise ValueError("it has no samples")
    return found


def _riff(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(one)) + one + b"\0" * (len(one) % 2) for name, one in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def _without_id3(data: bytes) -> bytes:
    while data[:3] == b"ID3":
        size = 0
        for byte in data[6:10]:  # seven bits of each: the length of the tag after its ten bytes
            size = size << 7 | byte & 0x7F
        data = data[10 + size + (10 if data[5] & 0x10 else 0) :]
    if data[-128:-125] == b"TAG":
        data = data[:-128]
    data = data.lstrip(b"\0")  # padding that some writers leave after the tag
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        raise ValueError("it holds no MPEG frame")
    return data


def _without_comments(data: bytes) -> bytes:
    if data[:4] != b"fLaC":
        raise ValueError("it lacks the mark fLaC")
    blocks, at, last = [], 4, False
    while not last:
        head, size = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        last = bool(head & 0x80)
        if head & 0x7F in FLAC_KEPT:
            blocks.append((head & 0x7F, data[at + 1 : at + 4 + size]))
        at += 4 + size
    if not blocks or blocks[0][0] != 0 or at >= len(data):
        raise ValueError("it holds no stream")
    marked = [bytes([kind | (0x80 if place == len(blocks) - 1 else 0)]) for place, (kind, _) in enumerate(blocks)]
    heads = b"".join(mark + block for mark, (_, block) in zip(marked, blocks, strict=True))
    return b"fLaC" + heads + data[at:]


def _db(value: float) -> float:
    return max(20.0 * float(np.log10(value)), SILENCE_DB) if value > 0 else SILENCE_DB
