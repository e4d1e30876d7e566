"""Reports that nobody measured: FABRICATED numbers in the shape of `report.data.to_json`, for looking at the page."""

import random
from typing import Any

Row = dict[str, Any]

DAY = 86_400.0
END = 1_419_292_800.0  # 2014-12-23
AGES = [0.0, 3_600.0, 14_400.0, DAY, 3 * DAY, 7 * DAY, 28 * DAY]
FADING = (1.0, 0.985, 0.96, 0.91, 0.85, 0.78, 0.66)
METHODS = {  # name: (kind, NDCG@100 on next)
    "for_you": ("palate", 0.1209),
    "taste": ("palate", 0.1104),
    "mine": ("yours", 0.1131),
    "item-knn": ("baseline", 0.1110),
    "ease": ("baseline", 0.1106),
    "ials": ("baseline", 0.1012),
    "own-history": ("baseline", 0.0978),
    "popular-7d": ("baseline", 0.0302),
    "popular-all": ("baseline", 0.0291),
    "random": ("baseline", 0.0021),
    "planted": ("ceiling", 0.2114),
}
ACCURACY = {"ndcg@10": 0.72, "recall@10": 0.9, "recall@100": 1.5, "mrr@100": 1.25, "hit_rate@10": 2.1}
COHORTS = (
    "country: SE",
    "country: BR",
    "under 20 plays",
    "over 500 plays",
    "explorers",
    "mainstream",
    "new this month",
)
SPACES = ["taste@7", "company@7", "ials", "random"]
PROBES = {"returns": "auc", "hears podcasts": "auc", "country": "auc", "plays next week": "spearman"}
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "a&b 'c' \"d\"",
    "</style><h1>",
    "\u202eabc",
    "x" * 120,
)


def interval(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half * 0.9, "high": value + half}


def row(chance: random.Random, name: str, level: float) -> Row:
    """What one method scores."""
    accuracy = {key: interval(level * part * chance.uniform(0.95, 1.05), 0.011) for key, part in ACCURACY.items()}
    return {
        "method": name,
        "ndcg@100": interval(level, 0.011),
        **accuracy,
        "coverage@100": chance.uniform(0.05, 0.8),
        "exposure_gini@100": chance.uniform(0.5, 0.95),
        "novelty@10": interval(chance.uniform(4.0, 11.0), 0.1),
        "popularity@10": interval(chance.uniform(0.005, 0.2), 0.004),
        "diversity@10": interval(chance.uniform(0.3, 0.9), 0.02),
        "genre_calibration@10": interval(chance.uniform(0.1, 0.6), 0.02),
        "overlap@10": None,
        "seed_spread": 0.0004 if name in ("ials", "mine") else None,
    }


def task(chance: random.Random, levels: dict[str, float], kinds: dict[str, str], about: str, of: str) -> Row:
    """One task; the best method that is no ceiling is compared with each other one."""
    order = sorted(levels, key=lambda name: -levels[name])
    first = next(name for name in order if kinds[name] != "ceiling")
    top = max((levels[name] for name in order if kinds[name] == "ceiling"), default=None)
    rows = []
    for name in order:
        gap = levels[first] - levels[name]
        p = 0.0001 if gap > 0.01 else 0.0002 if gap > 0.0037 else 0.21
        tested = name != first and kinds[name] != "ceiling"
        difference = {**interval(gap, 0.0037), "p": p, "p_holm": min(1.0, 5 * p)} if tested else None
        share = levels[name] / top if top else None
        rows.append({**row(chance, name, levels[name]), "first_minus_this": difference, "of_ceiling": share})
    cohorts = [cohort(chance, name, place, levels) for place, name in enumerate(COHORTS)]
    worst = min(cohorts, key=lambda one: one["methods"][first]["value"])
    return {
        "about": about, "metric": "ndcg@100", "of": of, "rows": 1_537, "users": 1_404, "reason": None, "first": first,
        "methods": rows, "absent": [name for name in kinds if name not in levels and kinds[name] != "ceiling"],
        "cohorts": cohorts, "worst": {"cohort": worst["cohort"], **worst["methods"][first]},
    }  # fmt: skip


def cohort(chance: random.Random, name: str, place: int, levels: dict[str, float]) -> Row:
    half = 0.02 + 0.03 / (place + 1)
    found = {one: interval(level * chance.uniform(0.6, 1.3), half) for one, level in levels.items()}
    rule = "fabricated rule at the window's start"
    return {"cohort": name, "rule": rule, "rows": 90 + 60 * place, "users": 80 + 55 * place, "methods": found}


