"""What really happened, counted with sets and loops by nothing that the house itself counts with."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.items import Item
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs

DAY = 86_400.0
LEAST_SECONDS = 30.0  # a play that ended earlier, and before half of the item, is a skip
LARGEST_GROUP = 500  # different items; what is in longer sittings and playlists is not counted as together
CHOICES = (Event.SAVE, Event.ADD_TO_PLAYLIST, Event.ONBOARDING)


@dataclass(frozen=True)
class Play:
    """One item heard to some length; `when` in home seconds."""

    user: str
    item: str
    when: float
    sitting: int


@dataclass(frozen=True, eq=False)
class Facts:
    """The raw material, and what is counted from it when it is first asked for.

    inputs    listens in home time, playlists, attributes of listeners
    items     by catalogue row
    vectors   # (items, dim) float32, of the space that answered; only cosines and dot products are checked with them
    now       home seconds of the answers
    moment    home seconds at which the space was made: counts of everybody are as of then
    taste     a listener's id, None for nobody -> # (dim,) float32
    circle    a listener's id -> a number equal for those of one circle; None for none
    listed    home seconds before which a stay on a playlist was known when the space was made; inf for all of them
    """

    inputs: Inputs
    items: Sequence[Item]
    vectors: NDArray[np.float32]
    now: float
    moment: float
    taste: Callable[[str | None], NDArray[np.float32]]
    circle: Callable[[str], int | None] = field(default=lambda _: None)
    listed: float = np.inf

    def item(self, item_id: object) -> Item:
        """BadInput for an id that the catalogue does not hold."""
        return self.items[self.row(item_id)]

    def row(self, item_id: object) -> int:
        """The catalogue row; BadInput for an unknown id."""
        if item_id not in self._rows:
            raise BadInput(f"no item {item_id!r} in the catalogue")
        return self._rows[str(item_id)]

    def plays(self, user: str | None, item: str) -> list[float]:
        """When this listener heard this item, ascending."""
        return [] if user is None else self._by_user.get(user, {}).get(item, [])

    def heard_by(self, user: str | None) -> dict[str, list[float]]:
        """item -> when this listener heard it."""
        return {} if user is None else self._by_user.get(user, {})

    def everybody(self, item: str, days: float = np.inf) -> list[Play]:
        """All plays of an item in the `days` before the moment."""
        return [one for one in self._by_item.get(item, []) if self.moment - days * DAY <= one.when < self.moment]

    def days_since(self, when: float) -> float:
        """Home days until now."""
        return (self.now - when) / DAY

    def did(self, user: str | None, item: str) -> set[Event]:
        """The kinds of event that this listener has on this item."""
        return set() if user is None else self._events.get((user, item), set())

    def together(self, one: str, other: str) -> int:
        """Sittings and playlists that hold both, as of the moment."""
        groups = self._groups.get(one, set()) & self._groups.get(other, set())
        return sum(self._sizes[group] <= LARGEST_GROUP for group in groups)

    def cosine(self, one: str, other: str) -> float:
        """Of the two directions, popularity left out."""
        a, b = (self.vectors[self.row(item), :-1].astype(np.float64) for item in (one, other))
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    def likeness(self, one: str, other: str) -> float:
        """The cosine of two tastes, popularity and what items have nothing of left out; 0 where one is empty."""
        told = self.vectors[:, :-1].any(axis=0)
        a, b = (np.where(told, self.taste(user)[:-1], 0.0).astype(np.float64) for user in (one, other))
        lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
        return float(a @ b) / lengths if lengths else 0.0

    def country(self, user: str) -> str | None:
        """Where a listener is told to be."""
        return self._countries.get(user)

    def playlist(self, playlist_id: object) -> tuple[str | None, set[str]]:
        """Its name, and the items that ever stood on it; BadInput for an unknown one."""
        if playlist_id not in self.inputs.playlists.ids:
            raise BadInput(f"no playlist {playlist_id!r}")
        number = self.inputs.playlists.ids.index(str(playlist_id))
        stays = self.inputs.playlists.item[self.inputs.playlists.playlist == number].tolist()
        return self.inputs.playlists.names[number], {str(self.items[row].item_id) for row in stays if row >= 0}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {str(item.item_id): row for row, item in enumerate(self.items)}

    @cached_property
    def _played(self) -> list[Play]:
        return list(self._read())

    def _read(self) -> Iterator[Play]:
        h = self.inputs.history
        columns = (h.user, h.item, h.timestamp, h.session, h.event, h.seconds_played, h.duration_seconds)
        for user, item, when, sitting, event, seconds, whole in zip(*(c.tolist() for c in columns), strict=True):
            skipped = seconds < LEAST_SECONDS and not seconds >= whole / 2
            if event == Event.PLAY and not skipped:
                yield Play(h.users[user], str(self.items[item].item_id), when, sitting)

    @cached_property
    def _by_user(self) -> dict[str, dict[str, list[float]]]:
        out: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for one in self._played:
            out[one.user][one.item].append(one.when)
        return out

    @cached_property
    def _by_item(self) -> dict[str, list[Play]]:
        out: dict[str, list[Play]] = defaultdict(list)
        for one in self._played:
            out[one.item].append(one)
        return out

    @cached_property
    def _events(self) -> dict[tuple[str, str], set[Event]]:
        h, out = self.inputs.history, defaultdict(set)
        for user, item, event in zip(h.user.tolist(), h.item.tolist(), h.event.tolist(), strict=True):
            out[h.users[user], str(self.items[item].item_id)].add(Event(event))
        return out

    @cached_property
    def _groups(self) -> dict[str, set[tuple[str, int]]]:
        """item -> the sittings in which it was heard and the playlists on which it stood, before the moment."""
        out: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for one in self._played:
            if one.when < self.moment:
                out[one.item].add(("sitting", one.sitting))
        lists = self.inputs.playlists
        for number, row, added in zip(lists.playlist.tolist(), lists.item.tolist(), lists.added.tolist(), strict=True):
            if row >= 0 and not added >= self.listed:
                out[str(self.items[row].item_id)].add(("playlist", number))
        return out

    @cached_property
    def _sizes(self) -> Counter[tuple[str, int]]:
        return Counter(group for groups in self._groups.values() for group in groups)

    @cached_property
    def _countries(self) -> dict[str, str | None]:
        told = self.inputs.listeners.values.get("country", [])
        return dict(zip(self.inputs.history.users, told, strict=False))
