"""Times of each stage of the request path, measured around the functions that the path calls.

In processor time of the thread: on a machine with other work the clock would show whose turn it was.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from palate.core.home import Home
from palate.jobs.online import open_live
from palate.ranking import features as features_module
from palate.ranking.ranker import Ranker
from palate.surfaces import path as path_module
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer

ANSWERS, WARM = 600, 100


@dataclass(frozen=True)
class Stage:
    """Milliseconds that one stage took in an answer."""

    name: str
    mean_ms: float
    p50_ms: float
    p99_ms: float


def stages(home: Home, surface: str, n: int) -> tuple[list[Stage], list[str], dict[str, Any]]:
    """Each stage and the whole; the listeners; what the home holds. Nested stages count in the outer one as well."""
    live = open_live(home)
    users = list(live.store.users(live.space.label))
    spent: dict[str, list[float]] = defaultdict(list)

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            start = time.thread_time()
            result = work(*given, **named)
            spent[name][-1] += (time.thread_time() - start) * 1000
            return result

        return call

    watched: list[tuple[Any, str, str]] = [
        (LiveHome, "query", "hydrate"), (path_module, "retrieve", "retrieve"), (path_module, "apply", "filter"),
        (features_module, "features", "features"), (Ranker, "score", "trees"), (path_module, "explain", "explain"),
    ]  # fmt: skip
    from palate.surfaces.screens import for_you

    watched.append((for_you, "features", "features"))
    before = [(place, name, getattr(place, name)) for place, name, _ in watched]
    for place, name, stage in watched:
        setattr(place, name, timed(stage, getattr(place, name)))
    try:
        rng = random.Random(1)
        for user in rng.choices(users, k=WARM + ANSWERS):
            for stage in ("hydrate", "retrieve", "filter", "features", "trees", "explain", "json", "whole"):
                spent[stage].append(0.0)
            start = time.thread_time()
            slate = answer(live, surface, Ask(user, n))
            done = time.thread_time()
            orjson.dumps(slate)
            end = time.thread_time()
            spent["json"][-1], spent["whole"][-1] = (end - done) * 1000, (end - start) * 1000
    finally:
        for place, name, old in before:
            setattr(place, name, old)
    found = []
    for name, values in spent.items():
        ms = np.array(values[WARM:])
        found.append(Stage(name, float(ms.mean()), float(np.median(ms)), float(np.percentile(ms, 99))))
    facts = {"items": live.path.stock.n_items, "listeners": len(users), "index": live.path.stock.index.kind}
    return found, users, facts
