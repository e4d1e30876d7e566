import gc
import weakref

from palate.api.collector import THRESHOLDS, settle


class Cycle:
    """An object that only a collection frees."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_looked_at_no_more_and_what_was_let_go_is_freed_the_next_time() -> None:
    before = gc.get_threshold()
    try:
        kept, left = Cycle(), Cycle()
        gone = weakref.ref(left)
        settle()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == THRESHOLDS
        assert not any(one is kept for one in gc.get_objects())
        del left
        gc.collect()
        assert gone() is not None  # frozen: a collection by itself does not see it
        settle()
        assert gone() is None
        assert kept.me is kept
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
