"""Retiring a version for good: its folder, and the listeners' records that go with it."""

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.fresh.engine import has_records, open_store

BY_HAND = "retired by hand"


def retire(home: Home, label: str, why: str = "", force: bool = False) -> int:
    """Removes `label` and gives how many listeners' records went with it.

    The live version is never retired; one that is next, previous or pinned only with `force`, which goes on record and
    needs a `why`. BadInput when it is refused or unknown; Corrupt when the history was tampered with. Nothing else
    changes: a label is not given twice.
    """
    if force and not why.strip():
        raise BadInput("--force goes on record, so it needs a reason; add --why TEXT")
    Spaces(home.require().spaces).retire(label, why or BY_HAND, force)
    if not has_records(home):
        return 0
    with open_store(home) as store:
        count = store.count(label)
        store.drop(label)
    return count
