"""The catalogue and the playlists as arrays: what filters, features and models read, without polars."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import packed_texts, read_arrays, unpacked_texts, write_arrays

NUMBERS = ("energy", "tempo_bpm", "valence")  # attributes of an Item that have a column of their own
_TEXTS = ("languages", "artists", "genres")


def _untold() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(frozen=True)
class ItemColumns:
    """One entry per catalogue row; codes point into the lists of names, -1 is unknown.

    kind             # (items,) uint8, position in core.items.KINDS
    available        # (items,) bool
    explicit         # (items,) bool
    language         # (items,) int32 code into `languages`
    artist           # (items,) int32 code of the first artist into `artists`
    genre            # (items,) int32 code of the first genre into `genres`
    released         # (items,) float64 unix seconds, NaN unknown
    duration_seconds # (items,) float32, NaN unknown
    song             # (items,) int32, equal for versions of one song (same_song.py), -1 unknown
    energy           # (items,) float32, from 0, calm, to 1, lively, NaN unknown
    tempo_bpm        # (items,) float32, NaN unknown
    valence          # (items,) float32, from 0, sad, to 1, happy, NaN unknown
    The last four may be left out, as files from before them do: nothing is known then.
    """

    kind: NDArray[np.uint8]
    available: NDArray[np.bool_]
    explicit: NDArray[np.bool_]
    language: NDArray[np.int32]
    artist: NDArray[np.int32]
    genre: NDArray[np.int32]
    released: NDArray[np.float64]
    duration_seconds: NDArray[np.float32]
    languages: list[str]
    artists: list[str]
    genres: list[str]
    song: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    energy: NDArray[np.float32] = field(default_factory=_untold)
    tempo_bpm: NDArray[np.float32] = field(default_factory=_untold)
    valence: NDArray[np.float32] = field(default_factory=_untold)

    def __post_init__(self) -> None:
        unknown = np.full(len(self.kind), np.nan, np.float32)
        for name, column in (("song", np.full(len(self.kind), -1, np.int32)), *((name, unknown) for name in NUMBERS)):
            if len(getattr(self, name)) != len(self.kind):
                object.__setattr__(self, name, column)  # the class is frozen, its making is not over

    def __len__(self) -> int:
        return len(self.kind)

    @classmethod
    def unknown(cls, n_items: int) -> "ItemColumns":
        """Tracks of which only the ids are known."""
        codes = np.full(n_items, -1, np.int32)
        return cls(
            kind=np.zeros(n_items, np.uint8),
            available=np.ones(n_items, np.bool_), explicit=np.zeros(n_items, np.bool_),
            language=codes, artist=codes, genre=codes, released=np.full(n_items, np.nan),
            duration_seconds=np.full(n_items, np.nan, np.float32), languages=[], artists=[], genres=[],
        )  # fmt: skip

    def save(self, path: Path) -> None:
        """Writes the columns as .npz, the names as `packed_texts`."""
        names = {name: packed_texts(getattr(self, name)) for name in _TEXTS}
        write_arrays(path, **{name: getattr(self, name) for name in self.__dataclass_fields__} | names)

    @classmethod
    def load(cls, path: Path) -> "ItemColumns":
        """Reads what `save` wrote."""
        stored = read_arrays(path)
        names = {name: unpacked_texts(stored.pop(name)) for name in _TEXTS}
        return cls(**stored, **names)  # type: ignore[arg-type]  # two dictionaries of different types, by name


@dataclass(frozen=True)
class Playlists:
    """Every stay of an item in a playlist, n rows in the order in which they were first added to the file.

    playlist # (n,) int32, index in `ids`
    item     # (n,) int32, row of the catalogue; -1 if it has none
    position # (n,) int32, place in the playlist as its source counts
    added    # (n,) float64, unix seconds; NaN unknown
    removed  # (n,) float64, unix seconds; NaN while it is still there
    ids      # by playlist, in order of first appearance
    names    # by playlist, the last name it had; None unknown
    owners   # by playlist; None unknown
    """

    playlist: NDArray[np.int32]
    item: NDArray[np.int32]
    position: NDArray[np.int32]
    added: NDArray[np.float64]
    removed: NDArray[np.float64]
    ids: list[str]
    names: list[str | None]
    owners: list[str | None]

    def __len__(self) -> int:
        return len(self.playlist)

    def take(self, rows: NDArray[np.bool_]) -> "Playlists":
        """The stays at `rows` (a mask); playlists keep their numbers."""
        chosen = {name: getattr(self, name)[rows] for name in ("playlist", "item", "position", "added", "removed")}
        return replace(self, **chosen)

    def save(self, path: Path) -> None:
        """Writes everything as .npz, the texts as `packed_texts`."""
        texts = {name: packed_texts(getattr(self, name)) for name in ("ids", "names", "owners")}
        arrays = {name: getattr(self, name) for name in ("playlist", "item", "position", "added", "removed")}
        write_arrays(path, **arrays, **texts)

    @classmethod
    def load(cls, path: Path) -> "Playlists":
        """Reads what `save` wrote."""
        stored = read_arrays(path)
        texts = {name: unpacked_texts(stored.pop(name)) for name in ("ids", "names", "owners")}
        return cls(**stored, **texts)  # type: ignore[arg-type]  # two dictionaries of different types, by name

    @classmethod
    def none(cls) -> "Playlists":
        """No playlists."""
        rows = np.zeros(0, np.int32)
        return cls(rows, rows, rows, np.zeros(0), np.zeros(0), [], [], [])
