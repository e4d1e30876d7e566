"""Keeping Python's garbage collector out of the requests.

A full collection looks at every object that holds others. After a home is opened that is all of its labels, names and
tables, which took 100 to 190 ms with 6,000 items, in the middle of a request, every few seconds. They live as long as
the version does, so they are frozen: no collection looks at them. What requests leave behind is freed when its last
reference goes; collections are only there for cycles, which are few.
"""

import gc

THRESHOLDS = (10_000, 20, 50)  # allocations beyond what was freed; then youngest, then middle collections; of CPython


def settle() -> None:
    """Collects everything once, also what was frozen before, and freezes what is left; for when a version was opened.

    Takes about .2 s for each million objects, during which nothing else runs.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
