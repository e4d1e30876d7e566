"""What could not be folded, tried again over a whole home."""

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.partitions import partition_of
from palate.embeddings.space import Space
from palate.fresh.archive import copy, rebuild
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters
from palate.fresh.engine import open_log, open_store
from palate.fresh.fold import Folder
from palate.fresh.lock import Rounds
from palate.fresh.retry import Retried, Retry
from palate.listening.attributes import Attributes
from palate.listening.redis_log import RedisLog
from palate.store.items import ItemStore


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
            open_log(home) as log,
            open_store(home) as store,
            ItemStore(online / "items") as items,
        ):
            kept = store.spaces()
            for label in labels:
                try:
                    if label in kept:
                        space = Space(home.spaces / label)
                        folder = Folder.of(space, log, store, items, log.calendar(), attributes)
                        if isinstance(log, RedisLog):
                            done[label] = _rebuilt(folder, log, dead)
                        else:
                            done[label] = Retry(folder, dead, rounds).run()
                    else:
                        done[label] = _forgotten(dead, label)
                except PalateError as error:
                    damaged.append(error)
    if damaged:
        raise damaged[0]
    return done


def _rebuilt(folder: Folder, log: RedisLog, dead: DeadLetters) -> Retried:
    """Over Redis all records are made anew: a listen that left the streams cannot be found by its offset."""
    letters = [letter for letter in dead.all() if letter.space == folder.space]
    copy(log)
    failed = {partition_of(user) for user in rebuild(folder, log)}
    stay = [letter for letter in letters if letter.partition in failed]
    dead.renew(stay, "a listener of this partition has a record that cannot be made; see the log")
    mended = [letter for letter in letters if letter.partition not in failed]
    dead.remove(mended)
    return Retried(len(mended), len(stay), 0)


def _forgotten(dead: DeadLetters, label: str) -> Retried:
    letters = [letter for letter in dead.all() if letter.space == label]
    dead.remove(letters)
    return Retried(0, 0, len(letters))
