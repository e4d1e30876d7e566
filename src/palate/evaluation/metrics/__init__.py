"""Numbers that judge: how right a list is, what else it is like, and how well scores tell two classes apart.

One page explains them all: docs/rooms/metrics.md.
"""

from palate.evaluation.metrics.beyond import (
    calibration,
    coverage,
    diversity,
    exposure_gini,
    label_counts,
    novelty,
    overlap,
    popularity,
)
from palate.evaluation.metrics.classify import average_precision, by_column, roc_auc
from palate.evaluation.metrics.ranking import (
    average_precision_at,
    dcg,
    hit_rate,
    hits,
    ideal_dcg,
    mrr,
    ndcg,
    ndcg_of_means,
    recall,
    recall_uncapped,
)

__all__ = [
    "average_precision",
    "average_precision_at",
    "by_column",
    "calibration",
    "coverage",
    "dcg",
    "diversity",
    "exposure_gini",
    "hit_rate",
    "hits",
    "ideal_dcg",
    "label_counts",
    "mrr",
    "ndcg",
    "ndcg_of_means",
    "novelty",
    "overlap",
    "popularity",
    "recall",
    "recall_uncapped",
    "roc_auc",
]
