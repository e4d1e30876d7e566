"""How long a head takes in the request path: 200 items for one listener, one question after another.

python examples/personal_search.py HOME --register     (and the other examples)
python benchmarks/heads.py HOME
"""

import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np

from palate.core.clock import Clock
from palate.core.home import Home
from palate.listening.log import ListeningLog
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from stamp import stamp

ITEMS, LISTENERS, QUESTIONS = 200, 500, 5_000


def main(root: Path) -> None:
    """A line for each live head."""
    print(stamp())
    home = Home(root).require()
    with ListeningLog(home.log) as log:
        live = LiveHome.open(home, Clock(log.calendar()))
    users = list(islice(live.store.users(live.space.label), LISTENERS))
    queries = [live.query(Ask(user), "heads") for user in users]
    rng = np.random.default_rng(0)
    for told in live.heads.told():
        seconds, cpu = [], []
        for one in rng.integers(0, len(users), QUESTIONS).tolist():
            rows = rng.integers(0, live.path.stock.n_items, ITEMS).astype(np.int32)
            begun, used = time.perf_counter(), time.thread_time()
            found = live.heads.score(told["name"], queries[one], rows, users[one])
            seconds.append(time.perf_counter() - begun)
            cpu.append(time.thread_time() - used)
        if found.values is None:
            print(f"{told['name']}: {found.note}")
            continue
        (middle, late), own = np.quantile(seconds, (0.5, 0.99)) * 1_000, np.quantile(cpu, 0.99) * 1_000
        where = f"{found.head} from {found.space} ({told['serves']})"
        print(f"{where}: p50 {middle:.2f} ms, p99 {late:.2f} ms, of the thread's own time p99 {own:.2f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
