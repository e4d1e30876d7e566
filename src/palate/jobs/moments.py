"""A published space at another moment than that of its training: its models as they are, trends and popularity of then.

`palate recommend --at` and the comparison of two versions both answer from this.
"""

from dataclasses import replace

import numpy as np

from palate.embeddings.items import recent_popularity
from palate.embeddings.space import Space
from palate.listening.history import History
from palate.ranking.examples import with_popularity
from palate.retrieval.stock import Stock
from palate.retrieval.trends import Trends
from palate.store.index import IndexSettings, VectorIndex
from palate.surfaces.live import open_stock


def items_of(space: Space) -> int:
    """How many items of the catalogue the space knows: the first ones."""
    return int(space.manifest["items"])


def known_to(space: Space, history: History) -> History:
    """The listens of items that the space knows, and no other items."""
    n_items = items_of(space)
    return replace(history.take(np.flatnonzero(history.item < n_items)), n_items=n_items)


def stock_then(space: Space, history: History, at: float) -> Stock:
    """What is known of the space's items at `at` (home seconds).

    history # what `known_to` gives of the listens before `at`; later ones would count
    """
    settings, published = space.manifest["settings"], open_stock(space)
    popularity = recent_popularity(history, settings["items"]["popularity_half_life_days"])
    vectors = with_popularity(published.vectors, popularity)
    index = VectorIndex.build(vectors, space.label, IndexSettings(**settings["index"]))
    return replace(published, vectors=vectors, index=index, trends=Trends.at(history, at))
