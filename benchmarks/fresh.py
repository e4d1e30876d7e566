"""How long from an accepted event to a changed answer, measured from outside, and what the batching window costs?

    python benchmarks/fresh.py [--home DIR] [--rates 1000] [--windows 0] [--seconds 10] [--out FILE] [--svg FILE]

Starts `palate serve` on a copy of a home, a simulated one by default, and drives it over HTTP from this process, a
client of its own. For each window (`[fresh] window_ms`) and each rate of events a second:

1. nothing, for what an idle server costs in processor time;
2. events alone, in posts of --per-post, for what they cost it: processor time, which other work on the machine hardly
   changes;
3. the same events beside 50 reads a second (for_you with n = 20 and taste, in turn, of random listeners), while single
   events of known listeners are followed: from the moment when the 202 arrives (a) until their taste's `offset`
   contains the event, and (b) until a for_you comes that was made from such a taste.

Posts and reads leave on a fixed schedule, answered or not. Asking whether an event has arrived would be load too, so
questions come 2 ms apart at first and further and further (a twentieth of the time waited). The first 2 s do not count.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
import orjson

from palate.listening.log import ListeningLog
from served import Connection, copied, cpu_seconds, served
from stamp import stamp
from window.drawing import drawing

READS_A_SECOND, FOLLOWED_A_SECOND, N = 50.0, 5.0, 20
FIRST_LOOK_SECONDS, LOOK_SHARE = 0.002, 0.05
WARM_SECONDS = 2.0
DEMO = ("--listeners", "1000", "--items", "3000", "--listens", "100000", "--windows", "1", "--no-serve")


@dataclass
class Seen:
    """What one phase saw: ms of each kind, how many posts and events were accepted and in what time.

    changed  of the answers that contained the event, how many had another list of items than before
    """

    taste_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    post_ms: list[float] = field(default_factory=list)
    read_ms: list[float] = field(default_factory=list)
    events: int = 0
    changed: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    window_ms: int
    rate: float
    events_a_second: float
    reads_a_second: float
    cpu_seconds_per_1000: float
    cpu_share: float
    taste_p50: float
    taste_p99: float
    answer_p50: float
    answer_p99: float
    post_p99: float
    read_p99: float
    followed: int
    changed: float


class Driver:
    """A client of one server: sends, reads and follows on schedule."""

    def __init__(self, port: int, users: list[str], items: list[str], per_post: int) -> None:
        self.users, self.items, self.per_post, self.rng = users, items, per_post, random.Random(0)
        self.posting = itertools.cycle([Connection(port) for _ in range(8)])
        self.reading = itertools.cycle([Connection(port) for _ in range(8)])
        self.following = itertools.cycle([Connection(port) for _ in range(8)])

    def event(self, user: str | None = None) -> dict[str, object]:
        """A play of now, heard to the end."""
        return {
            "user_id": user or self.rng.choice(self.users), "item_id": self.rng.choice(self.items),
            "seconds_played": 200.0, "duration_seconds": 200.0,
        }  # fmt: skip

    async def phase(self, rate: float, seconds: float, pid: int, follow: bool = False) -> Seen:
        """Events, beside reads and followed ones if wanted; at least so many seconds."""
        seen, before, start = Seen(), cpu_seconds(pid), time.perf_counter()
        streams: list[Awaitable[None]] = [asyncio.sleep(seconds)]
        if rate:
            streams.append(self.at(rate / self.per_post, seconds, lambda number, due: self.post(due, seen)))
        if follow:
            streams.append(self.at(READS_A_SECOND, seconds, lambda number, due: self.read(number, due, seen)))
            streams.append(self.at(FOLLOWED_A_SECOND, seconds, lambda number, due: self.follow(seen)))
        await asyncio.gather(*streams)
        seen.seconds, seen.cpu_seconds = time.perf_counter() - start, cpu_seconds(pid) - before
        return seen

    async def at(self, rate: float, seconds: float, one: Callable[[int, float], Awaitable[None]]) -> None:
        """`one(number, due)` so many times a second, whether the one before has ended or not."""
        start, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            tasks.append(asyncio.ensure_future(one(number, due)))
        await asyncio.gather(*tasks)

    async def read(self, number: int, due: float, seen: Seen) -> None:
        """One request of somebody's answer or taste."""
        user = quote(self.rng.choice(self.users), safe="")
        path = f"/v1/users/{user}/surfaces/for_you?n={N}" if number % 2 else f"/v1/users/{user}/taste"
        await answered(next(self.reading), "GET", path)
        seen.read_ms.append((time.perf_counter() - due) * 1000)

    async def post(self, due: float, seen: Seen) -> None:
        """One post of the stream."""
        body = orjson.dumps({"events": [self.event() for _ in range(self.per_post)]})
        told = await answered(next(self.posting), "POST", "/v1/events", body)
        seen.post_ms.append((time.perf_counter() - due) * 1000)
        seen.events += told["accepted"]

    async def follow(self, seen: Seen) -> None:
        """One event, until the answers of its listener know it."""
        user, line = self.rng.choice(self.users), next(self.following)
        path = f"/v1/users/{quote(user, safe='')}"
        slate = f"{path}/surfaces/for_you?n={N}"
        before = await answered(line, "GET", slate)
        told = await answered(line, "POST", "/v1/events", orjson.dumps({"events": [self.event(user)]}))
        accepted, offset = time.perf_counter(), told["offset"]
        await until(line, f"{path}/taste", "offset", offset, accepted)
        seen.taste_ms.append((time.perf_counter() - accepted) * 1000)
        after = await until(line, slate, "taste_offset", offset, accepted)
        seen.answer_ms.append((time.perf_counter() - accepted) * 1000)
        seen.changed += [one["item_id"] for one in before["items"]] != [one["item_id"] for one in after["items"]]


