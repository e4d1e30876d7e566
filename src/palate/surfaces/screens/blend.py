"""blend: one list for two or more listeners, and how well each of them matches the others.

First what several of them play, ordered by whoever plays it least. Then, in turn from each, what one of them plays that
is closest to the others. The order of the listeners changes nothing.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.slate import Shelf, Slate, SlateItem
from palate.embeddings.records import UserRecord
from palate.retrieval.filters import allowed, wanted_by_all
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.surfaces.ask import Ask
from palate.surfaces.explain import LEAST_COSINE, Labels
from palate.surfaces.lists import places_in
from palate.surfaces.live import LiveHome
from palate.surfaces.screens.for_you import FOR_YOU
from palate.surfaces.surface import Surface

NAME = "blend"
MOST_LISTENERS = 10
SHARED_SHARE = 0.5  # of the places at most, unless what only one of them plays runs out


@dataclass(frozen=True)
class Member:
    """One listener of a blend, of whom something is known."""

    user_id: str
    query: Query
    stock: Stock

    @property
    def record(self) -> UserRecord:
        return self.query.record

    @cached_property
    def played(self) -> NDArray[np.int32]:
        """Rows that were really played, ascending."""
        return self.record.items[(self.record.heard > 0) & (self.record.items < self.stock.n_items)]

    @cached_property
    def direction(self) -> NDArray[np.float32]:
        return self.stock.direction_of(self.query.taste)

    def plays(self, row: int) -> int:
        """How often it was played."""
        place, held = places_in(self.record, np.array([row], np.int32))
        return int(self.record.heard[place[0]]) if held[0] else 0

    def weights(self, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """(n,) decayed plays as shares of all of the listener's, so that who plays little counts as much."""
        place, held = places_in(self.record, rows)
        if not held.any():
            return np.zeros(len(rows))
        return np.where(held, self.record.weights[place], 0.0) / max(float(self.record.weights.sum()), 1e-9)

    def closest(self, row: int) -> tuple[int, float]:
        """What they played that points most the same way as another item, and the cosine; (-1, -1.0) for nothing."""
        others = self.played[self.played != row]
        if not len(others):
            return -1, -1.0
        alike = self.stock.directions[others] @ self.stock.directions[row]
        best = int(np.argmax(alike))
        return int(others[best]), float(alike[best])


def match_percent(one: Member, other: Member) -> int:
    """0 to 100, the same both ways: half from the cosine of their tastes, half from the items that both play.

    50 * max(cosine, 0) + 50 * (items that both play) / (items of the one who plays fewer).
    """
    common = len(np.intersect1d(one.played, other.played))
    fewer = max(min(len(one.played), len(other.played)), 1)
    cosine = min(max(float(one.direction @ other.direction), 0.0), 1.0)
    return round(50 * cosine + 50 * common / fewer)


