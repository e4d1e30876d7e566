"""search: artists, shows and items by what was typed so far, in the order of match, taste and popularity."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palate.core.slate import Shelf, Slate, SlateItem
from palate.retrieval.query import Query
from palate.store.words import NAME, TITLE, WHERE
from palate.surfaces.ask import Ask
from palate.surfaces.choices import ARTIST, SHOW
from palate.surfaces.explain import _times
from palate.surfaces.heads import Opinion
from palate.surfaces.live import LiveHome
from palate.surfaces.shelves.draft import Drafting, Evidence
from palate.surfaces.shelves.filling import slate_id
from palate.surfaces.shelves.found import Found, items_found, liked_by, names_found
from palate.surfaces.surface import Surface

SEARCH = "search"
NAMED = 5  # artists and shows, each, at most, and a quarter of the answer
ASKED = 200  # titles that a head is asked about, of those that stand first without it: a third of a millisecond
SHELVES = {ARTIST: "Artists", SHOW: "Shows"}
FIELDS = ((TITLE, "title"), (NAME, "artists"), (WHERE, "album or show"))


def answer(ask: Ask, live: LiveHome) -> Slate:
    """What `words` find that can be played and is not hidden; for nobody in particular by match and popularity."""
    query = live.query(ask, SEARCH)
    on = Searching(live, query, None if ask.user_id is None else query, ask.words)
    shelves, taken = [], set[int]()
    for kind in SHELVES:
        shelves += on.named(kind, min(NAMED, ask.n // 4), taken)
    shelves += on.titles(ask.n - len(taken), taken)
    items = [item for shelf in shelves for item in shelf.items]
    every = len(on.items.rows)
    out = every - int(on.may_be_shown(on.items.rows).sum())
    slate = Slate(
        slate_id=slate_id(f"{SEARCH}|{ask.words}", live.path.stock.space, ask.user_id, query, shelves),
        surface=SEARCH, user_id=ask.user_id, space=live.path.stock.space, taste_age_seconds=query.taste_age_seconds,
        stranger=query.stranger and ask.user_id is not None, items=items,
        stages={"retrieved": every, "answered": len(items), "shelves": len(shelves)},
        removed={"unavailable, hidden or excluded": out} if out else {}, taste_offset=query.offset, shelves=shelves,
        note=None if items else _nothing(ask.words, every),
    )  # fmt: skip
    return on.opinion.told(slate)


@dataclass(frozen=True)
class Searching:
    """One question. reader: the listener whose taste counts, None for nobody in particular."""

    live: LiveHome
    query: Query
    reader: Query | None
    words: str

    @cached_property
    def items(self) -> Found:
        """All items that match, best first, those that may not be shown too."""
        return items_found(self.live.items, self.live.path.stock, self.reader, self.words)

    @cached_property
    def names(self) -> Found:
        """Places of artists and shows that match, best first."""
        choices = self.live.onboarding.choices
        return names_found(self.live.names, choices, self.live.path.stock, self.reader, self.words)

    @cached_property
    def _on(self) -> Drafting:
        return Drafting(self.live.path, self.query, 1)

    def may_be_shown(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """(m,) what can be played, is not hidden and not excluded; nothing that came after the space was trained."""
        stock, out = self.live.path.stock, np.concatenate([self.query.record.hidden, self.query.exclude])
        known = rows < stock.n_items
        return np.asarray(known & stock.columns.available[np.where(known, rows, 0)] & ~np.isin(rows, out), np.bool_)

    @cached_property
    def _shown(self) -> Found:
        """The items that match and may be shown, by match, taste and popularity."""
        return self.items.take(self.may_be_shown(self.items.rows))

    @cached_property
    def opinion(self) -> Opinion:
        """What the head of search says of the first ASKED of them; nothing of nobody in particular."""
        if self.reader is None:
            return Opinion()
        return self.live.opinion(SEARCH, self.reader, self._shown.rows[:ASKED], self.reader.listener)

    def named(self, kind: str, n: int, taken: set[int]) -> list[Shelf]:
        """A shelf of up to n artists or shows, an item of each: the one played most, else the most heard of all."""
        choices = self.live.onboarding.choices
        items: list[SlateItem] = []
        for place, score in zip(self.names.rows.tolist(), self.names.scores.tolist(), strict=True):
            if len(items) == n:
                break
            if choices.kinds[place] != kind:
                continue
            name, rows = choices.names[place], choices.items(place)
            rows = rows[self.may_be_shown(rows) & ~np.isin(rows, sorted(taken))]
            if len(rows):
                best = max(rows.tolist(), key=lambda row: self._on.plays.get(row, 0))
                taken.add(best)
                items.append(self._item(best, score, f"Of {name}", [self._match(kind, name)]))
        if not items:
            return []
        how = "close to" if self.names.typo else "named like"
        count = f"{len(items)} {kind}{'s' if len(items) > 1 else ''}"
        told: Evidence = {"type": "match", "words": self.words, "field": kind, "found": len(items)}
        return [Shelf(f"{kind}s", SHELVES[kind], f"{count} {how} “{self.words}”.", items, [told])]

    def titles(self, n: int, taken: set[int]) -> list[Shelf]:
        """A shelf of up to n items that match and are not taken."""
        shown = self._shown
        if self.opinion.values is not None and self.reader is not None:
            shown = liked_by(shown, self.opinion.values, self.live.path.stock, self.reader)
        shown = shown.take(~np.isin(shown.rows, sorted(taken)))
        told_of = zip(shown.rows[:n].tolist(), shown.scores.tolist(), shown.fields.tolist(), strict=False)
        items = []
        for row, score, fields in told_of:
            field, how = _field(fields), "Close to" if shown.typo else "Found"
            items.append(self._item(row, score, f"{how} “{self.words}” in its {field}", [self._match(field)]))
        if not items:
            return []
        told: Evidence = {"type": "match", "words": self.words, "field": "any", "found": len(items)}
        return [Shelf("items", "Titles", f"{len(items)} found for “{self.words}”.", items, [told])]

    def _match(self, field: str, name: str | None = None) -> Evidence:
        return {"type": "match", "words": self.words, "field": field} | ({} if name is None else {"name": name})

    def _item(self, row: int, score: float, sentence: str, evidence: list[Evidence]) -> SlateItem:
        """Adds how often the listener played it, if they did."""
        plays = self._on.plays.get(row)
        if plays:
            evidence, sentence = [*evidence, self._on.listen(row)], f"{sentence}; you played it {_times(plays)}"
        item = self.live.path.labels.get(row)
        return SlateItem(
            item_id=str(item.item_id), kind=item.kind.value, score=score, source="words", reason=f"{sentence}.",
            evidence=evidence, title=item.title, artists=item.artists,
        )  # fmt: skip


def _field(fields: int) -> str:
    """Where it stands, in words; of what was published before 0.3, and of transcripts, that is not known."""
    where = [name for field, name in FIELDS if fields & field]
    return " and ".join(where) if 0 < len(where) < len(FIELDS) else "words"


def _nothing(words: str, found: int) -> str:
    if not words.strip():
        return "Nothing was typed; send words."
    if found:
        return f"What “{words}” finds cannot be played, is hidden or excluded."
    return f"Nothing is called “{words}” here, nor anything one letter away from it."


SURFACE = Surface(SEARCH, "artists, shows and items by what was typed so far", answer)