async def answered(line: Connection, method: str, path: str, body: bytes = b"") -> dict[str, object]:
    """The document of an answer that is no error."""
    status, document = await line.ask(method, path, body)
    if status not in (200, 202):
        raise SystemExit(f"{method} {path} gave {status}: {document[:200]!r}")
    return orjson.loads(document)


async def until(line: Connection, path: str, name: str, offset: int, since: float) -> dict[str, object]:
    """The first answer whose `name` has reached `offset`."""
    while True:
        document = await answered(line, "GET", path)
        if document[name] >= offset:
            return document
        await asyncio.sleep(max(FIRST_LOOK_SECONDS, LOOK_SHARE * (time.perf_counter() - since)))


def row(window_ms: int, rate: float, idle: Seen, costs: Seen, followed: Seen) -> Row:
    """The three phases in one line."""
    extra = costs.cpu_seconds - idle.cpu_seconds * costs.seconds / idle.seconds
    taste, answer = (np.percentile(ms, [50, 99]).tolist() for ms in (followed.taste_ms, followed.answer_ms))
    return Row(
        window_ms=window_ms, rate=rate,
        events_a_second=followed.events / followed.seconds,
        reads_a_second=len(followed.read_ms) / followed.seconds,
        cpu_seconds_per_1000=extra / costs.events * 1000,
        cpu_share=followed.cpu_seconds / followed.seconds,
        taste_p50=taste[0], taste_p99=taste[1], answer_p50=answer[0], answer_p99=answer[1],
        post_p99=float(np.percentile(followed.post_ms, 99)), read_p99=float(np.percentile(followed.read_ms, 99)),
        followed=len(followed.answer_ms), changed=followed.changed / len(followed.answer_ms),
    )  # fmt: skip


async def drive(driver: Driver, window_ms: int, rates: list[float], seconds: float, pid: int) -> list[Row]:
    """Every rate over one server."""
    await driver.phase(rates[0], WARM_SECONDS, pid, follow=True)
    idle, rows = await driver.phase(0.0, WARM_SECONDS, pid), []
    for rate in rates:
        await driver.phase(rate, WARM_SECONDS, pid)
        costs = await driver.phase(rate, seconds, pid)
        rows.append(row(window_ms, rate, idle, costs, await driver.phase(rate, seconds, pid, follow=True)))
        print(line(rows[-1]), flush=True)
    return rows


def measure(source: Path, window_ms: int, options: argparse.Namespace) -> list[Row]:
    """One window: a copy of the home, a server, every rate."""
    with copied(source, "lab", "world") as home:
        home.settings.write_text(f"[fresh]\nwindow_ms = {window_ms}\n", encoding="utf-8")
        with ListeningLog(home.log) as log:
            users, items = log.user_ids(), log.item_ids()
        with served(home) as server:
            driver = Driver(server.port, users, items, options.per_post)
            return asyncio.run(drive(driver, window_ms, options.rates, options.seconds, server.pid))


HEADS = "window_ms | events/s asked | reached | CPU s per 1,000 events | CPU of the server | to taste p50 | p99 | \
to answer p50 | p99 | POST p99 | read p99 | followed | other items"


def line(one: Row) -> str:
    """One line of the table; times in ms."""
    return (
        f"| {one.window_ms} | {one.rate:g} | {one.events_a_second:.0f} | {one.cpu_seconds_per_1000:.2f} "
        f"| {one.cpu_share:.0%} | {one.taste_p50:.0f} | {one.taste_p99:.0f} | {one.answer_p50:.0f} "
        f"| {one.answer_p99:.0f} | {one.post_p99:.0f} | {one.read_p99:.0f} | {one.followed} | {one.changed:.0%} |"
    )


def main() -> None:
    """Prints the table, and writes its numbers to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a trained home; without it a simulated one is made")
    parser.add_argument("--rates", type=float, nargs="+", default=[1000.0], help="events a second")
    parser.add_argument("--windows", type=int, nargs="+", default=[0], help="[fresh] window_ms")
    parser.add_argument("--per-post", type=int, default=20, help="events in one POST of the stream")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each phase")
    parser.add_argument("--out", type=Path, help="JSON of the table")
    parser.add_argument("--svg", type=Path, help="picture of several windows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = options.home
        if source is None:
            source = Path(folder) / "simulated"
            subprocess.run([sys.executable, "-m", "palate", "--home", str(source), "demo", *DEMO], check=True)
        print(f"{stamp()}; {source.name}, posts of {options.per_post}, {options.seconds:g} s a phase; ms")
        print(f"| {HEADS} |\n|{'---|' * (HEADS.count('|') + 1)}", flush=True)
        rows = [one for window_ms in options.windows for one in measure(source, window_ms, options)]
    if options.out is not None:
        told = {"stamp": stamp(), "cores": os.cpu_count(), "rows": [asdict(one) for one in rows]}
        options.out.write_text(json.dumps(told, indent=1), encoding="utf-8")
    if options.svg is not None:
        options.svg.write_text(drawing([asdict(one) for one in rows]), encoding="utf-8")


if __name__ == "__main__":
    main()
