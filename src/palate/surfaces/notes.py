"""What is said of an answer as a whole: what was taken out of it and why, and why there is nothing left."""

from collections.abc import Collection, Sequence

from palate.core.candidates import Removed


def counted(removed: Sequence[Removed], shown: Collection[int] = ()) -> dict[str, int]:
    """How many distinct items each reason took out, without those that are shown all the same."""
    rows: dict[str, set[int]] = {}
    for one in removed:
        rows.setdefault(one.reason, set()).update(one.items.tolist())
    return {reason: len(left) for reason, items in rows.items() if (left := items.difference(shown))}


def nothing_left(retrieved: int, removed: dict[str, int]) -> str:
    """Why an answer is empty.

    >>> nothing_left(0, {})
    'There is nothing to offer: nothing that can be played answers this request.'
    >>> nothing_left(5, {"hidden by the listener": 5})
    'There is nothing left to offer: of 5 items looked at, 5 are hidden by the listener.'
    """
    if not retrieved:
        return "There is nothing to offer: nothing that can be played answers this request."
    parts = ", ".join(f"{count:,} are {reason}" for reason, count in removed.items())
    items = "1 item" if retrieved == 1 else f"{retrieved:,} items"
    return f"There is nothing left to offer: of {items} looked at, {parts or 'too few are left'}."
