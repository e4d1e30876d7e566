"""Lists of what there is: listeners page by page."""

from itertools import islice

from palate.store.record_store import RecordStore


def users_after(store: RecordStore, space: str, after: str, n: int) -> list[str]:
    """Up to n listeners of a space that follow `after` in the store's order; from the first when it is empty."""
    return list(islice(store.users(space, after), n))
