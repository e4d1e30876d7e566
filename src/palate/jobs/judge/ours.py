"""Palate's own methods, as the judge sees them: what the surfaces would have answered at a moment of the past.

Every moment trains again from scratch on what was known before it: item vectors, encoder, company, ranker. Listeners'
records are made when somebody asks, from what is known of them then.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates, Offer, merge
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder
from palate.embeddings.inputs import Inputs
from palate.embeddings.records import UserRecord
from palate.jobs.fit import FitSettings, fit_ranker, fit_space, stock_at
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.retrieval.query import Query
from palate.retrieval.retrievers import RETRIEVERS
from palate.surfaces.path import Recipe, RequestPath
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.screens.radio import RADIO
from palate.surfaces.screens.similar import SIMILAR

AMONG = 300  # candidates when a task allows only some items
SEEDS = 50  # of a playlist, the latest; the radio's company fades with each
PALATE = "palate"  # `kind` of the methods here, for the report


class NoLabels:
    """In the place of titles: nothing that is judged is put into words."""

    def get(self, row: int) -> Any:
        """LookupError, always."""
        raise LookupError(f"row {row}: the judge ranks, it does not explain")


@dataclass(frozen=True)
class Trained:
    """The models of one moment: every answer comes from these."""

    path: RequestPath
    encoder: Encoder
    kinds: NDArray[np.uint8]
    vectors: NDArray[np.float32]


def fit_all(known: Inputs, at: float, seed: int, settings: FitSettings) -> Trained:
    """Fits every model on `known` alone; `seed` is that of the item vectors, where chance begins."""
    settings = replace(settings, items=replace(settings.items, seed=seed))
    company = fit_company(known.history, known.playlists)
    space = fit_space(known, company, settings)
    stock = stock_at(known, space, company, at, settings, "judged")
    path = RequestPath(stock, fit_ranker(known, settings), NoLabels())
    return Trained(path, space.encoder, known.columns.kind, stock.vectors)


@dataclass
class Workshop:
    """Gives the models of one moment to every method that asks for them, fitted once."""

    train: Callable[[Inputs, float, int], Trained]
    seed: int = 0
    _known: Inputs | None = field(default=None, repr=False)
    _trained: Trained | None = field(default=None, repr=False)
    _others: "dict[int, Workshop]" = field(default_factory=dict, repr=False)

    def models(self, known: Inputs, at: float) -> Trained:
        """What `train` gives; kept until something else is known."""
        if self._trained is None or self._known is not known:
            self._known, self._trained = known, self.train(known, at, self.seed)
        return self._trained

    def seeded(self, seed: int) -> "Workshop":
        """The workshop with another seed; always the same one for the same seed."""
        if seed == self.seed:
            return self
        return self._others.setdefault(seed, Workshop(self.train, seed))


@dataclass(frozen=True)
class Listeners:
    """What is known of the listeners, each at the moment when they are asked."""

    history: History
    at: NDArray[np.float64]
    told: ListenerColumns

    @classmethod
    def of(cls, known: Inputs, at: float) -> "Listeners":
        """Everybody asked at one moment."""
        return cls(known.history, np.full(len(known.history.users), at), known.listeners)

    def described(self, told: ListenerColumns, trained: Trained) -> "Listeners":
        """With other attributes; itself when the encoder reads none, so that nobody asks for what cannot differ."""
        return replace(self, told=told) if trained.encoder.reads_attributes else self

    def queries(self, users: NDArray[np.int32], trained: Trained) -> Iterator[tuple[int, Query]]:
        """(place in `users`, query) for each; of a stranger the record is empty."""
        wanted = np.zeros(len(self.history.users), np.bool_)
        wanted[users] = True
        mine = self.history.take(wanted[self.history.user])
        records = dict(build_records(mine, trained.path.stock.listened, trained.kinds, np.unique(users)))
        empty = UserRecord.empty(trained.encoder.dim)
        for place, user in enumerate(users.tolist()):
            record, at = records.get(user, empty), float(self.at[user])
            told = self.told.take([user]) if trained.encoder.reads_attributes else None
            yield place, Query(record, trained.encoder.encode([record], told, at)[0], at)


@dataclass(frozen=True)
class ForYou:
    """Palate's request path: for_you for a listener, radio for a playlist, similar for an item."""

    workshop: Workshop
    name: str = "for_you"
    kind: str = PALATE
    everywhere: bool = False

    def seeded(self, seed: int) -> "ForYou":
        return replace(self, workshop=self.workshop.seeded(seed))

    def fit(self, known: Inputs, at: float) -> "FittedForYou":
        return FittedForYou(self.workshop.models(known, at), Listeners.of(known, at))