@dataclass(frozen=True)
class Blend:
    """members # one or more, by user id; queries # of everybody who is asked for, also of who played nothing."""

    members: list[Member]
    queries: list[Query]
    stock: Stock
    labels: Labels

    @cached_property
    def counts(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Rows that any of them plays and all of them may be shown, ascending; how many of them play each."""
        rows, counts = np.unique(np.concatenate([one.played for one in self.members]), return_counts=True)
        kept = np.logical_and.reduce([allowed(rows.astype(np.int32), one, self.stock) for one in self.queries])
        return rows[kept].astype(np.int32), counts[kept]

    def shared(self) -> NDArray[np.int32]:
        """Rows that several play: those of most listeners first, then by the smallest share among who plays it."""
        rows, counts = self.counts
        rows, counts = rows[counts > 1], counts[counts > 1]
        weights = np.stack([np.where(w > 0, w, np.inf) for w in (one.weights(rows) for one in self.members)])
        return rows[np.lexsort((rows, -weights.min(axis=0, initial=np.inf), -counts))]

    def bridges(self) -> NDArray[np.int32]:
        """Rows that one plays, by how close they are to the taste of the farthest of the others; in turn from each."""
        rows, counts = self.counts
        rows = rows[counts == 1]
        turns: list[tuple[int, int, int]] = []
        for number, one in enumerate(self.members):
            mine = rows[np.isin(rows, one.played)]
            others = [other.direction for other in self.members if other is not one]
            close = (self.stock.directions[mine] @ np.stack(others).T).min(axis=1) if others else one.weights(mine)
            order = mine[np.lexsort((mine, -close))]
            turns += [(place, number, row) for place, row in enumerate(order.tolist())]
        return np.array([row for _, _, row in sorted(turns)], np.int32)

    def told(self, row: int, score: float) -> SlateItem:
        """The item with who plays it how often, and what of the others it is close to."""
        item = self.labels.get(row)
        plays = {one.user_id: one.plays(row) for one in self.members if one.plays(row)}
        evidence: list[dict[str, Any]] = [{"type": "shared", "item_id": item.item_id, "plays": plays}]
        sentence = f"Played by {listed([f'{user} {times(n)}' for user, n in plays.items()])}"
        source = "shared" if len(plays) > 1 else "bridge"
        for other in (one for one in self.members if one.user_id not in plays):
            anchor, cosine = other.closest(row)
            if cosine < LEAST_COSINE:
                continue
            name = self.labels.get(anchor)
            evidence.append({"type": "similar", "item_id": name.item_id, "cosine": round(cosine, 3)})
            evidence.append({"type": "shared", "item_id": name.item_id, "plays": {other.user_id: other.plays(anchor)}})
            sentence += f"; close to {name.label}, which {other.user_id} played {times(other.plays(anchor))}"
        return SlateItem(
            item_id=item.item_id, kind=item.kind.value, score=score, source=source, reason=f"{sentence}.",
            evidence=evidence, title=item.title, artists=item.artists,
        )  # fmt: skip

    def shelves(self, n: int) -> list[Shelf]:
        """The two parts, n items together; a part that has nothing is left out."""
        shared, bridges = self.shared(), self.bridges()
        first = min(len(shared), max(n - len(bridges), ceil(SHARED_SHARE * n)))
        parts = (
            ("shared", "What you share", "Played by several of you.", shared[:first]),
            ("bridges", "From one to another", "Played by one of you only.", bridges[: n - first]),
        )
        before = 0
        out: list[Shelf] = []
        for name, title, reason, rows in parts:
            scores = 1.0 - (before + np.arange(len(rows))) / n
            items = [self.told(row, score) for row, score in zip(rows.tolist(), scores.tolist(), strict=True)]
            if items:
                out.append(Shelf(name, title, reason, items, self.matches() if not out else []))
            before += len(rows)
        return out

    def matches(self) -> list[dict[str, Any]]:
        """Of each listener, how well they match: the mean over the others, in percent."""
        found = []
        for one in self.members:
            others = [other for other in self.members if other is not one]
            if others:
                percent = round(float(np.mean([match_percent(one, other) for other in others])))
                told = [other.user_id for other in others]
                found.append({"type": "match", "user_id": one.user_id, "with": told, "percent": percent})
        return found


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What they share and what leads from one to another; says in `note` how well they match and who is unknown.

    BadInput for fewer than two different listeners, or more than MOST_LISTENERS.
    """
    users, stock = listeners(ask), live.path.stock
    queries = [live.query(replace(ask, user_id=user, seeds=()), NAME) for user in users]
    asked = (Member(user, query, stock) for user, query in zip(users, queries, strict=True))
    members = [one for one in asked if len(one.played)]
    unknown = sorted(set(users) - {one.user_id for one in members})
    notes = [f"Nothing is known yet of {listed(unknown)}."] if unknown else []
    if not members:
        recipe = replace(FOR_YOU, filters=(*FOR_YOU.filters, wanted_by_all(queries)))
        slate = live.path.answer(recipe, live.query(replace(ask, user_id=None, seeds=()), NAME), ask.n, ask.user_id)
        return replace(slate, surface=NAME, note=" ".join([*notes, *([slate.note] if slate.note else [])]))
    blend = Blend(members, queries, stock, live.path.labels)
    matches = [f"{one['user_id']} {one['percent']}%" for one in blend.matches()]
    notes = [f"How well each matches the others: {', '.join(matches)}.", *notes] if matches else notes
    shelves = blend.shelves(ask.n)
    if not shelves:
        notes.append("Nothing that any of them plays can be shown.")
    items = [item for shelf in shelves for item in shelf.items]
    state = "|".join([NAME, stock.space, *users, *(item.item_id for item in items)])
    mine = next((one.query for one in members if one.user_id == ask.user_id), None)
    return Slate(
        slate_id=blake2b(state.encode(), digest_size=10).hexdigest(), surface=NAME, user_id=ask.user_id,
        space=stock.space, taste_age_seconds=mine.taste_age_seconds if mine else None,
        stranger=mine is None and ask.user_id is not None, items=items, shelves=shelves, note=" ".join(notes),
        taste_offset=mine.offset if mine else None,
    )  # fmt: skip


def listeners(ask: Ask) -> list[str]:
    """Whom the request names, each once, in the order of their ids."""
    named = [*([] if ask.user_id is None else [ask.user_id]), *ask.others]
    users = sorted(set(named))
    if len(users) < 2:
        raise BadInput("a blend needs two different listeners; add with=USER")
    if len(users) > MOST_LISTENERS:
        raise BadInput(f"{len(users)} listeners came; blend at most {MOST_LISTENERS}")
    return users


def times(n: int) -> str:
    """In words: once, twice, 14 times."""
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def listed(words: list[str]) -> str:
    """In words: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


SURFACE = Surface(NAME, "one list for several listeners, and how well each matches the others", answer)
