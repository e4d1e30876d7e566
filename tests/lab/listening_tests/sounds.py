"""Short sounds made here: chords that fade, plain or with a fault that anybody hears."""

import io
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 22_050
CHORDS_HZ = ((220.0, 277.2, 329.6), (293.7, 370.0, 440.0), (329.6, 415.3, 493.9), (220.0, 277.2, 329.6))


def chords(seconds_each: float = 0.5, transposed: float = 1.0) -> NDArray[np.float64]:
    """Four chords, one after the other, in -1..1."""
    time = np.arange(int(seconds_each * RATE_HZ)) / RATE_HZ
    fade = np.minimum(time / 0.01, 1.0) * np.exp(-2.5 * time)
    tones = [sum(np.sin(2 * np.pi * hz * transposed * time) for hz in chord) / 6 * fade for chord in CHORDS_HZ]
    return np.concatenate(tones)


def with_clicks(plain: NDArray[np.float64], every_seconds: float = 0.4) -> NDArray[np.float64]:
    """The same with a click every now and then."""
    out = plain.copy()
    step = int(every_seconds * RATE_HZ)
    for start in range(step // 2, len(out) - 20, step):
        out[start : start + 20] += 0.5
    return out


def muffled(plain: NDArray[np.float64], samples: int = 24) -> NDArray[np.float64]:
    """The same through a moving mean: an anchor."""
    return np.convolve(plain, np.ones(samples) / samples, mode="same")


def wav(samples: NDArray[np.float64]) -> bytes:
    """A wav of 16 bits, one channel."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return buffer.getvalue()


def write_folder(folder: Path, cases: int = 2, seconds_each: float = 0.5) -> Path:
    """folder/{anchor,clicks,reference}/song-N.wav, each song in another key."""
    for number in range(cases):
        plain = chords(seconds_each, 2 ** (number / 12))
        versions = {"reference": plain, "clicks": with_clicks(plain), "anchor": muffled(plain)}
        for name, samples in versions.items():
            path = folder / name / f"song-{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav(samples))
    return folder
