"""What the ranker learns from: lists that would have been ranked in the past, and what was heard next.

At each cut everything is as it was then: records, trends, company and popularity are recomputed from the listens before
it, and the item vectors were learnt before the first cut. Only the labels come from the week after.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.embeddings.bulk import build_records
from palate.embeddings.encoder import Encoder
from palate.embeddings.inputs import Inputs
from palate.ranking.actions import ACTED, acted
from palate.ranking.features import features
from palate.ranking.ranker import Example
from palate.retrieval.query import Query
from palate.retrieval.retrieve import retrieve
from palate.retrieval.stock import Stock

HORIZON_SECONDS = 7 * DAY_SECONDS


def examples_at(
    inputs: Inputs,
    cut: float,
    stock: Stock,
    encoder: Encoder,
    quotas: Mapping[str, int],
    most_lists: int,
    seed: int,
) -> Iterator[Example]:
    """One Example per listener with something heard in the week after `cut` and anything before it.

    stock: what was known of the items at `cut`. At most `most_lists` listeners, drawn with `seed`.
    """
    history = inputs.history
    known, following = history.until(cut), history.between(cut, cut + HORIZON_SECONDS)
    users = np.intersect1d(following.heard().user, known.user).astype(np.int32)
    if len(users) > most_lists:
        users = np.sort(np.random.default_rng(seed).choice(users, most_lists, replace=False))
    by_user = np.argsort(following.user, kind="stable")
    bounds, skipped = np.searchsorted(following.user[by_user], np.arange(len(history.users) + 1)), following.skipped()
    for user, record in build_records(known, stock.listened, stock.columns.kind, users):
        told = inputs.listeners.take([user]) if encoder.reads_attributes else None
        query = Query(record, encoder.encode([record], told)[0], cut)
        candidates = retrieve(quotas, query, stock)
        theirs = by_user[bounds[user] : bounds[user + 1]]
        done = acted(following.take(theirs), skipped[theirs], candidates.items)
        labels = done[:, ACTED.index("heard")].astype(np.float32)
        yield Example(features(candidates, query, stock), labels, done)


def with_popularity(vectors: NDArray[np.float32], popularity: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same item vectors with another moment's popularity in the last coordinate."""
    changed = vectors.copy()
    changed[:, -1] = popularity
    return changed
