"""What can be heard, and the playlists that listeners and editors make of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from palate.core.ids import ItemId, PlaylistId, UserId


class Kind(StrEnum):
    """What an item is. The order is the order of `KINDS`, and so of every per-kind array."""

    TRACK = "track"
    EPISODE = "episode"
    AUDIOBOOK = "audiobook"


KINDS: tuple[Kind, ...] = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be played. Only `item_id` is required; unknown is None or empty, never a guess.

    `attributes` holds further numbers by name in the units of the name (tempo_bpm, energy, valence, key, ...).
    `released` is unix seconds. `collection` is the album, show or book that the item belongs to.
    """

    item_id: ItemId
    kind: Kind = Kind.TRACK
    title: str | None = None
    artists: tuple[str, ...] = ()
    collection: str | None = None
    genres: tuple[str, ...] = ()
    language: str | None = None
    released: float | None = None
    duration_seconds: float | None = None
    explicit: bool = False
    available: bool = True
    attributes: dict[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What to call the item in a sentence: "Title by Artist", or its id when nothing else is known."""
        if self.title is None:
            return str(self.item_id)
        return f"{self.title} by {', '.join(self.artists[:2])}" if self.artists else self.title


@dataclass(frozen=True, slots=True)
class Membership:
    """One item's stay in one playlist. Times are unix seconds; `removed` None means that it is still there."""

    playlist_id: PlaylistId
    item_id: ItemId
    position: int = 0
    name: str | None = None
    owner: UserId | None = None
    added: float | None = None
    removed: float | None = None
