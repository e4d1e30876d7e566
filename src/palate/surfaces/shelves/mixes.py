"""Daily mixes: one for each cluster of what the listener plays, part of it theirs, part of it new and near."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, merge
from palate.core.clock import DAY_SECONDS
from palate.core.items import KINDS, Kind
from palate.embeddings.records import UserRecord
from palate.retrieval.filters import not_heard
from palate.retrieval.offers import nearest
from palate.retrieval.query import Query
from palate.surfaces.explain import _times
from palate.surfaces.shelves.clusters import centres_of, clusters
from palate.surfaces.shelves.draft import Draft, Drafting, Evidence, Told, says
from palate.surfaces.shelves.filling import LEAST_ITEMS, Filled

CLUSTERED = 300  # of the listener's tracks, those played most; 2,000 cut as these do and take ten times as long
OWN_SHARE = 0.6
LEAST_OWN = LEAST_ITEMS  # tracks of a cluster that has a mix
NAMED = 2  # artists or genres in a title
NEW_EACH = 100  # nearest to a centre that are looked at


@dataclass(frozen=True)
class Taste:
    """The clusters of one listener's tracks.

    rows    # (m,) int32, played most first
    labels  # (m,) int32, 0 the heaviest cluster
    centres # (clusters, dim - 1) float32
    """

    rows: NDArray[np.int32]
    labels: NDArray[np.int32]
    centres: NDArray[np.float32]

    @classmethod
    def of(cls, on: Drafting) -> "Taste":
        """From what the listener played, hid nothing of, and of which anything is known; empty for a stranger."""
        record, stock = on.query.record, on.stock
        inside = np.flatnonzero((record.heard > 0) & (record.items < stock.n_items))
        rows, weights = record.items[inside], record.weights[inside]
        wanted = (stock.columns.kind[rows] == KINDS.index(Kind.TRACK)) & ~np.isin(rows, record.hidden)
        wanted &= stock.directions[rows].any(axis=1) & (weights > 0)
        best = np.flatnonzero(wanted)
        best = best[np.lexsort((rows[best], -weights[best]))[:CLUSTERED]]
        rows, weights = rows[best], weights[best]
        labels = clusters(stock.directions[rows], weights)
        return cls(rows, labels, centres_of(stock.directions[rows], weights, labels))


def mixes(on: Drafting, n: int, by_now: Drafting | None = None) -> list[Filled]:
    """A mix for each cluster that is large enough, the heaviest first, n items in all at most.

    by_now: the same listener later, whose plays are counted in what is said; None for no later.
    """
    taste = Taste.of(on)
    large = [label for label in range(len(taste.centres)) if (taste.labels == label).sum() >= LEAST_OWN]
    large = large[: max(n // LEAST_ITEMS, 1)]
    used: set[str] = set()
    filled = []
    for place, label in enumerate(large):
        rows = taste.rows[taste.labels == label]
        told = _named(on, on if by_now is None else by_now, rows, used)
        used.update(one[one["type"]] for one in told.evidence if one["type"] in ("artist", "genre"))
        name = f"daily_mix:{place + 1}"
        own = on.draft(name, on.offered(rows), says(told))
        new = on.draft(name, _near(on, taste, label), says(told), (not_heard,))
        shown = _interleaved(own.candidates, new.candidates, min(n // len(large), on.most))
        retrieved = np.concatenate([own.retrieved, new.retrieved])
        draft = Draft(own.recipe, shown, says(told), own.removed + new.removed, retrieved)
        filled.append(Filled(draft, shown))
    return filled


def _near(on: Drafting, taste: Taste, label: int) -> Candidates:
    """The nearest tracks to a centre that are not nearer to another one."""
    stock = on.stock
    tracks = stock.columns.kind == KINDS.index(Kind.TRACK)
    query = replace(on.query, only=tracks if on.query.only is None else tracks & on.query.only)
    found = nearest(np.append(taste.centres[label], np.float32(0.0)), query, stock, NEW_EACH)[0]
    closest = np.argmax(stock.directions[found.items] @ taste.centres.T, axis=1) == label
    kept = replace(found, items=found.items[closest], scores=found.scores[closest], because=found.because[closest])
    return merge([("near_taste", kept)])


def _interleaved(own: Candidates, new: Candidates, n: int) -> Candidates:
    """OWN_SHARE of the n from `own`, the rest from `new`, evenly spread; the other where one of them has too few."""
    n_own = min(len(own), round(OWN_SHARE * n))
    n_new = min(len(new), n - n_own)
    n_own = min(len(own), n - n_new)
    places = [(place + 0.5) / max(n_own, 1) for place in range(n_own)]
    places += [(place + 0.5) / max(n_new, 1) for place in range(n_new)]
    together = _stacked(own.take(np.arange(n_own)), new.take(np.arange(n_new)))
    return together.take(np.argsort(np.array(places), kind="stable"))


def _stacked(one: Candidates, two: Candidates) -> Candidates:
    """Both behind one another; they share no item."""
    sources = (*one.sources, *(name for name in two.sources if name not in one.sources))

    def widened(part: Candidates) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        offered = np.full((len(part), len(sources)), np.nan, np.float32)
        because = np.full((len(part), len(sources)), -1, np.int32)
        columns = [sources.index(name) for name in part.sources]
        offered[:, columns], because[:, columns] = part.offered, part.because
        return offered, because

    (offers, causes), (more_offers, more_causes) = widened(one), widened(two)
    return Candidates(
        np.concatenate([one.items, two.items]), sources, np.concatenate([offers, more_offers]),
        np.concatenate([causes, more_causes]), np.concatenate([one.scores, two.scores]),
    )  # fmt: skip


def _named(on: Drafting, by_now: Drafting, rows: NDArray[np.int32], used: set[str]) -> Told:
    """A title of the artists played most in the cluster, else of its genres, else of its first track; how often each.

    used: artists and genres that another mix is called after.
    """
    columns = on.stock.columns
    for kind, codes, names in (("artist", columns.artist, columns.artists), ("genre", columns.genre, columns.genres)):
        here = _plays_by(on.query.record, codes, rows)
        ordered = np.argsort(-here, kind="stable").tolist()
        chosen = [code for code in ordered if here[code] > 0 and names[code] not in used][:NAMED]
        if chosen:
            plays = by_now.heard_by(codes)[0][chosen].tolist()
            told = _counted(by_now, kind, [names[code] for code in chosen], plays)
            called = [one[kind] for one in told]
            title = f"{', '.join(called)} and more" if (here > 0).sum() > len(chosen) else " and ".join(called)
            counts = " and ".join(f"{one[kind]} {_times(one['plays'])}" for one in told)
            return Told(title, f"You played {counts}.", told)
    listen, name = by_now.listen(int(rows[0])), on.label(int(rows[0]))
    return Told(f"{name} and more", f"You played {name} {_times(listen['plays'])}.", [listen])


def _plays_by(record: UserRecord, codes: NDArray[np.int32], rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """How often the listener played those of `rows` that carry each code, from 0 on."""
    place = np.searchsorted(record.items, rows)
    known = codes[rows] >= 0
    return np.bincount(codes[rows][known], record.heard[place][known]).astype(np.int64)


def _counted(on: Drafting, kind: str, names: list[str], plays: list[int]) -> list[Evidence]:
    heard = max(int(on.query.record.heard.sum()), 1)
    told: list[Evidence] = [{"type": kind, kind: name, "plays": n} for name, n in zip(names, plays, strict=True)]
    return [one | {"share": round(one["plays"] / heard, 3)} for one in told] if kind == "genre" else told


def of_the_day(query: Query) -> Query:
    """The same request as at the end of its day, so that scores do not move from hour to hour."""
    return replace(query, now=float(np.ceil(query.now / DAY_SECONDS) * DAY_SECONDS))
