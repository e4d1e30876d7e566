"""From ranked candidates to evidence that can be checked and one sentence each, made from that evidence alone.

The source is the most telling retriever that offered the item. No sentence says more than its evidence does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.clock import DAY_SECONDS
from palate.core.items import Item
from palate.core.slate import SlateItem
from palate.ranking.arrange import EXPLORATION
from palate.retrieval.crowds import DAYS as CROWD_DAYS
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

Evidence = dict[str, Any]
Because = tuple[list[Evidence], str]  # what can be checked, and the sentence

LEAST_COSINE = 0.3  # below it, "close to" an item would be said of what is not
KEPT_LABELS = 20_000  # reading an item from the store takes 8 microseconds; a popular one is read for every answer


class Labels(Protocol):
    """Where a row's item comes from: store.items.ItemStore, or anything that can say it."""

    def get(self, row: int) -> Item:
        """The item at a catalogue row."""
        ...


class KeptLabels:
    """The same labels, those of late kept in memory."""

    def __init__(self, labels: Labels) -> None:
        self.get = lru_cache(KEPT_LABELS)(labels.get)


def explain(candidates: Candidates, query: Query, stock: Stock, labels: Labels) -> list[SlateItem]:
    """One SlateItem per candidate, in order."""
    if not len(candidates):
        return []
    column = np.argmax(~np.isnan(candidates.offered), axis=1)
    anchors = candidates.because[np.arange(len(candidates)), column]
    names = [candidates.sources[c] for c in column.tolist()]
    near = np.flatnonzero([name == "near_taste" for name in names])
    anchors[near] = _closest_listens(candidates.items[near], query, stock)
    reasons = _Reasons(query, stock, labels, _listens(query), _chances(candidates))
    return [
        reasons.slate_item(row, score, name, anchor)
        for row, score, name, anchor in zip(
            candidates.items.tolist(), candidates.scores.tolist(), names, anchors.tolist(), strict=True
        )
    ]


def _closest_listens(rows: NDArray[np.int32], query: Query, stock: Stock) -> NDArray[np.int32]:
    """For each row the played item whose direction is closest, other than itself; -1 when there is none."""
    played = query.record.items[(query.record.plays > 0) & (query.record.items < stock.n_items)]
    if not len(played) or not len(rows):
        return np.full(len(rows), -1, np.int32)
    alike = stock.directions[rows] @ stock.directions[played].T
    alike[rows[:, None] == played[None, :]] = -2.0
    best = np.argmax(alike, axis=1)
    return np.where(alike[np.arange(len(rows)), best] > -2.0, played[best], -1).astype(np.int32)


def _listens(query: Query) -> dict[int, tuple[int, float]]:
    """Plays and days since the latest of them, by item row, of everything the listener played to some length."""
    record = query.record
    days = np.maximum(query.now - record.heard_last, 0.0) / DAY_SECONDS
    told = zip(record.items.tolist(), record.heard.tolist(), days.tolist(), strict=True)
    return {row: (plays, round(ago, 2)) for row, plays, ago in told if plays > 0}  # to a quarter of an hour


def _chances(candidates: Candidates) -> dict[int, float]:
    """With which probability each row that chance drew was drawn."""
    if EXPLORATION not in candidates.sources:
        return {}
    chance = candidates.offered[:, candidates.sources.index(EXPLORATION)]
    drawn = np.flatnonzero(~np.isnan(chance))
    return dict(zip(candidates.items[drawn].tolist(), chance[drawn].tolist(), strict=True))


