"""The methods that any other has to beat, each in one file: what is popular, what you played, what goes with it.

All of them count heard plays only (plays that were no skips).
"""

from palate.evaluation.baselines.history import OwnHistory
from palate.evaluation.baselines.itemknn import ItemKnn
from palate.evaluation.baselines.popular import PopularAll, PopularRecent
from palate.evaluation.method import Method


def standard() -> list[Method]:
    """The four that stand in every table."""
    return [PopularAll(), PopularRecent(), OwnHistory(), ItemKnn()]
