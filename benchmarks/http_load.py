"""How fast does `palate serve` answer, at a rate that does not wait for it?

    python benchmarks/http_load.py --home DIR [--rate 100] [--seconds 20] [--connections 8] [--posters 10]

Starts a server with one worker on a trained home and asks for for_you, n = 20, of random known listeners. Requests
leave on a fixed schedule, whether earlier ones have been answered or not; a time counts from when its request was due,
so that a stall is not hidden by the requests that it held back. Then posters send one event after another, each waiting
for its 202. Then 1,000 events a second arrive while slates are asked for, and now and then somebody looks how long it
takes from sending an event until the taste contains it. Then the same slates once more inside this process, to see
where the milliseconds go.

The home is copied first: events are written to the copy.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import orjson

from palate.core.clock import Clock
from palate.core.home import Home
from palate.listening.log import ListeningLog
from palate.ranking.features import features
from palate.ranking.variety import spread
from palate.retrieval.filters import apply
from palate.retrieval.retrieve import retrieve
from palate.surfaces.ask import Ask
from palate.surfaces.explain import explain
from palate.surfaces.live import LiveHome
from palate.surfaces.screens.for_you import FOR_YOU
from served import Connection, copied, cpu_seconds, quantiles, resident_mb, served

N, IN_PROCESS_SLATES = 20, 400
LOAD_SECONDS, EVENTS_A_SECOND, EVENTS_A_POST = 10.0, 1_000, 20


async def slates(port: int, users: list[str], rate: float, seconds: float, connections: int) -> tuple[list[float], int]:
    """Milliseconds from due to answered for every request, and how many were not 200."""
    lines, rng = [Connection(port) for _ in range(connections)], random.Random(0)
    spent: list[float] = []
    errors = 0

    async def one(number: int, due: float) -> None:
        nonlocal errors
        user = quote(rng.choice(users), safe="")
        free = min(lines, key=lambda line: line.turn.locked())
        status, _ = await free.ask("GET", f"/v1/users/{user}/surfaces/for_you?n={N}")
        errors += status != 200
        spent.append((time.perf_counter() - due) * 1000)

    start, tasks = time.perf_counter() + 0.1, []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    return spent, errors


async def events(port: int, users: list[str], items: list[str], posters: int, seconds: float) -> tuple[float, float]:
    """Events accepted a second, and the p99 of a POST in ms."""
    end, spent = time.perf_counter() + seconds, []

    async def poster(number: int) -> None:
        line, rng = Connection(port), random.Random(number)
        while time.perf_counter() < end:
            event = {"user_id": rng.choice(users), "item_id": rng.choice(items), "id": f"{number}-{rng.random()}"}
            begin = time.perf_counter()
            status, _ = await line.ask("POST", "/v1/events", json.dumps({"events": [event]}).encode())
            spent.append((time.perf_counter() - begin) * 1000)
            if status != 202:
                raise SystemExit(f"POST /v1/events gave {status}")

    await asyncio.gather(*(poster(number) for number in range(posters)))
    return len(spent) / seconds, float(np.percentile(spent, 99))


async def under_load(port: int, users: list[str], items: list[str], rate: float) -> tuple[list[float], list[float]]:
    """With EVENTS_A_SECOND arriving: ms of each slate, and ms from sending an event until the taste contains it."""
    rng, fresh, end = random.Random(2), [], time.perf_counter() + LOAD_SECONDS

    async def post(line: Connection, count: int) -> int:
        batch = [{"user_id": rng.choice(users), "item_id": rng.choice(items)} for _ in range(count)]
        _, answer = await line.ask("POST", "/v1/events", json.dumps({"events": batch}).encode())
        return int(json.loads(answer)["offset"])

    async def stream() -> None:
        line, start = Connection(port), time.perf_counter()
        for number in range(int(EVENTS_A_SECOND * LOAD_SECONDS / EVENTS_A_POST)):
            await asyncio.sleep(max(start + number * EVENTS_A_POST / EVENTS_A_SECOND - time.perf_counter(), 0))
            await post(line, EVENTS_A_POST)

    async def look() -> None:
        line = Connection(port)
        while time.perf_counter() < end:
            begin, offset, seen = time.perf_counter(), await post(line, 1), 0
            while seen < offset:
                _, answer = await line.ask("GET", "/v1/users/x/taste")
                seen = json.loads(answer)["offset"]
            fresh.append((time.perf_counter() - begin) * 1000)
            await asyncio.sleep(0.05)

    (spent, _), *_ = await asyncio.gather(slates(port, users, rate, LOAD_SECONDS, 8), stream(), look())
    return spent, fresh


def breakdown(home: Home, users: list[str]) -> dict[str, list[float]]:
    """Milliseconds in each stage of the request path, in this process."""
    with ListeningLog(home.log) as log:
        live = LiveHome.open(home, Clock(log.calendar()))
    stock, spent, rng = live.path.stock, defaultdict(list), random.Random(1)
    for user in rng.choices(users, k=IN_PROCESS_SLATES):
        marks = [time.perf_counter()]

        def lap(marks: list[float] = marks) -> None:
            marks.append(time.perf_counter())

        query = live.query(Ask(user), FOR_YOU.name)
        lap()
        found = retrieve(FOR_YOU.quotas_for(N), query, stock)
        lap()
        kept, _ = apply(FOR_YOU.filters, found, query, stock)
        lap()
        facts = features(kept, query, stock)
        lap()
        scored = replace(kept, scores=live.path.ranker.score(facts))
        lap()
        shown = spread(scored, stock, N)
        lap()
        told = explain(shown, query, stock, live.items)
        lap()
        orjson.dumps(told)
        lap()
        for name, seconds in zip(STAGES, np.diff(marks).tolist(), strict=True):
            spent[name].append(seconds * 1000)
    return spent


STAGES = ("hydrate", "retrieve", "filter", "features", "rank", "spread", "explain", "json")


def main() -> None:
    """Runs the three measurements and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--posters", type=int, default=10)
    options = parser.parse_args()
    with copied(options.home) as home:
        with ListeningLog(home.log) as log:
            users, items = log.user_ids(), log.item_ids()
        print(f"{len(users):,} listeners, {len(items):,} items, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        with served(home) as server:
            port = server.port
            asyncio.run(slates(port, users, options.rate, 2.0, options.connections))
            before = cpu_seconds(server.pid)
            spent, errors = asyncio.run(slates(port, users, options.rate, options.seconds, options.connections))
            cpu_ms = (cpu_seconds(server.pid) - before) / len(spent) * 1000
            print(f"for_you n={N} at {options.rate:g}/s: {quantiles(spent)}, {errors} errors of {len(spent):,}")
            print(f"    processor time of the server for each: {cpu_ms:.1f} ms")
            accepted, p99 = asyncio.run(events(port, users, items, options.posters, 5.0))
            print(f"events from {options.posters} posters: {accepted:,.0f} a second, p99 {p99:.1f} ms")
            spent, fresh = asyncio.run(under_load(port, users, items, options.rate))
            print(f"with {EVENTS_A_SECOND:,} events a second: slates {quantiles(spent)}")
            print(f"    from event to taste: {quantiles(fresh)} of {len(fresh)}")
            print(f"memory: {resident_mb(server.pid):.0f} MB in all processes")
        stages = breakdown(home, users)
        print("in process: " + ", ".join(f"{name} {np.mean(ms):.2f}" for name, ms in stages.items()) + " ms (mean)")
        print("whole slate in process: " + quantiles([sum(parts) for parts in zip(*stages.values(), strict=True)]))


if __name__ == "__main__":
    main()
