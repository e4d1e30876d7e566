"""Sound: everything that analysis says of one recording, with units, and how sure it is."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1  # of what is kept on disk; raised whenever the numbers change, so that files are analysed again


@dataclass(frozen=True)
class Section:
    """A stretch of the recording between two boundaries. `label` groups alike sections: "A", "B", ...

    energy is the mean loudness of the stretch from 0, the quietest of the recording, to 1, the loudest.
    """

    start_seconds: float
    end_seconds: float
    label: str
    energy: float


@dataclass(frozen=True)
class Sound:
    """What a recording sounds like. None where it cannot be said: a silent file has no tempo, a drone no key.

    Times are seconds from the first sample. Shares and confidences are from 0 to 1. Each analyser's page says what its
    numbers mean and how well they are met (docs/rooms/audio.md).
    """

    duration_seconds: float
    rate_hz: int  # of the file
    channels: int
    codec: str

    tempo_bpm: float | None = None
    tempo_confidence: float = 0.0
    beats_per_bar: int | None = None
    beats_seconds: tuple[float, ...] = ()
    downbeats_seconds: tuple[float, ...] = ()
    downbeat_confidence: float = 0.0

    key: str | None = None  # "C", "C#", ... "B"
    mode: str | None = None  # "major" or "minor"
    key_confidence: float = 0.0

    loudness_lufs: float | None = None  # integrated, ITU-R BS.1770-4
    loudness_range_lu: float | None = None  # EBU Tech 3342
    true_peak_dbtp: float | None = None

    energy: float | None = None  # share, see descriptors
    energy_curve: tuple[float, ...] = ()  # short-term loudness from 0 to 1, one value each `energy_hop_seconds`
    energy_hop_seconds: float = 1.0
    onset_rate_hz: float | None = None
    danceability: float | None = None
    valence: float | None = None
    arousal: float | None = None
    acousticness: float | None = None
    instrumentalness: float | None = None
    speechiness: float | None = None
    voice_seconds: tuple[tuple[float, float], ...] = ()  # stretches with a voice, spoken or sung

    fade_in_seconds: float = 0.0
    fade_out_seconds: float = 0.0
    leading_silence_seconds: float = 0.0
    trailing_silence_seconds: float = 0.0
    sections: tuple[Section, ...] = ()
    tags: dict[str, float] = field(default_factory=dict)  # probabilities of the tagger's words

    # Vectors, by name: what a content vector is made of. Each # (d,) float32.
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """As JSON has it, without the vectors."""
        told = asdict(self)
        del told["vectors"]
        return told
