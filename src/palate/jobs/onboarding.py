"""`palate onboard`: what a new listener picks, kept in a home without a server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from palate.core.home import Home
from palate.core.listens import in_columns
from palate.fresh.lock import FoldLock
from palate.jobs.online import catch_up, open_live
from palate.listening.log import ListeningLog
from palate.surfaces.onboarding import Onboarding, Said, keep_languages


def onboard(home: Home, user_id: str, said: Said) -> dict[str, Any]:
    """Keeps the picks durably, folds them unless a server does, and says what they were found to be.

    BadInput for what the catalogue does not hold; then nothing is kept.
    """
    with _opened(home) as onboarding:
        picks = onboarding.found(said)
        listens = in_columns(onboarding.listens(picks, user_id, time.time(), said.request_id))
    keep_languages(home, user_id, said.languages)
    with ListeningLog(home.log) as log:
        appended = log.append(listens)
    lock = FoldLock(home.online / "fold.lock")
    is_alone = lock.mine()
    lock.close()
    if is_alone:
        catch_up(home)
    found = [{"kind": pick.kind, "name": pick.name, "items": len(pick.rows)} for pick in picks]
    return {
        "user_id": user_id, "accepted": appended.accepted, "duplicates": appended.duplicates,
        "offset": appended.last_offset, "picked": found, "languages": list(said.languages), "folded": is_alone,
    }  # fmt: skip


def offered(
    home: Home, n: int, languages: tuple[str, ...], picked: tuple[str, ...], passed: tuple[str, ...]
) -> list[dict[str, Any]]:
    """What to offer next, the most telling first."""
    with _opened(home) as onboarding:
        return onboarding.offer(n, picked, passed, languages)


@contextmanager
def _opened(home: Home) -> Iterator[Onboarding]:
    """The live space's; its files are closed at the end, since a process may open a store only once at a time."""
    live = open_live(home)
    try:
        yield live.onboarding
    finally:
        live.store.close()
        live.items.close()