@dataclass(frozen=True)
class _Reasons:
    """Puts one candidate after another into words."""

    query: Query
    stock: Stock
    labels: Labels
    listens: dict[int, tuple[int, float]]
    chances: dict[int, float]

    def slate_item(self, row: int, score: float, source: str, anchor: int) -> SlateItem:
        evidence, reason = self._BY_SOURCE.get(source, _Reasons.otherwise)(self, row, anchor)
        item = self.labels.get(row)
        return SlateItem(
            item_id=item.item_id, kind=item.kind.value, score=score, source=source, reason=reason, evidence=evidence,
            title=item.title, artists=item.artists,
        )  # fmt: skip

    def again(self, row: int, anchor: int) -> Because:
        if row not in self.listens:
            return [{"type": "choice", "item_id": self.labels.get(row).item_id}], "You saved this or chose it."
        listen = self._listen(row)
        last = "last " if listen["plays"] > 1 else ""
        return [listen], f"You played this {_times(listen['plays'])}, {last}{_ago(listen['days_ago'])}."

    def due(self, row: int, anchor: int) -> Because:
        if row not in self.listens or self.listens[row][1] < 2:
            return self.again(row, anchor)
        listen = self._listen(row)
        return [listen], f"You played this {_times(listen['plays'])}, and not for {_days(listen['days_ago'])}."

    def company(self, row: int, anchor: int) -> Because:
        return self._together(row, anchor) or self.near(row, anchor)

    def sequence(self, row: int, anchor: int) -> Because:
        return self._together(row, anchor, when=True) or self.near(row, anchor)

    def interests(self, row: int, anchor: int) -> Because:
        return self._close(row, anchor, "Near one of your interests: close to") or self.near(row, -1)

    def near(self, row: int, anchor: int) -> Because:
        close = self._close(row, anchor, "Close to")
        if close is not None:
            return close
        score = round(float(self.stock.vectors[row] @ self.query.taste), 3)
        told = self.query.stranger
        why = "Liked by listeners who told the same of themselves." if told else "Close to your taste."
        return [{"type": "taste", "score": score}], why

    def new(self, row: int, anchor: int) -> Because:
        trends, plays = self.stock.trends, int(self.stock.trends.ever[row])
        if not plays:
            return [{"type": "new", "plays": 0, "days": None}], "Nobody here has heard it yet."
        days = round(max(self.query.now - float(trends.first_heard[row]), 0.0) / DAY_SECONDS, 2)
        evidence: Evidence = {"type": "new", "plays": plays, "days": days}
        return [evidence], f"First heard here {_ago(days)}, {_times(plays)} so far."

    def popular(self, row: int, anchor: int) -> Because:
        week, ever = int(self.stock.trends.week[row]), int(self.stock.trends.ever[row])
        if week:
            return [{"type": "popular", "plays": week, "days": 7}], f"Played {_times(week)} here in a week."
        return [{"type": "popular", "plays": ever, "days": None}], f"Played {_times(ever)} here."

    def rising(self, row: int, anchor: int) -> Because:
        week, month = int(self.stock.trends.week[row]), int(self.stock.trends.month[row])
        if not week:
            return self.popular(row, anchor)
        return [{"type": "rising", "week": week, "month": month}], (
            f"Played {_times(week)} here in a week, and {_times(month)} in four weeks."
        )

    def country(self, row: int, anchor: int) -> Because:
        crowds, name = self.stock.crowds, self.query.country
        place = None if crowds is None else crowds.country(name)
        if crowds is None or place is None:
            return self.otherwise(row, anchor)
        plays = _in_list(crowds.country_items[place], crowds.country_plays[place], row)
        evidence: Evidence = {"type": "cohort", "country": name, "plays": plays, "days": CROWD_DAYS}
        return [evidence], f"Played {_times(plays)} in {name} in four weeks."

    def circle(self, row: int, anchor: int) -> Because:
        crowds = self.stock.crowds
        place = None if crowds is None else crowds.circle(self.stock.direction_of(self.query.taste))
        if crowds is None or place is None:
            return self.otherwise(row, anchor)
        items = crowds.circle_items[place]
        listeners = _in_list(items, crowds.circle_listeners[place], row)
        plays = _in_list(items, crowds.circle_plays[place], row)
        evidence: Evidence = {"type": "circle", "listeners": listeners, "plays": plays, "days": CROWD_DAYS}
        told = f"Heard by {listeners:,} listeners whose taste is like yours, {_times(plays)} in four weeks."
        return [evidence], told

    def exploration(self, row: int, anchor: int) -> Because:
        plays = int(self.stock.trends.ever[row])
        evidence = {"type": "exploration", "plays": plays, "propensity": round(self.chances[row], 4)}
        told = f"Played only {_times(plays)} here" if plays else "Nobody here has heard it yet"
        return [evidence], f"{told}: shown to find out whether you like it."

    def otherwise(self, row: int, anchor: int) -> Because:
        """What is true of the item whoever offered it: for sources that are not named below."""
        if row in self.listens:
            return self.again(row, anchor)
        led = self._together(row, anchor) or self._close(row, anchor, "Close to") or self._artist(row)
        if led is not None:
            return led
        return self.popular(row, anchor) if self.stock.trends.ever[row] else self.new(row, anchor)

    _BY_SOURCE: ClassVar[dict[str, Callable[["_Reasons", int, int], Because]]] = {
        "again": again, "due": due, "sequence": sequence, "company": company, "company_of_seeds": company,
        "company_of_list": company, "interests": interests, "near_taste": near, "near_seeds": near, "near_list": near,
        "circle": circle, "rising": rising, "new": new, "country": country, "popular": popular,
        "exploration": exploration,
    }  # fmt: skip

    def _together(self, row: int, anchor: int, when: bool = False) -> Because | None:
        """Sittings and playlists that hold both; None when the anchor has no such company."""
        company = self.stock.company.items[anchor].tolist() if anchor >= 0 else []
        if row not in company:
            return None
        together, name = int(self.stock.company.together[anchor, company.index(row)]), self.labels.get(anchor)
        evidence: Evidence = {"type": "together", "item_id": name.item_id, "groups": together}
        groups = "sitting or playlist" if together == 1 else "sittings or playlists"
        return self._with_listen(evidence, f"Together with {name.label} in {together:,} {groups}", anchor, when)

    def _close(self, row: int, anchor: int, words: str) -> Because | None:
        """How near the two directions are; None when they are not near enough to say so."""
        cosine = -1.0 if anchor < 0 else float(self.stock.directions[anchor] @ self.stock.directions[row])
        if cosine < LEAST_COSINE:
            return None
        name = self.labels.get(anchor)
        evidence: Evidence = {"type": "similar", "item_id": name.item_id, "cosine": round(cosine, 3)}
        return self._with_listen(evidence, f"{words} {name.label}", anchor)

    def _artist(self, row: int) -> Because | None:
        """How often the listener played the item's first artist; None for never, or when there is none."""
        columns = self.stock.columns
        code = columns.artist[row]
        played = {other: plays for other, (plays, _) in self.listens.items() if other < self.stock.n_items}
        plays = sum(plays for other, plays in played.items() if columns.artist[other] == code)
        if code < 0 or not plays:
            return None
        name = columns.artists[code]
        return [{"type": "artist", "artist": name, "plays": plays}], f"By {name}, whom you played {_times(plays)}."

    def _listen(self, row: int) -> Evidence:
        plays, days = self.listens[row]
        return {"type": "listen", "item_id": self.labels.get(row).item_id, "plays": plays, "days_ago": days}

    def _with_listen(self, evidence: Evidence, sentence: str, anchor: int, when: bool = False) -> Because:
        """Adds how often the listener played the anchor, if they did; with `when` also when last."""
        if anchor not in self.listens:
            return [evidence], sentence + "."
        listen = self._listen(anchor)
        last = "" if not when else f", {'last ' if listen['plays'] > 1 else ''}{_ago(listen['days_ago'])}"
        return [evidence, listen], f"{sentence}, which you played {_times(listen['plays'])}{last}."


def _in_list(items: NDArray[np.int32], counts: NDArray[np.int32], row: int) -> int:
    """The count beside the item in a crowd's list, which holds it."""
    return int(counts[np.flatnonzero(items == row)[0]])


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def _ago(days: float) -> str:
    if days < 1:
        return "today"
    if days < 2:
        return "yesterday"
    return f"{_days(days)} ago"


def _days(days: float) -> str:
    """From two days on."""
    return f"{int(days):,} days" if days < 61 else f"{int(days / 30.4):,} months"
