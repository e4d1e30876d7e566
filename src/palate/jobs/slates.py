"""The answer log outside the server: written for training, and how much answers repeat themselves."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from palate.core.artefacts import atomic_file
from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.core.slate import Slate
from palate.listening.airing import Airing
from palate.listening.log import ListeningLog
from palate.listening.slates import FILE, Answered, SlateLog, SlateSettings
from palate.store.items import ItemStore
from palate.surfaces.airings import Airings
from palate.surfaces.answered import answered
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome


def airings(home: Home) -> Airings | None:
    """The memory of what was shown, of a home that has one."""
    path = home.listening / FILE
    return Airings(SlateLog(path)) if path.is_file() and _settings(home).keep_days else None


def answer_and_log(live: LiveHome, name: str, ask: Ask) -> Slate:
    """What the surface answers, kept in the home's answer log as a server does."""
    one = answered(live, name, ask, _settings(live.home))
    with SlateLog(live.home.listening / FILE) as log:
        log.append([one])
    return one.slate


def export(home: Home, out: Path, since: float | None = None) -> dict[str, Any]:
    """Writes what was answered first at `since` (unix seconds) or later, whole or not at all.

    .parquet has one row for each item shown, .jsonl one line for each slate; BadInput for another ending, or when the
    home has answered nothing yet.
    """
    if out.suffix not in (".parquet", ".jsonl"):
        raise BadInput(f"{out} ends in {out.suffix or 'nothing'}; name a .parquet or a .jsonl file")
    with _opened(home) as log, atomic_file(out) as temporary:
        slates, rows = _writer(out.suffix)(log.read(-np.inf if since is None else since), temporary)
    return {"out": str(out), "slates": slates, "rows": rows}


def report(home: Home, days: int = 14, now: float | None = None) -> dict[str, Any]:
    """How much of the catalogue was aired in the last `days` home days, today among them, and how much it repeats.

    now: unix seconds. `overlap` of a surface: the share of the items that it showed a listener on one day which it had
    shown them on the day before, the mean over `listener_days`, pairs of days in a row; None without any.
    """
    with ListeningLog(home.log) as log:
        calendar = log.calendar()
    today = calendar.home_time(time.time() if now is None else now) // DAY_SECONDS
    since = calendar.unix_time((today - days + 1) * DAY_SECONDS)
    with _opened(home) as slates, ItemStore(home.online / "items") as items:
        counts, shown = slates.counts(since), list(slates.airings(since))
        available = np.asarray(items.facets().available)
    rows = np.unique(np.concatenate([np.zeros(0, np.int32), *(one.rows for one in shown)]))
    aired = int(available[rows[rows < len(available)]].sum())
    repeats = overlaps(shown, calendar)
    total = int(available.sum())
    return {
        "days": days, "since": since, "items": total, "aired_items": aired, "aired_share": aired / max(total, 1),
        "answers": sum(answers for _, answers in counts.values()),
        "surfaces": {
            name: {
                "slates": different, "answers": answers, "listener_days": len(repeats[name]),
                "overlap": float(np.mean(repeats[name])) if repeats[name] else None,
            }
            for name, (different, answers) in counts.items()
        },
    }  # fmt: skip


def overlaps(shown: Iterable[Airing], calendar: Calendar) -> dict[str, list[float]]:
    """By surface, for each listener and each two home days one after the other: the share of the later day's items
    that the earlier one had too. `shown` is ordered by listener and surface; who is nobody does not count.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for (user, surface), group in groupby(shown, key=lambda one: (one.user, one.surface)):
        by_day: dict[float, set[int]] = defaultdict(set)
        for one in group:
            by_day[calendar.home_time(one.time) // DAY_SECONDS] |= set(one.rows.tolist())
        if user:
            found[surface] += [
                len(by_day[day] & by_day[next_day]) / len(by_day[next_day])
                for day, next_day in pairwise(sorted(by_day))
                if next_day == day + 1
            ]
    return found


def _settings(home: Home) -> SlateSettings:
    return read_settings(home.settings).section(SlateSettings)


@contextmanager
def _opened(home: Home) -> Iterator[SlateLog]:
    path = home.listening / FILE
    if not path.is_file():
        raise BadInput(f"{home.root} has answered nothing yet that was logged; run `palate serve` and ask")
    with SlateLog(path) as log:
        yield log


def _writer(ending: str) -> Callable[[Iterable[Answered], Path], tuple[int, int]]:
    if ending == ".jsonl":
        return _jsonl
    from palate.jobs.slate_table import write_table  # polars, which a machine that only serves does not have

    return write_table


def _jsonl(slates: Iterable[Answered], path: Path) -> tuple[int, int]:
    lines = 0
    with path.open("wb") as file:
        for one in slates:
            told = {
                "timestamp": one.timestamp, "home_time": one.home_time, "answers": one.answers, "ask": one.ask,
                "slate": one.slate, "feature_names": one.names, "features": one.features,
            }  # fmt: skip
            file.write(orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))
            lines += 1
    return lines, lines
