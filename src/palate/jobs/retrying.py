"""What could not be folded, tried again over a whole home."""

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.embeddings.space import Space
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters
from palate.fresh.fold import Folder
from palate.fresh.lock import Rounds
from palate.fresh.retry import Retried, Retry
from palate.listening.attributes import Attributes
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore
from palate.store.records import OnlineStore


def retry(home: Home) -> dict[str, Retried]:
    """By version, what became of its dead letters; empty when there are none. Servers and workers may run meanwhile.

    The letters of a version without records are forgotten: if it comes back, it reads the whole log. PalateError, when
    all other versions have had their turn, for one whose files are damaged.
    """
    online = home.require().online
    with DeadLetters(online / DEAD) as dead:
        labels = list(dict.fromkeys(letter.space for letter in dead.all()))
        if not labels:
            return {}
        done: dict[str, Retried] = {}
        damaged: list[PalateError] = []
        rounds, attributes = Rounds(online / "fold"), Attributes(home.listeners)
        with (
            ListeningLog(home.log) as log,
            OnlineStore(online / "records") as store,
            ItemStore(online / "items") as items,
        ):
            kept = store.spaces()
            for label in labels:
                try:
                    if label in kept:
                        space = Space(home.spaces / label)
                        folder = Folder.of(space, log, store, items, log.calendar(), attributes)
                        done[label] = Retry(folder, log, dead, rounds).run()
                    else:
                        done[label] = _forgotten(dead, label)
                except PalateError as error:
                    damaged.append(error)
    if damaged:
        raise damaged[0]
    return done


def _forgotten(dead: DeadLetters, label: str) -> Retried:
    letters = [letter for letter in dead.all() if letter.space == label]
    dead.remove(letters)
    return Retried(0, 0, len(letters))
