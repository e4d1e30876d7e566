"""The methods that any other has to beat, each in one file, from what is popular to what a matrix can learn.

All of them count heard plays only (plays that were no skips).
"""

from palate.catalog.columns import ItemColumns
from palate.evaluation.baselines.artists import OwnArtists
from palate.evaluation.baselines.blend import OwnPlus
from palate.evaluation.baselines.counts import Counts
from palate.evaluation.baselines.ease import Ease
from palate.evaluation.baselines.history import OwnHistory
from palate.evaluation.baselines.ials import IAls
from palate.evaluation.baselines.itemknn import ItemKnn
from palate.evaluation.baselines.meanvectors import MeanVectors
from palate.evaluation.baselines.popular import PopularAll, PopularRecent
from palate.evaluation.baselines.svd import PureSvd
from palate.evaluation.method import Method

__all__ = [
    "Counts", "Ease", "IAls", "ItemKnn", "MeanVectors", "OwnArtists", "OwnHistory", "OwnPlus", "PopularAll",
    "PopularRecent", "PureSvd", "embedding_baselines", "standard",
]  # fmt: skip


def standard(columns: ItemColumns | None = None) -> list[Method]:
    """Those that stand in every table; own-artists too where `columns` know artists or genres.

    Give all of them the same `known` object in a window: two are blends of two others, which are then learnt once.
    """
    knn, ease = ItemKnn(), Ease()
    always: list[Method] = [
        PopularAll(), PopularRecent(), OwnHistory(), knn, ease, IAls(), MeanVectors(), PureSvd(),
        OwnPlus(knn), OwnPlus(ease),
    ]  # fmt: skip
    return [*always, OwnArtists()] if columns is not None and OwnArtists.takes_part(columns) else always


def embedding_baselines() -> list[Method]:
    """Those that give each listener a vector: what probes compare a space with."""
    return [MeanVectors(), IAls(), PureSvd(), Counts()]
