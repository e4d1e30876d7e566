"""How fresh each surface's answers are: chosen in palate.toml, kept by a bounded cache of tastes.

A surface that is `now` reads the store for every request. Any other may answer from a taste that was read up to so long
ago: that saves reading and unpacking a record, and keeps its answers still between two looks.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from palate.core.clock import DAY_SECONDS, HOUR_SECONDS
from palate.embeddings.states import UserState
from palate.listening.deleted import DeletedUsers

NOW = "now"
AS_DEFAULT = "default"
UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": HOUR_SECONDS, "d": DAY_SECONDS}
FRESHNESS = re.compile(r"([0-9]{1,9})([smhd])")
ENTRY_BYTES = 1_000  # of Python's own, beside the arrays of a state


def freshness_seconds(text: str) -> float:
    """How old a taste may be: 0.0 for "now", else a whole number and s, m, h or d, as in "15m"; ValueError if not.

    >>> freshness_seconds("now"), freshness_seconds("30s"), freshness_seconds("2d")
    (0.0, 30.0, 172800.0)
    """
    found = FRESHNESS.fullmatch(text)
    if text != NOW and found is None:
        raise ValueError(f'{text!r} is no freshness; write "now", or a whole number and s, m, h or d, as in "15m"')
    return 0.0 if found is None else int(found[1]) * UNIT_SECONDS[found[2]]


@dataclass(frozen=True)
class FreshnessSettings:
    """How long ago the taste behind an answer may have been read, for each surface.

    `"now"` reads it for every request; `"30s"`, `"15m"`, `"6h"`, `"2d"` allow one that was read so long ago;
    `"default"` stands for what `default` says. Who has no record yet is always looked up.
    """

    SECTION: ClassVar[str] = "freshness"

    default: str = NOW  # a read takes microseconds, so nothing is gained by default
    ads: str = AS_DEFAULT
    autoplay: str = AS_DEFAULT
    blend: str = AS_DEFAULT
    daily_mix: str = AS_DEFAULT  # of the day's first answer, whose taste is kept until the day is over
    discover_weekly: str = AS_DEFAULT
    dj: str = AS_DEFAULT
    enhance: str = AS_DEFAULT
    for_you: str = AS_DEFAULT  # also of `candidates` and `explain`, which speak of the same answer
    genre_mix: str = AS_DEFAULT
    home: str = AS_DEFAULT
    old_favourites: str = AS_DEFAULT
    on_repeat: str = AS_DEFAULT
    onboarding: str = AS_DEFAULT
    radio: str = AS_DEFAULT
    search: str = AS_DEFAULT
    similar: str = AS_DEFAULT  # changes nothing as long as `similar` is the same for everybody and reads no taste
    cache_mb: int = 64  # of tastes kept by each process; those longest unused go first

    def __post_init__(self) -> None:
        for name in ("default", *self.surfaces):
            value = getattr(self, name)
            if value == AS_DEFAULT and name != "default":
                continue
            try:
                freshness_seconds(value)
            except ValueError as error:
                raise ValueError(f"{name} = {error}") from error
        if not 1 <= self.cache_mb <= 1_000_000:
            raise ValueError(f"cache_mb = {self.cache_mb} must be from 1 to 1,000,000")

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The names that have a freshness of their own."""
        return tuple(name for name, value in vars(self).items() if isinstance(value, str) and name != "default")

    def seconds(self, surface: str) -> float:
        """How old a taste this surface may answer from; what has no key of its own has the default."""
        chosen = getattr(self, surface) if surface in self.surfaces else AS_DEFAULT
        return freshness_seconds(self.default if chosen == AS_DEFAULT else chosen)


@dataclass(frozen=True)
class Taken:
    """A listener's state as it was read. It contains all of their listens up to `offset` of the log."""

    state: UserState
    offset: int

    @property
    def stranger(self) -> bool:
        """True when nothing is known of the listener."""
        return len(self.state.record.items) == 0

    @property
    def size_bytes(self) -> int:
        """About how much memory it holds."""
        arrays = [self.state.taste, *vars(self.state.record).values()]
        return ENTRY_BYTES + sum(getattr(one, "nbytes", 0) for one in arrays)


class Tastes:
    """Reads tastes as fresh as each surface asks, for one version of the space. Threads may share one.

    Surfaces of one freshness share what was read, so that they agree with each other. From the moment when a listener
    asks to be deleted nothing that was read before is answered from: all of it is dropped, by every process.
    """

    def __init__(
        self, settings: FreshnessSettings, deleted: DeletedUsers, moment: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = {name: settings.seconds(name) for name in ("", *settings.surfaces)}
        self._most_bytes, self._deleted, self._moment = settings.cache_mb * 1_000_000, deleted, moment
        self._kept: OrderedDict[tuple[float, str], tuple[float, Taken]] = OrderedDict()  # longest unused first
        self._turn, self._drops, self.kept_bytes = threading.Lock(), 0, 0

    def __len__(self) -> int:
        return len(self._kept)

    def taken(self, surface: str, user_id: str, read: Callable[[], Taken]) -> Taken:
        """What to answer from: what `read` gives now, or gave no longer ago than the surface allows."""
        seconds = self._seconds.get(surface, self._seconds[""])
        if seconds <= 0:
            return read()
        key, begun = (seconds, user_id), self._moment()
        with self._turn:
            self._drop_if_somebody_left()
            read_at, found = self._kept.get(key, (0.0, None))
            if found is not None and begun - read_at <= seconds:
                self._kept.move_to_end(key)
                return found
            drops = self._drops
        taken = read()
        with self._turn:
            self._drop_if_somebody_left()
            # Their record may still be there: it goes a moment after the request to delete it.
            leaving = drops != self._drops or self._deleted.standing(user_id).deleted
            if not (leaving or taken.stranger):
                self._keep(key, begun, taken)
        return taken

    def forget_deleted(self) -> None:
        """Drops what is kept, if somebody was deleted since it was read; each `taken` does this first."""
        with self._turn:
            self._drop_if_somebody_left()

    def _drop_if_somebody_left(self) -> None:
        if self._deleted.refresh():  # one look at a file's time
            self._kept.clear()
            self._drops, self.kept_bytes = self._drops + 1, 0

    def _keep(self, key: tuple[float, str], begun: float, taken: Taken) -> None:
        if key in self._kept:
            self.kept_bytes -= self._kept.pop(key)[1].size_bytes
        self._kept[key] = (begun, taken)
        self.kept_bytes += taken.size_bytes
        while self.kept_bytes > self._most_bytes:
            self.kept_bytes -= self._kept.popitem(last=False)[1][1].size_bytes