@dataclass(frozen=True)
class FittedForYou:
    """The surfaces, as they would have answered at one moment."""

    trained: Trained
    listeners: Listeners

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        recipe = FOR_YOU_UNHEARD if exclude_heard else FOR_YOU
        out = np.full((len(users), n), -1, np.int32)
        for place, query in self.listeners.queries(users, self.trained):
            found = self._among(recipe, query, n, only) if only is not None else self._ranked(recipe, query, n)
            out[place, : len(found)] = found.items
        return out

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "FittedForYou":
        return replace(self, listeners=replace(self.listeners, history=known, at=at))

    def described(self, listeners: ListenerColumns) -> "FittedForYou":
        changed = self.listeners.described(listeners, self.trained)
        return self if changed is self.listeners else replace(self, listeners=changed)

    def continued(
        self, lists: Sequence[NDArray[np.int32]], n: int, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        out = np.full((len(lists), n), -1, np.int32)
        stranger = UserRecord.empty(self.trained.encoder.dim)
        taste = self.trained.encoder.encode([stranger])[0]
        for place, items in enumerate(lists):
            query = Query(stranger, taste, float(self.trained.path.stock.trends.moment), items[::-1][:SEEDS], items)
            found = self._ranked(RADIO, query, n).items
            found = found if only is None else found[only[found]]
            out[place, : len(found)] = found
        return out

    def similar(self, items: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        out = np.full((len(items), n), -1, np.int32)
        stranger = UserRecord.empty(self.trained.encoder.dim)
        taste = self.trained.encoder.encode([stranger])[0]
        for place, item in enumerate(items.tolist()):
            seed = np.array([item], np.int32)
            found = self._ranked(SIMILAR, Query(stranger, taste, 0.0, seed, seed), n).items
            out[place, : len(found)] = found
        return out

    def _ranked(self, recipe: Recipe, query: Query, n: int) -> Candidates:
        return self.trained.path.rank(recipe, query, n).candidates

    def _among(self, recipe: Recipe, query: Query, n: int, only: NDArray[np.bool_]) -> Candidates:
        """The path with `only` as the whole catalogue: its nearest to the taste, scored and spread as ever."""
        stock, ranker = self.trained.path.stock, self.trained.path.ranker
        allowed = only & stock.columns.available & _unheard(query, stock.n_items, recipe is FOR_YOU_UNHEARD)
        rows, scores = stock.index.nearest(query.taste, max(AMONG, n), allowed=allowed)
        found = rows[0] >= 0
        near = Offer.of(rows[0][found], scores[0][found])
        offers = [
            (name, near if name == "near_taste" else Offer.none()) for name in RETRIEVERS if name in recipe.quotas
        ]
        candidates = merge(offers)
        scored = replace(candidates, scores=recipe.score(candidates, query, stock, ranker))
        return self.trained.path.arranged(recipe, scored, query, n)[0]


@dataclass(frozen=True)
class Taste:
    """The taste alone, one vector a listener: a dot product with every item's vector, and nothing else."""

    workshop: Workshop
    name: str = "taste (one vector)"
    kind: str = PALATE
    everywhere: bool = False

    def seeded(self, seed: int) -> "Taste":
        return replace(self, workshop=self.workshop.seeded(seed))

    def fit(self, known: Inputs, at: float) -> "FittedTaste":
        return FittedTaste(self.workshop.models(known, at), Listeners.of(known, at))


@dataclass(frozen=True)
class FittedTaste:
    """The nearest items to each taste, at one moment: what other teams would get from the space."""

    trained: Trained
    listeners: Listeners

    def recommend(
        self, users: NDArray[np.int32], n: int, exclude_heard: bool, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        n_items = self.trained.path.stock.n_items
        out = np.full((len(users), n), -1, np.int32)
        for place, query in self.listeners.queries(users, self.trained):
            allowed = _unheard(query, n_items, exclude_heard)
            out[place] = self._nearest(query.taste, n, allowed if only is None else allowed & only)
        return out

    def refreshed(self, known: History, at: NDArray[np.float64]) -> "FittedTaste":
        return replace(self, listeners=replace(self.listeners, history=known, at=at))

    def described(self, listeners: ListenerColumns) -> "FittedTaste":
        changed = self.listeners.described(listeners, self.trained)
        return self if changed is self.listeners else replace(self, listeners=changed)

    def vectors(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        out = np.zeros((len(users), self.trained.encoder.dim), np.float32)
        for place, query in self.listeners.queries(users, self.trained):
            if not query.stranger:
                out[place] = query.taste
        return out

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        return self.trained.vectors

    def continued(
        self, lists: Sequence[NDArray[np.int32]], n: int, only: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """A playlist is taken for a listener who heard each of its items once, at one moment."""
        records, listened = [], self.trained.path.stock.listened
        for items in lists:
            record = UserRecord.empty(self.trained.encoder.dim)
            for item in items.tolist():
                record.add(item, int(self.trained.kinds[item]), listened[item], 0.0, 1.0, False)
            records.append(record)
        out = np.full((len(lists), n), -1, np.int32)
        for place, taste in enumerate(self.trained.encoder.encode(records) if records else ()):
            allowed = np.ones(len(self.trained.kinds), np.bool_) if only is None else only.copy()
            allowed[lists[place]] = False
            out[place] = self._nearest(taste, n, allowed)
        return out

    def similar(self, items: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        """By cosine, popularity left out."""
        directions = self.trained.path.stock.directions
        out = np.full((len(items), n), -1, np.int32)
        for place, item in enumerate(items.tolist()):
            alike = directions @ directions[item]
            alike[item] = -np.inf
            order = np.lexsort((np.arange(len(alike)), -alike))[:n]
            order = order[alike[order] > 0]
            out[place, : len(order)] = order
        return out

    def _nearest(self, taste: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> NDArray[np.int32]:
        rows, _ = self.trained.path.stock.index.nearest(taste, n, allowed=allowed)
        return np.asarray(rows[0], np.int32)


def _unheard(query: Query, n_items: int, exclude_heard: bool) -> NDArray[np.bool_]:
    """(n_items,) True where the task allows an item for this listener."""
    allowed = np.ones(n_items, np.bool_)
    if exclude_heard:
        allowed[query.record.items[query.record.heard > 0]] = False
    return allowed
