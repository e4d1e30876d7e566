"""What does keeping every answer cost?

    python benchmarks/slate_log.py --home DIR [--rate 100] [--seconds 20] [--turns 3]

In this process, over random known listeners, for_you, n = 20: the processor time that `answered` takes beside `answer`,
what the writer takes for an answer, how many bytes it has on disk, and how long Query.aired takes with two weeks of
answers in the log. Then over HTTP: the same load on a server that logs and on one with keep_days = 0, in turns.

The home is copied first.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from http_load import N, slates
from palate.core.clock import DAY_SECONDS, Clock
from palate.core.home import Home
from palate.listening.log import ListeningLog
from palate.listening.slates import SlateLog, SlateSettings
from palate.surfaces.airings import Airings
from palate.surfaces.answered import answered
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer
from served import copied, cpu_seconds, quantiles, served

ANSWERS, BATCH, DAYS, A_DAY = 1_000, 5, 14, 3


def microseconds(seconds: list[float]) -> str:
    """Median and p99."""
    return "median {:.0f}, p99 {:.0f} us".format(*np.percentile(np.array(seconds) * 1e6, [50, 99]))


def in_process(home: Home, users: list[str], folder: Path) -> None:
    """The costs of one answer, apart from HTTP."""
    with ListeningLog(home.log) as log:
        live = LiveHome.open(home, Clock(log.calendar()))
    rng, spent = random.Random(0), defaultdict(list)
    for share in (0.0, 0.1, 1.0):
        kept, path = [], folder / f"slates-{share}.sqlite"
        settings = SlateSettings(features_share=share)
        name = f"answered, features of {share:.0%}, less answer"
        for number, user in enumerate(rng.choices(users, k=ANSWERS)):
            answer(live, "for_you", Ask(user, N))  # whoever comes second finds the listener in the caches
            took = {}
            for whole in (number % 2 == 0, number % 2 == 1):
                begin = time.thread_time()
                if whole:
                    kept.append(answered(live, "for_you", Ask(user, N), settings))
                else:
                    answer(live, "for_you", Ask(user, N))
                took[whole] = time.thread_time() - begin
            spent["answer"].append(took[False])
            spent[name].append(took[True] - took[False])
        with SlateLog(path) as log:
            begin = time.process_time()
            new = sum(log.append(kept[at : at + BATCH]) for at in range(0, ANSWERS, BATCH))
            cpu = (time.process_time() - begin) / ANSWERS
            log.shred()
            size = path.stat().st_size / new
            print(f"features of {share:.0%}: {size:,.0f} bytes a slate of {new:,}; the writer {cpu * 1e6:.0f} us each")
    for name, seconds in spent.items():
        print(f"{name}: {microseconds(seconds)}")
    memory(live, rng.sample(users, 100), folder / "memory.sqlite")


def memory(live: LiveHome, users: list[str], path: Path) -> None:
    """Query.aired with DAYS days of A_DAY answers each."""
    one, now = answered(live, "for_you", Ask(users[0], N), SlateSettings()), live.clock.wall()
    later = replace(live, clock=Clock(live.clock.calendar, lambda: now + DAYS * DAY_SECONDS))
    rng = np.random.default_rng(0)
    with SlateLog(path) as log:
        for user in users:
            moments = now + rng.uniform(0, DAYS * DAY_SECONDS, DAYS * A_DAY)
            rows = [rng.choice(live.path.stock.n_items, N, replace=False).astype(np.int32) for _ in moments]
            turned = zip(moments.tolist(), rows, strict=True)
            log.append([], [replace(one.airing, user=user, time=moment, rows=shown) for moment, shown in turned])
        airings, first, again = Airings(log), [], []
        records = [live.state(user).record for user in users]
        for spent in (first, again):
            for user, record in zip(users, records, strict=True):
                begin = time.thread_time()
                aired = airings.of(user, "for_you", record, later.clock)
                spent.append(time.thread_time() - begin)
    print(f"aired, {len(aired.items):,} items: first {microseconds(first)}; again in the hour {microseconds(again)}")


def over_http(home: Home, users: list[str], options: argparse.Namespace) -> None:
    """The same load, with and without the log, in turns."""
    told = home.settings.read_text(encoding="utf-8") if home.settings.is_file() else ""
    for turn in range(options.turns):
        for keep_days in (0, 30):
            home.settings.write_text(f"{told}\n[slates]\nkeep_days = {keep_days}\n", encoding="utf-8")
            with served(home) as server:
                asyncio.run(slates(server.port, users, options.rate, 2.0, 8))
                before = cpu_seconds(server.pid)
                spent, errors = asyncio.run(slates(server.port, users, options.rate, options.seconds, 8))
                cpu_ms = (cpu_seconds(server.pid) - before) / len(spent) * 1000
            print(f"turn {turn}, keep_days = {keep_days}: {quantiles(spent)}, cpu {cpu_ms:.2f} ms, {errors} errors")
    home.settings.write_text(told, encoding="utf-8")


def main() -> None:
    """Runs both and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with copied(options.home) as home, tempfile.TemporaryDirectory() as folder:
        with ListeningLog(home.log) as log:
            users = log.user_ids()
        in_process(home, users, Path(folder))
        over_http(home, users, options)


if __name__ == "__main__":
    main()