def tasks(chance: random.Random, simulated: bool) -> dict[str, Row]:
    """Ahead, ahead, undecided, without questions, behind."""
    kinds = {name: kind for name, (kind, _) in METHODS.items()}
    levels = {name: level for name, (kind, level) in METHODS.items() if simulated or kind != "ceiling"}
    real = {name: level for name, level in levels.items() if name != "planted"}
    discover = {name: 0.58 * level for name, level in real.items()} | {"own-history": 0.0258, "for_you": 0.0709}
    hours = {name: 1.4 * level for name, level in real.items()} | {"item-knn": 0.1690, "for_you": 0.1697}
    similar = {"item-knn": 0.141, "taste": 0.112, "ease": 0.135, "random": 0.002}
    return {
        "next": task(chance, levels, kinds, "What a listener hears in the week, re-listens included.", "listeners"),
        "discover": task(chance, discover, kinds, "What a listener hears for the first time.", "listeners"),
        "next-hours": task(chance, hours, kinds, "What a listener hears in the next hours.", "listeners"),
        "playlists": {"reason": "this home has no playlist that grew in a window", "rows": 0, "methods": []},
        "similar": task(chance, similar, kinds, "Which items are heard in the same sitting as an item.", "items"),
    }


def staleness() -> Row:
    methods = {
        name: [interval(1.4 * METHODS[name][1] * part ** (1 + 0.4 * place), 0.009) for part in FADING]
        for place, name in enumerate(("for_you", "taste", "item-knn", "own-history"))
    }
    return {"task": "next-hours", "metric": "ndcg@100", "ages_seconds": AGES, "rows": 1_212, "methods": methods}


def cold_start() -> Row:
    told = {"listens": ("for_you", "taste", "item-knn", "popular-7d"), "listens and picks": ("for_you", "taste")}
    targets = {}
    for target, share in (("next", 1.0), ("discover", 0.6)):
        methods = {
            condition: {
                name: [interval(share * (0.03 + METHODS[name][1] * (known + place) / 5), 0.01) for known in range(4)]
                for name in names
            }
            for place, (condition, names) in enumerate(told.items())
        }
        about = "what is heard then, FABRICATED"
        targets[target] = {"about": about, "rows": 512, "picked": 80, "methods": methods, "minus_floor": methods}
    return {"metric": "ndcg@100", "listens": [0, 1, 3, 10], "floor": "popular-7d", "targets": targets}


def lifts(chance: random.Random, rules: tuple[str, ...]) -> list[Row]:
    found = []
    for place, rule in enumerate(rules):
        for space in SPACES:
            value = 1.0 if space == "random" else chance.uniform(1.5, 9.0)
            about = {"space": space, "heuristic": rule, "about": "fabricated", "trained_on": not place, "n": 1_404}
            share, lift = interval(0.04 * value, 0.01), interval(value, 0.25 * value)
            found.append({**about, "share": share, "random": 0.04, "lift": lift})
    return found


def probes(chance: random.Random) -> Row:
    found = []
    for name, metric in PROBES.items():
        scores = {space: interval(chance.uniform(0.5, 0.9), 0.02) for space in SPACES}
        about = {"task": name, "about": "fabricated", "metric": metric, "counts": name != "country"}
        found.append({**about, "rows": 900, "positives": 120 if metric == "auc" else None, "scores": scores})
    borda = dict(zip(SPACES, (0.89, 0.67, 0.33, 0.11), strict=True))
    wide = {space: interval(value, 0.08) for space, value in borda.items()}
    absent = [{"task": "hears audiobooks", "reason": "nobody did"}]
    return {"spaces": SPACES, "tasks": found, "borda": borda, "borda_intervals": wide, "absent": absent}


def twin() -> Row:
    gone = {"last_week": None, "random": None, "twin_minus_last_week": None}
    artists = {"twin": interval(0.38, 0.02), "last_week": interval(0.41, 0.03), "random": interval(0.02, 0.01)}
    plays = {"twin": interval(2.4, 0.3), "last_week": interval(6.1, 0.5), "random": None}
    about = {"about": "fabricated", "listeners": 640, "one_draw": interval(0.3, 0.02)}
    no, yes = "no clear difference between the twin and last week", "the twin is nearer"
    measures = [
        {**about, "measure": "artists", "unit": "overlap", "higher_is_better": True, **artists, "verdict": no},
        {**about, "measure": "plays", "unit": "error", "higher_is_better": False, **plays, "verdict": yes},
        {
            **about,
            "measure": "plays in band",
            "unit": "share",
            "twin": interval(0.81, 0.02),
            **gone,
            "verdict": "right",
        },
    ]
    measures[0]["twin_minus_last_week"] = interval(-0.03, 0.04)
    measures[1]["twin_minus_last_week"] = interval(-3.7, 0.5)
    return {"listeners": 812, "active": 640, "draws": 50, "fitted": {"repeat": 0.4}, "measures": measures}


def window(back: int) -> dict[str, float]:
    start = END - 7 * DAY - 28 * DAY * back
    return {"at": start - 1_800.0, "start": start, "end": start + 7 * DAY}


