"""What countries and circles of listeners hear, made beside a space when it is published."""

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.bulk import build_columns
from palate.embeddings.encoder import Encoder
from palate.embeddings.inputs import Inputs
from palate.embeddings.statics import COUNTRY
from palate.jobs.fit import encoded
from palate.retrieval.crowds import Crowds
from palate.retrieval.stock import Stock

MOST_LISTENERS = 100_000  # drawn, to make circles of: more would not move their centres


def crowds_at(inputs: Inputs, encoder: Encoder, stock: Stock, moment: float, seed: int = 0) -> Crowds:
    """The crowds of what was known before `moment`; circles are of at most MOST_LISTENERS, counts too."""
    history, users = inputs.history.until(moment), inputs.history.users
    rows = np.unique(history.user)
    if len(rows) > MOST_LISTENERS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_LISTENERS, replace=False))
        history = history.take(np.isin(history.user, rows))
    directions: NDArray[np.float32] = np.zeros((len(users), stock.vectors.shape[1] - 1), np.float32)
    blocks = encoded(build_columns(history, stock.listened, stock.columns.kind), encoder, inputs.listeners)
    for block, tastes, _ in blocks:
        directions[block] = np.array([stock.direction_of(taste) for taste in tastes], np.float32)
    countries = inputs.listeners.values.get(COUNTRY, [None] * len(users))
    return Crowds.at(history, moment, directions, countries, seed)
