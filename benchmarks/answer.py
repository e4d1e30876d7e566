"""What does a whole answer cost, and where does each millisecond go?

    python benchmarks/answer.py --home DIR [--items 1000000] [--rate 100] [--seconds 20] [--n 50] [--surface for_you]

With --items the catalogue is first grown to that many (answering/grown.py; SIMULATED). The stages of the path
are timed inside this process. Then a server with one worker answers the surface for random known listeners at a fixed
rate, over HTTP, from a client in this process; a time counts from when its request was due. The home is copied first.
"""

import argparse
import asyncio
import os
import random
import resource
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from answering.grown import grow
from answering.stages import Stage, stages
from palate.core.home import Home
from served import Connection, cpu_seconds, quantiles, resident_mb, served
from stamp import stamp

WARM_SECONDS = 3.0


async def asked(port: int, users: list[str], path: str, rate: float, seconds: float) -> tuple[list[float], int, int]:
    """Milliseconds from due to answered, how many were no 200, bytes of an answer on average."""
    lines, rng = [Connection(port) for _ in range(8)], random.Random(0)
    spent: list[float] = []
    errors = size = 0

    async def one(due: float) -> None:
        nonlocal errors, size
        free = min(lines, key=lambda line: line.turn.locked())
        status, body = await free.ask("GET", path.format(quote(rng.choice(users), safe="")))
        errors, size = errors + (status != 200), size + len(body)
        spent.append((time.perf_counter() - due) * 1000)

    start, tasks = time.perf_counter() + 0.1, []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return spent, errors, size // len(spent)


def told(found: list[Stage]) -> None:
    """One line a stage."""
    print(f"{'stage':<12}{'p50 ms':>9}{'p99 ms':>9}{'mean ms':>9}")
    for stage in found:
        print(f"{stage.name:<12}{stage.p50_ms:>9.3f}{stage.p99_ms:>9.3f}{stage.mean_ms:>9.3f}")


def main() -> None:
    """Runs both measurements and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--items", type=int, default=0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--surface", default="for_you")
    parser.add_argument("--keep", type=Path, help="keep the grown home here, or use the one that is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = options.keep is not None and (options.keep / "palate.toml").is_file()
        root = options.keep or Path(folder) / "home"
        home = Home(root if kept else Path(shutil.copytree(options.home, root)))
        if options.items and not kept:
            start = time.perf_counter()
            grow(home, options.items)
            print(f"SIMULATED: grown to {options.items:,} items in {time.perf_counter() - start:.0f} s")
        found, users, facts = stages(home, options.surface, options.n)
        print(stamp())
        print(", ".join(f"{value:,} {name}" if isinstance(value, int) else value for name, value in facts.items()))
        told(found)
        print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB at most")
        path = f"/v1/users/{{}}/surfaces/{options.surface}?n={options.n}"
        with served(home) as server:
            asyncio.run(asked(server.port, users, path, options.rate, WARM_SECONDS))
            before = cpu_seconds(server.pid)
            spent, errors, size = asyncio.run(asked(server.port, users, path, options.rate, options.seconds))
            cpu_ms = (cpu_seconds(server.pid) - before) / len(spent) * 1000
            print(f"{options.surface} n={options.n} at {options.rate:g}/s over HTTP, one worker: {quantiles(spent)}")
            print(f"    {errors} errors of {len(spent):,}; {size:,} bytes an answer; {cpu_ms:.2f} ms of processor each")
            print(f"    memory of the server {resident_mb(server.pid):,.0f} MB; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
