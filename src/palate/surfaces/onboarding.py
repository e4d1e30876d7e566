"""What a new listener says of themselves: read, found in the catalogue, and kept as events and an attribute.

A pick is kept as ONBOARDING events on the most heard items of the artist or show, so that it goes through the same
record and encoder as listening, and is diluted by it. Languages are an attribute of the listener.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.ids import MAX_ID_CHARACTERS, ItemId, UserId
from palate.core.listens import Event, Listen
from palate.embeddings.states import UserState
from palate.embeddings.statics import LANGUAGES, joined
from palate.listening.listeners import ListenerTable
from palate.retrieval.stock import Stock
from palate.store.items import ItemStore
from palate.store.record_store import RecordStore
from palate.surfaces.choices import ARTIST, SHOW, Choices
from palate.surfaces.offering import Guide

ITEMS_PER_PICK = 3  # one tells less about the artist, ten dilute each other; 2 to 5 are level
MOST_SAID = 50  # artists, shows and languages each
SAMPLED, LOOKED_AT = 512, 100_000  # listeners whose tastes stand for all; among how many they are drawn
PAGES_KEPT = 1_024  # answers to GET /v1/onboarding
LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True)
class Said:
    """What came: names or item ids, language tags, and the id of the request."""

    artists: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    request_id: str = ""

    def __post_init__(self) -> None:
        for name in ("artists", "shows", "languages"):
            if len(getattr(self, name)) > MOST_SAID:
                raise BadInput(f"{len(getattr(self, name))} {name} came; send at most {MOST_SAID}")
        odd = [one for one in self.languages if not LANGUAGE.fullmatch(one)]
        if odd:
            raise BadInput(f"{odd[0][:40]!r} is no language tag; send tags such as en or pt-BR")
        if not (self.artists or self.shows or self.languages):
            raise BadInput("nothing was picked; name at least one artist, show or language")

    @classmethod
    def read(cls, document: Any) -> "Said":
        """From the JSON of a request; BadInput says which part is wrong."""
        if not isinstance(document, dict):
            raise BadInput('the body must be an object; send {"artists": [...], "languages": [...], "shows": [...]}')
        request_id = document.get("id", "")
        if isinstance(request_id, bool) or not isinstance(request_id, str | int):
            raise BadInput("id must be text or a whole number")
        lists = {name: _texts(document.get(name), name) for name in ("artists", "shows", "languages")}
        return cls(**lists, request_id=str(request_id))


@dataclass(frozen=True)
class Pick:
    """One thing that was named, found: its kind ("artist", "show" or "item"), its name, and its rows, best first."""

    kind: str
    name: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Onboarding:
    """Finds what was named, and chooses what to offer. One for each live space."""

    choices: Choices
    guide: Guide
    items: ItemStore

    @classmethod
    def of(cls, stock: Stock, items: ItemStore, store: RecordStore) -> "Onboarding":
        """From the live space's stock and its listeners; reads the show of each episode once, 10 us an episode."""
        plays = stock.trends.ever.astype(np.float64)
        choices = Choices.of(stock.columns, plays, lambda row: items.get(row).collection if row < len(items) else None)
        tastes = sampled_tastes(store, stock.space, stock.vectors.shape[1])
        return cls(choices, Guide(choices, tastes, stock.vectors, plays, store.count(stock.space)), items)

    def found(self, said: Said) -> list[Pick]:
        """Every artist and show that was named, by name or by the id of an item of theirs.

        BadInput that lists all that the catalogue does not hold; then nothing has been kept.
        """
        picks: list[Pick] = []
        unknown: list[str] = []
        for kind, names in ((ARTIST, said.artists), (SHOW, said.shows)):
            for name in names:
                pick = self._find(kind, name)
                if pick is None:
                    unknown.append(f"{kind} {name[:80]!r}")
                else:
                    picks.append(pick)
        if unknown:
            raise BadInput(
                f"not in the catalogue: {', '.join(unknown)}; send names as GET /v1/onboarding gives them, or item ids"
            )
        return picks

    def places(self, names: Sequence[str]) -> list[int]:
        """The places of artists or shows by name, distinct; names that there are not are left out."""
        found = [
            place for name in names for kind in (ARTIST, SHOW) if (place := self.choices.find(kind, name)) is not None
        ]
        return list(dict.fromkeys(found))

    def offer(
        self, n: int, picked: Sequence[str] = (), passed: Sequence[str] = (), languages: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Up to n picks to offer, the most telling first, as plain values."""
        liked = self.places(picked)
        others = [place for place in self.places(passed) if place not in liked]
        offered = self._offered(n, tuple(liked), tuple(others), tuple(sorted(set(languages))))
        known = self.guide.known(np.array(offered, np.int64)).tolist()
        return [
            {
                "name": self.choices.names[place], "kind": self.choices.kinds[place],
                "language": self.choices.languages[place], "known": share,
                "item_ids": [str(self.items.id(int(row))) for row in self.choices.items(place)[:ITEMS_PER_PICK]],
            }
            for place, share in zip(offered, known, strict=True)
        ]  # fmt: skip

    def offered_places(self, n: int, picked: Sequence[str] = ()) -> list[int]:
        """The places of up to n picks to offer, the most telling first."""
        return self._offered(n, tuple(self.places(picked)), (), ())

    @cached_property
    def _offered(self) -> Callable[..., list[int]]:
        """`Guide.offer`, the last answers kept: every stranger begins with the same question."""
        return lru_cache(PAGES_KEPT)(self.guide.offer)

    def listens(self, picks: Sequence[Pick], user_id: str, now: float, request_id: str) -> list[Listen]:
        """The events that keep the picks, at unix time `now`; with the same `request_id` they are the same events."""
        rows = dict.fromkeys(row for pick in picks for row in pick.rows)
        ids = [str(self.items.id(row)) for row in rows]
        return [
            Listen(
                UserId(user_id), ItemId(item), now, Event.ONBOARDING,
                event_id=json.dumps(["onboarding", user_id, request_id, item]),
            )
            for item in ids
        ]  # fmt: skip

    def _find(self, kind: str, name: str) -> Pick | None:
        place = self.choices.find(kind, name)
        if place is not None:
            rows = self.choices.items(place)[:ITEMS_PER_PICK].tolist()
            return Pick(kind, self.choices.names[place], tuple(rows))
        row = self.items.row(name) if len(name) <= MAX_ID_CHARACTERS else None
        return None if row is None else Pick("item", self.items.get(row).label, (int(row),))


def keep_languages(home: Home, user_id: str, languages: Sequence[str]) -> None:
    """Keeps what a listener speaks, durably, in place of what was known; the whole table is written again."""
    if languages:
        with ListenerTable.changing(home.listeners) as table:
            table.upsert([user_id], {LANGUAGES: [joined(list(dict.fromkeys(languages)))]})


def sampled_tastes(store: RecordStore, space: str, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """(m, dim) tastes of SAMPLED listeners or as many as there are, drawn among the first LOOKED_AT of the store."""
    users = list(islice(store.users(space), LOOKED_AT))
    drawn = np.random.default_rng(seed).permutation(len(users))[:SAMPLED]
    stored = [store.get(space, users[place]) for place in np.sort(drawn).tolist()]
    tastes = [UserState.unpack(data).taste for data in stored if data is not None]
    return np.array(tastes, np.float32).reshape(-1, dim)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    """The distinct texts of one list; nothing for nothing."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise BadInput(f"{name} must be a list of names that are not empty")
    return tuple(dict.fromkeys(one.strip() for one in value))
