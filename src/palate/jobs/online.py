"""A trained home opened by a command, rather than by a server."""

import time

from palate.core.clock import Clock
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.fresh.fold import Folded, Folder
from palate.fresh.lock import FoldLock
from palate.listening.log import ListeningLog
from palate.surfaces.live import LiveHome


def open_live(home: Home, readonly: bool = True) -> LiveHome:
    """The live space, ready to answer at the present time of the home."""
    with ListeningLog(home.require().log) as log:
        clock = Clock(log.calendar(), time.time)
    return LiveHome.open(home, clock, readonly)


def catch_up(home: Home) -> Folded:
    """Folds what the live space's records lack. PalateError when a server is doing that already."""
    lock = FoldLock(home.require().online / "fold.lock")
    try:
        if not lock.mine():
            raise PalateError(f"a running server keeps {home.root} fresh already; nothing to do")
        live = open_live(home, readonly=False)
        with ListeningLog(home.log) as log:
            return Folder(
                log, live.store, live.items, live.space.label, live.space.item_vectors,
                live.path.stock.columns.kind, live.space.encoder, log.calendar(),
            ).catch_up()  # fmt: skip
    finally:
        lock.close()