def method(chance: random.Random, about: str, kind: str) -> Row:
    return {
        "about": about,
        "kind": kind,
        "fit_seconds": chance.uniform(0.1, 24),
        "ms_per_listener": chance.uniform(0.1, 3),
    }


def full(simulated: bool = False, seed: int = 0) -> Row:
    """Every section."""
    chance = random.Random(seed)
    made = {"palate": "0.2.0", "date": "2026-11-22", "commit": "0a7382e4b1", "machine": "2 cores, FABRICATED"}
    return {
        "format": 2,
        "simulated": simulated,
        "made": {**made, "seconds": 412.0},
        "data": {"listens": 265_252, "users": 11_606, "items": 9_950, "start": 1_390_176_000.0, "end": END},
        "settings": {
            "windows": 8, "spacing_days": 28.0, "horizon_days": 7.0, "gap_hours": 0.5, "min_train_plays": 5,
            "k": [10, 100], "seeds": 3, "seed": 0, "bootstrap": 1000,
        },
        "windows": [window(back) for back in reversed(range(8))],
        "dropped_windows": [window(back) for back in (11, 10)],
        "methods": {
            name: method(chance, f"What {name} does, FABRICATED.", kind) for name, (kind, _) in METHODS.items()
        },
        "tasks": tasks(chance, simulated),
        "cohorts_left_out": {"language": "listeners have no column language"},
        "staleness": staleness(),
        "cold_start": cold_start(),
        "intrinsic": {
            "listeners": lifts(chance, ("same top artist", "same top item", "same hours")),
            "items": lifts(chance, ("same artist", "same album")),
            "left_out": {"listeners: country": "nobody says where they are"},
        },
        "probes": probes(chance),
        "twin": twin(),
    }  # fmt: skip


def small(simulated: bool = False) -> Row:
    """Every section, with two tasks of three methods: for tests that read many pages."""
    report = full(simulated)
    report["tasks"] = {name: report["tasks"][name] for name in ("next", "playlists")}
    part = report["tasks"]["next"]
    part["methods"] = [one for one in part["methods"] if one["method"] in ("planted", "for_you", "item-knn")]
    part["cohorts"] = part["cohorts"][:2]
    report["compare"] = comparison()
    return report


def nothing() -> Row:
    """Every part null."""
    return {"format": 2, "simulated": False, "compare": None, **dict.fromkeys(set(full()) - {"format", "simulated"})}


def crowded() -> Row:
    """Forty methods, the nasty names among them, and one cohort."""
    chance = random.Random(3)
    names = [*NASTY, "popular-all", *(f"method {place:02d} of a large family" for place in range(33))]
    kinds = dict.fromkeys(names, "baseline") | {NASTY[0]: "palate"}
    levels = {name: 0.14 - 0.003 * place for place, name in enumerate(names)}
    part = task(chance, levels, kinds, NASTY[0], "listeners")
    part["cohorts"] = [{**part["cohorts"][0], "cohort": NASTY[1], "rule": NASTY[0]}]
    part["worst"] = {"cohort": NASTY[1], **part["cohorts"][0]["methods"][NASTY[0]]}
    report = full()
    report["methods"] = {name: method(chance, NASTY[1], kinds[name]) for name in names}
    report["tasks"] = {NASTY[3]: part}
    report["cold_start"]["targets"] = {NASTY[0]: report["cold_start"]["targets"]["next"] | {"about": NASTY[1]}}
    report["staleness"]["task"] = NASTY[3]
    report["staleness"]["methods"] = {name: [interval(levels[name], 0.01) for _ in AGES] for name in names}
    report["probes"]["tasks"][0]["task"] = NASTY[0]
    report["intrinsic"]["items"][0]["heuristic"] = NASTY[0]
    report["twin"]["measures"][0]["measure"] = NASTY[0]
    report["made"]["machine"] = NASTY[0]
    report["settings"]["note"] = NASTY[0]
    report["compare"] = comparison(NASTY[0], NASTY[1])
    return report


def comparison(a: str = "taste@3", b: str = "taste@4") -> Row:
    """b against a on two tasks; the difference is b minus a."""
    better = {**interval(0.0067, 0.003), "p": 0.0004, "p_holm": 0.0008}
    level = {**interval(-0.0006, 0.002), "p": 0.61, "p_holm": 0.61}
    size = {"metric": "ndcg@100", "rows": 1_537, "users": 1_404}
    of_next = {"a": interval(0.1104, 0.011), "b": interval(0.1171, 0.011), "difference": better}
    of_discover = {"a": interval(0.0658, 0.008), "b": interval(0.0652, 0.008), "difference": level}
    return {
        "a": a,
        "b": b,
        "mode": "Both answered the same questions about the same listeners.",
        "tasks": {
            "next": {**size, **of_next, "verdict": f"{b} is better"},
            "discover": {**size, **of_discover, "verdict": "cannot be told apart"},
        },
    }
