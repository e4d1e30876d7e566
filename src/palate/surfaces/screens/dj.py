"""dj: a set with an arc of energy, in blocks, and before each block a line that says only what is true of it."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate.core.items import KINDS, Kind
from palate.core.slate import Shelf, Slate, SlateItem
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.explain import _ago, _times, explain
from palate.surfaces.live import LiveHome
from palate.surfaces.notes import counted, nothing_left
from palate.surfaces.path import RequestPath
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.screens.radio import latest
from palate.surfaces.shelves.arc import along, arc, blocks, mean_energy
from palate.surfaces.shelves.draft import Drafting, Evidence
from palate.surfaces.shelves.filling import slate_id
from palate.surfaces.surface import Surface

NAME = "dj"
POOL = 6  # candidates for each place
WHERE_THEY_ARE = 5  # latest tracks, whose mean energy the set begins with
CHANGE = 0.03  # of energy that can be called one
UNKNOWN = "Nothing is known of how lively these tracks are, so they stand in the order of taste alone."
Line = tuple[str, str, list[Evidence]]  # what sort of line, the sentence, its evidence


def answer(ask: Ask, live: LiveHome) -> Slate:
    """The set of a listener: n tracks at most, in blocks of 3 to 5."""
    return played(live.path, live.query(ask, NAME), ask.listener, ask.n, ask.unheard)


def played(path: RequestPath, query: Query, user_id: str | None, n: int, unheard: bool = False) -> Slate:
    """The same of a query."""
    stock = path.stock
    tracks = stock.columns.kind == KINDS.index(Kind.TRACK)
    asked = replace(query, only=tracks if query.only is None else tracks & query.only)
    on = Drafting(path, asked, POOL * n)
    ranked = path.rank(FOR_YOU_UNHEARD if unheard else FOR_YOU, asked, POOL * n)
    found = ranked.candidates
    energies = energies_of(path, found.items)
    start = mean_energy(energies_of(path, latest(query, stock, WHERE_THEY_ARE)).tolist())
    order = along(arc(start, energies, n), energies, stock.columns.artist[found.items])
    items = explain(found.take(np.array(order, np.intp)), asked, stock, path.labels)
    rows = found.items[order].tolist()
    shelves = _blocks(on, rows, items, energies[order])
    removed = counted(ranked.removed, set(rows))
    known = not np.isnan(energies[order]).all()
    return Slate(
        slate_id=slate_id(NAME, stock.space, user_id, query, shelves), surface=NAME, user_id=user_id, space=stock.space,
        taste_age_seconds=query.taste_age_seconds, stranger=query.stranger and user_id is not None, items=items,
        stages={"retrieved": len(ranked.offered), "answered": len(items), "shelves": len(shelves)}, removed=removed,
        taste_offset=query.offset, shelves=shelves,
        note=nothing_left(len(ranked.offered), removed) if not items else None if known else UNKNOWN,
    )  # fmt: skip


def energies_of(path: RequestPath, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n,) float64 the attribute `energy` of each item, NaN unknown."""
    told = (path.labels.get(row).attributes.get("energy", np.nan) for row in rows.tolist())
    return np.fromiter(told, np.float64, len(rows))


def _blocks(on: Drafting, rows: list[int], items: list[SlateItem], energies: NDArray[np.float64]) -> list[Shelf]:
    shelves: list[Shelf] = []
    begin, before, sort = 0, float("nan"), ""
    for number, size in enumerate(blocks(len(items)), 1):
        part = slice(begin, begin + size)
        lively = mean_energy(energies[part].tolist())
        lines = list(_lines(on, rows[part], items[part], energies[part], rows[begin - 1] if begin else None))
        fresh = [line for line in lines if line[0] != sort] or lines
        key = "|".join(item.item_id for item in items[part])
        chosen = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) % len(fresh)
        sort, sentence, evidence = fresh[chosen]
        shelves.append(Shelf(f"block:{number}", _title(number, lively - before), sentence, items[part], evidence))
        begin, before = begin + size, lively
    return shelves


def _title(number: int, change: float) -> str:
    if number == 1:
        return "To begin with"
    if np.isnan(change) or abs(change) < CHANGE:
        return "And on"
    return "Livelier" if change > 0 else "Calmer"


def _lines(
    on: Drafting, rows: list[int], items: list[SlateItem], energies: NDArray[np.float64], last: int | None
) -> Iterator[Line]:
    """What can truly be said before a block; the first is always possible. last: the row played before."""
    first = on.label(rows[0])
    yield "reason", f"Next, {first}. {items[0].reason}", [e | {"of": items[0].item_id} for e in items[0].evidence]
    own = [row for row in rows if row in on.plays]
    if own:
        most = max(own, key=lambda row: (on.plays[row], -row))
        listen = on.listen(most)
        ago = _ago(listen["days_ago"])
        yield (
            "listen",
            f"In here: {on.label(most)}, which you played {_times(listen['plays'])}; the latest was {ago}.",
            [listen],
        )
    lively: list[Evidence] = [
        {"type": "energy", "item_id": item.item_id, "energy": energy}
        for item, energy in zip(items, energies.tolist(), strict=True)
        if not np.isnan(energy)
    ]
    if len(lively) > 1 and abs(lively[-1]["energy"] - lively[0]["energy"]) >= CHANGE:
        goes = "up" if lively[-1]["energy"] > lively[0]["energy"] else "down"
        low, high = lively[0]["energy"], lively[-1]["energy"]
        yield "energy", f"The energy goes {goes} here, from {low:.2f} to {high:.2f}.", [lively[0], lively[-1]]
    now = on.path.labels.get(rows[0]).attributes.get("tempo_bpm")
    then = None if last is None else on.path.labels.get(last).attributes.get("tempo_bpm")
    if now and then and round(now) != round(then):
        told = {"type": "tempo", "item_id": items[0].item_id, "tempo_bpm": now, "from_bpm": then}
        yield "tempo", f"{first} comes in at {now:.0f} bpm, after {then:.0f}.", [told]


SURFACE = Surface(NAME, "a set with an arc of energy, and a true line before each block", answer)
