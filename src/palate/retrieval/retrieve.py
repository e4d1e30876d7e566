"""Asks several retrievers and merges what they offer."""

from collections.abc import Mapping

from palate.core.candidates import Candidates, merge
from palate.retrieval.query import Query
from palate.retrieval.retrievers import RETRIEVERS
from palate.retrieval.stock import Stock


def retrieve(quotas: Mapping[str, int], query: Query, stock: Stock) -> Candidates:
    """quotas: how many items each retriever may offer, by name. Evidence precedence is the order of RETRIEVERS."""
    return merge(
        [(name, one(query, stock, quotas[name])) for name, one in RETRIEVERS.items() if quotas.get(name, 0) > 0]
    )
