"""Fitting, as plain functions from a history to models: the Luigi tasks and the judge both call these."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.progress import progress
from palate.core.recording import recording
from palate.core.settings import Settings
from palate.embeddings.bulk import build_records
from palate.embeddings.company import Company, fit_company
from palate.embeddings.encoder import Encoder, UserSettings, fit_encoder
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel, ItemSettings, fit_items, recent_popularity
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.jobs.importances import train_watched
from palate.listening.history import History
from palate.ranking.examples import examples_at, with_popularity
from palate.ranking.ranker import Example, Ranker, RankerSettings
from palate.retrieval.stock import Stock
from palate.retrieval.trends import Trends
from palate.store.index import IndexSettings, VectorIndex
from palate.surfaces.for_you import FOR_YOU

ENCODER_LISTENERS = 100_000  # more teach the encoder nothing new; bounds its time
# What [users] was before it was a table; versions made then are made again with these, whatever the defaults are now.
OLD_USERS = {"ridge": 1e-4, "count_power": 0.5, "fade_speedup": 3.0, "confidence_factor": 1.0}
LEAST_HISTORY_SECONDS = 28 * DAY_SECONDS  # before the first cut; with less there is nothing to rank by
TEACHER_BLOCK = 8_192
ENCODE_BLOCK = 4_096


@dataclass(frozen=True)
class FitSettings:
    """The settings of everything that is fitted."""

    items: ItemSettings = field(default_factory=ItemSettings)
    ranker: RankerSettings = field(default_factory=RankerSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    users: UserSettings = field(default_factory=UserSettings)

    @classmethod
    def read(cls, settings: Settings) -> "FitSettings":
        """From palate.toml's tables [items], [ranker], [index] and [users]."""
        items, ranker = settings.section(ItemSettings), settings.section(RankerSettings)
        return cls(items, ranker, settings.section(IndexSettings), settings.section(UserSettings))

    @classmethod
    def of(cls, told: dict[str, dict[str, Any]]) -> "FitSettings":
        """From what dataclasses.asdict made of them; spaces before 0.2 do not tell [users], which were the defaults."""
        users = UserSettings(**told.get("users", OLD_USERS))
        items, ranker = ItemSettings(**told["items"]), RankerSettings(**told["ranker"])
        return cls(items, ranker, IndexSettings(**told["index"]), users)


def fit_user_encoder(inputs: Inputs, model: ItemModel, seed: int, settings: UserSettings) -> Encoder:
    """Learns the encoder from each listener's record and exact fold-in."""
    users = np.unique(inputs.history.user).astype(np.int32)
    if not len(users):
        return Encoder.plain(model.vectors.shape[1], model.settings.popularity_share)
    if len(users) > ENCODER_LISTENERS:
        users = np.sort(np.random.default_rng(seed).choice(users, ENCODER_LISTENERS, replace=False))

    def batches() -> Iterator[tuple[list[UserRecord], NDArray[np.float32]]]:
        for start in progress(range(0, len(users), TEACHER_BLOCK), "user encoder"):
            block = users[start : start + TEACHER_BLOCK]
            records = dict(build_records(inputs.history, model.vectors, inputs.columns.kind, block))
            known = np.array(sorted(records), np.int32)
            if len(known):
                yield [records[user] for user in known], model.fold_in(inputs.history, known, settings)

    return fit_encoder(batches(), model.vectors.shape[1], settings)


def encoded(records: Iterable[tuple[int, UserRecord]], encoder: Encoder) -> Iterator[tuple[int, UserState]]:
    """Each listener's state, in the order given, encoded a block at a time: memory holds one block of records."""
    remaining = iter(records)
    while block := list(islice(remaining, ENCODE_BLOCK)):
        tastes = encoder.encode([record for _, record in block])
        for (user, record), taste in zip(block, tastes, strict=True):
            yield user, UserState(taste, record)


def stock_at(
    inputs: Inputs, vectors: NDArray[np.float32], company: Company, moment: float, settings: FitSettings, label: str
) -> Stock:
    """What is known of the items at `moment`: given vectors and company, with trends and popularity as of then."""
    history = inputs.history.until(moment)
    popularity = recent_popularity(history, settings.items.popularity_half_life_days)
    current = with_popularity(vectors, popularity)
    index = VectorIndex.build(current, label, settings.index)
    return Stock(label, inputs.columns, current, index, company, Trends.at(history, moment))


def cuts(history: History, settings: RankerSettings) -> list[float]:
    """Moments a week apart whose following week lies in the history, earliest first, enough history before each."""
    weeks = (history.end - (np.arange(settings.cuts) + 1) * 7 * DAY_SECONDS).tolist()
    first = float(history.timestamp[0]) if len(history) else 0.0
    return sorted(moment for moment in weeks if moment - first >= LEAST_HISTORY_SECONDS)


def fit_ranker(inputs: Inputs, settings: FitSettings) -> Ranker:
    """Trains the ranker on past weeks, with item vectors and encoder learnt before the first of them."""
    return train_watched(ranker_examples(inputs, settings), settings.ranker)


def ranker_examples(inputs: Inputs, settings: FitSettings) -> list[Example]:
    """What the ranker learns from; none when the history is too short."""
    moments = cuts(inputs.history, settings.ranker)
    if not moments:
        return []
    past = inputs.until(moments[0])
    with recording(None):  # these are not the models that the run is about
        model = fit_items(past.history, past.playlists, past.columns, settings.items)
        encoder = fit_user_encoder(past, model, settings.items.seed, settings.users)
    # 400 queries a cut do not pay for lists: 75,000 items take 7 s to index and 2.5 ms to look at one by one.
    exact = replace(settings, index=replace(settings.index, exact_below=sys.maxsize))
    examples: list[Example] = []
    for number, moment in enumerate(progress(moments, "ranker examples")):
        known = inputs.until(moment)
        company = fit_company(known.history, known.playlists)
        stock = stock_at(known, model.vectors, company, moment, exact, f"cut {number}")
        seed = settings.ranker.seed + number
        examples += examples_at(
            inputs.history, moment, stock, encoder, FOR_YOU.quotas, settings.ranker.lists_per_cut, seed
        )
    return examples
