"""From a ranked candidate to evidence that can be checked and one sentence made from it alone.

The source is the most telling retriever that offered the item. No sentence says more than its evidence does.
"""

from typing import Any, Protocol

import numpy as np

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.core.items import Item
from palate.core.slate import SlateItem
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

Evidence = dict[str, Any]


class Labels(Protocol):
    """Where a row's item comes from: store.items.ItemStore, or anything that can say it."""

    def get(self, row: int) -> Item:
        """The item at a catalogue row."""
        ...


def explain(candidates: Candidates, query: Query, stock: Stock, labels: Labels) -> list[SlateItem]:
    """One SlateItem per candidate, in order."""
    return [_explained(position, candidates, query, stock, labels) for position in range(len(candidates))]


def _explained(position: int, candidates: Candidates, query: Query, stock: Stock, labels: Labels) -> SlateItem:
    row, source = int(candidates.items[position]), candidates.source(position)
    anchor = int(candidates.because[position, candidates.sources.index(source)])
    if source == "near_taste":
        anchor = _closest_listen(row, query, stock)
    evidence, reason = _because(source, row, anchor, query, stock, labels)
    item = labels.get(row)
    return SlateItem(
        item_id=str(item.item_id), kind=item.kind.value, score=float(candidates.scores[position]), source=source,
        reason=reason, evidence=evidence, title=item.title, artists=item.artists,
    )  # fmt: skip


def _closest_listen(row: int, query: Query, stock: Stock) -> int:
    """The played item whose direction is closest to `row`'s, other than itself; -1 when there is none."""
    played = query.record.items[(query.record.plays > 0) & (query.record.items < stock.n_items)]
    played = played[played != row]
    if not len(played):
        return -1
    return int(played[np.argmax(stock.directions[played] @ stock.directions[row])])


def _because(
    source: str, row: int, anchor: int, query: Query, stock: Stock, labels: Labels
) -> tuple[list[Evidence], str]:
    if source == "again":
        listen = _listen(row, query, labels)
        return [listen], f"You played this {_times(listen['plays'])}, last {_ago(listen['days_ago'])}."
    if source in ("company", "company_of_seeds"):
        place = int(np.flatnonzero(stock.company.items[anchor] == row)[0])
        together = int(stock.company.together[anchor, place])
        name = labels.get(anchor)
        pair: Evidence = {"type": "together", "item_id": str(name.item_id), "groups": together}
        start = f"Heard together with {name.label} in {together} sitting{'s' * (together != 1)} or playlists"
        return _with_listen(pair, start, anchor, query, labels)
    if source in ("near_taste", "near_seeds") and anchor >= 0:
        name = labels.get(anchor)
        cosine = round(float(stock.directions[anchor] @ stock.directions[row]), 3)
        close: Evidence = {"type": "similar", "item_id": str(name.item_id), "cosine": cosine}
        return _with_listen(close, f"Keeps similar company to {name.label}", anchor, query, labels)
    if source == "near_taste":
        score = round(float(stock.vectors[row] @ query.taste), 3)
        return [{"type": "taste", "score": score}], "Close to your taste."
    if source == "new":
        return _new(row, stock)
    plays = int(stock.trends.week[row])
    if plays:
        return [{"type": "popular", "plays": plays, "days": 7}], f"Played {_times(plays)} here in the last 7 days."
    ever = int(stock.trends.ever[row])
    return [{"type": "popular", "plays": ever, "days": None}], f"Played {_times(ever)} here."


def _with_listen(
    evidence: Evidence, sentence: str, anchor: int, query: Query, labels: Labels
) -> tuple[list[Evidence], str]:
    """Adds how often the listener played the anchor, if they did."""
    listen = _listen(anchor, query, labels)
    if not listen["plays"]:
        return [evidence], sentence + "."
    return [evidence, listen], f"{sentence}, which you played {_times(listen['plays'])}."


def _listen(row: int, query: Query, labels: Labels) -> Evidence:
    record = query.record
    place = int(np.searchsorted(record.items, row))
    known = place < len(record.items) and record.items[place] == row
    plays = int(record.plays[place]) if known else 0
    days = round(max(query.now - float(record.last[place]), 0.0) / DAY_SECONDS, 2) if known else None
    return {"type": "listen", "item_id": str(labels.get(row).item_id), "plays": plays, "days_ago": days}


def _new(row: int, stock: Stock) -> tuple[list[Evidence], str]:
    plays = int(stock.trends.ever[row])
    evidence: Evidence = {"type": "new", "plays": plays}
    if not plays:
        return [evidence], "New in the catalogue: nobody here has played it yet."
    return [evidence], f"New here: first played within the last two months, {_times(plays)} so far."


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def _ago(days: float) -> str:
    if days < 1:
        return "today"
    if days < 2:
        return "yesterday"
    return f"{int(days):,} days ago" if days < 60 else f"{int(days / 30.4):,} months ago"
