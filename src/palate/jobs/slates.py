"""The answer log outside the server: written for training, and how much answers repeat themselves."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

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

SLATES_AT_ONCE = 2_000  # in memory while a table is written, with 20 items and features each about 10 MB


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
    writers: dict[str, Callable[[Iterable[Answered], Path], tuple[int, int]]]
    writers = {".parquet": _parquet, ".jsonl": _jsonl}
    if out.suffix not in writers:
        raise BadInput(f"{out} ends in {out.suffix or 'nothing'}; name a .parquet or a .jsonl file")
    with _opened(home) as log, atomic_file(out) as temporary:
        slates, rows = writers[out.suffix](log.read(-np.inf if since is None else since), temporary)
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


def _parquet(slates: Iterable[Answered], path: Path) -> tuple[int, int]:
    """Features are columns `feature_NAME`, null for a slate of which they were not kept."""
    left, count, table = iter(slates), 0, pl.DataFrame([], _SCHEMA)
    while taken := list(islice(left, SLATES_AT_ONCE)):
        count += len(taken)
        names = dict.fromkeys(f"feature_{name}" for one in taken for name in one.names)
        rows = [row for one in taken for row in _rows(one)]
        table = pl.concat([table, pl.DataFrame(rows, _SCHEMA | dict.fromkeys(names, pl.Float32))], how="diagonal")
    table.write_parquet(path)
    return count, len(table)


_SCHEMA: dict[str, Any] = {
    "slate_id": pl.String, "user_id": pl.String, "surface": pl.String, "space": pl.String, "timestamp": pl.Float64,
    "home_time": pl.Float64, "answers": pl.Int64, "taste_offset": pl.Int64, "adventure": pl.Float64,
    "energy": pl.Float64, "position": pl.Int64, "item_id": pl.String, "score": pl.Float64, "source": pl.String,
}  # fmt: skip


def _rows(one: Answered) -> Iterator[dict[str, Any]]:
    """A row for each item that the slate showed."""
    slate, steer = one.slate, one.ask.get("steer", {})
    whole = {
        "slate_id": slate.slate_id, "user_id": slate.user_id, "surface": slate.surface, "space": slate.space,
        "timestamp": one.timestamp, "home_time": one.home_time, "answers": one.answers,
        "taste_offset": slate.taste_offset, "adventure": steer.get("adventure", 0.0), "energy": steer.get("energy"),
    }  # fmt: skip
    names = [f"feature_{name}" for name in one.names]
    seen = [[]] * len(slate.items) if one.features is None else one.features.tolist()
    for position, (item, facts) in enumerate(zip(slate.items, seen, strict=True), 1):
        told = {"position": position, "item_id": item.item_id, "score": item.score, "source": item.source}
        yield whole | told | dict(zip(names, facts, strict=True))
