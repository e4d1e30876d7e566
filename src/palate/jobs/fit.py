"""Fitting, as plain functions from a history to models: the Luigi tasks and the judge both call these."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.progress import progress
from palate.core.recording import recording
from palate.core.settings import Settings
from palate.embeddings.bulk import build_columns
from palate.embeddings.company import Company, fit_company
from palate.embeddings.encoder import Encoder, UserSettings
from palate.embeddings.folding import RecordColumns
from palate.embeddings.foundation import Foundation, FoundationSettings, fit_factors, fit_foundation, fit_lesson
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemSettings, recent_popularity
from palate.embeddings.teacher import TeacherSettings
from palate.jobs.importances import train_watched
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.ranking.examples import examples_at, with_popularity
from palate.ranking.ranker import Example, Ranker, RankerSettings
from palate.retrieval.stock import Stock
from palate.retrieval.trends import Trends
from palate.store.index import IndexSettings, VectorIndex
from palate.surfaces.screens.for_you import FOR_YOU

SAMPLED_TASTES = 256
LEAST_HISTORY_SECONDS = 28 * DAY_SECONDS  # before the first cut; with less there is nothing to rank by


@dataclass(frozen=True)
class FitSettings:
    """The settings of everything that is fitted."""

    items: ItemSettings = field(default_factory=ItemSettings)
    ranker: RankerSettings = field(default_factory=RankerSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    users: UserSettings = field(default_factory=UserSettings)

    @property
    def foundation(self) -> FoundationSettings:
        """Those of the item vectors and the encoder."""
        return FoundationSettings(self.items, self.teacher, self.users)

    @classmethod
    def read(cls, settings: Settings) -> "FitSettings":
        """From palate.toml's tables [items], [ranker], [index], [teacher] and [users]."""
        items, ranker = settings.section(ItemSettings), settings.section(RankerSettings)
        teacher, users = settings.section(TeacherSettings), settings.section(UserSettings)
        return cls(items, ranker, settings.section(IndexSettings), teacher, users)

    @classmethod
    def of(cls, told: dict[str, dict[str, Any]]) -> "FitSettings":
        """From what dataclasses.asdict made of them; BadInput when a Palate with other settings did."""
        try:
            items, ranker = ItemSettings(**told["items"]), RankerSettings(**told["ranker"])
            teacher, users = TeacherSettings(**told["teacher"]), UserSettings(**told["users"])
            return cls(items, ranker, IndexSettings(**told["index"]), teacher, users)
        except (KeyError, TypeError) as error:
            raise BadInput(f"its settings are those of another Palate ({error}); train again") from error


def fit_space(inputs: Inputs, company: Company, settings: FitSettings) -> Foundation:
    """Item vectors and encoder, one after another in memory: factorizations, the teacher's lists, the student."""
    models = fit_factors(inputs, settings.foundation)
    lesson = fit_lesson(inputs, models, company, settings.foundation)
    return fit_foundation(inputs, models, lesson, settings.foundation)


def encoded(
    blocks: Iterable[tuple[NDArray[np.int32], RecordColumns]], encoder: Encoder, listeners: ListenerColumns
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32], RecordColumns]]:
    """Each block's user rows, tastes and records: memory holds one block.

    listeners # attributes by the rows that `blocks` name, in home time
    """
    for users, records in blocks:
        told = listeners.take(users) if encoder.reads_attributes else None
        yield users, encoder.encode_columns(records, told), records


def stock_at(
    inputs: Inputs, space: Foundation, company: Company, moment: float, settings: FitSettings, label: str,
    tastes: NDArray[np.float32] | None = None,
) -> Stock:  # fmt: skip
    """What is known of the items at `moment`: given vectors and company, with trends and popularity as of then.

    tastes # (m, dim) of listeners, by which the index finds out how far it must look; None for mixtures of items
    """
    history = inputs.history.until(moment)
    popularity = recent_popularity(history, settings.items.popularity_half_life_days)
    current = with_popularity(space.vectors, popularity)
    index = VectorIndex.build(current, label, settings.index, tastes)
    trends, stranger = Trends.at(history, moment), space.encoder.stranger
    return Stock(label, inputs.columns, current, space.listened, index, company, trends, stranger, space.fold_in)


def some_tastes(inputs: Inputs, space: Foundation, seed: int = 0) -> NDArray[np.float32] | None:
    """(m, dim) tastes of up to SAMPLED_TASTES listeners, drawn; None where nobody has listened."""
    users = np.unique(inputs.history.user)
    if not len(users):
        return None
    users = np.sort(np.random.default_rng(seed).permutation(users)[:SAMPLED_TASTES])
    history = inputs.history.take(np.isin(inputs.history.user, users))
    blocks = encoded(build_columns(history, space.listened, inputs.columns.kind), space.encoder, inputs.listeners)
    return np.concatenate([tastes for _, tastes, _ in blocks])


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
        space = fit_space(past, fit_company(past.history, past.playlists), settings)
    # 400 queries a cut do not pay for lists: 75,000 items take 7 s to index and 2.5 ms to look at one by one.
    exact = replace(settings, index=replace(settings.index, exact_below=sys.maxsize))
    examples: list[Example] = []
    for number, moment in enumerate(progress(moments, "ranker examples")):
        known = inputs.until(moment)
        company = fit_company(known.history, known.playlists)
        stock = stock_at(known, space, company, moment, exact, f"cut {number}")
        seed = settings.ranker.seed + number
        examples += examples_at(
            inputs, moment, stock, space.encoder, FOR_YOU.quotas, settings.ranker.lists_per_cut, seed
        )
    return examples
