"""How much of the catalogue is shown in two weeks, and how much a day repeats the day before: SIMULATED listeners.

    python benchmarks/airing_days.py --home DIR [--listeners 200] [--days 14] [--aired 0 0.05] [--exploration 0 0.02]
        [--surfaces for_you home daily_mix discover_weekly]

DIR is a home that `palate demo` made; each setting gets a copy of it. Every evening everybody asks for the surfaces, as
long as ASKED says, is answered as by a server that logs, and goes through the first SLATE of for_you by the rule of
planted_feedback.py. What they heard and skipped is appended to the log and folded into the records before the next day.

share      of what can be played, shown to anybody by this surface
each       different items that it showed one listener, the mean
overlap    of its items of a day, the share that it showed the listener on the day before too
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from palate.catalog.catalog import Catalog
from palate.core.clock import DAY_SECONDS, Calendar, Clock
from palate.core.home import Home
from palate.core.ids import ItemId, UserId
from palate.core.listens import Event, Listen, in_columns
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.evaluation.ceiling import Ceiling, load_ceiling
from palate.fresh.engine import open_store
from palate.fresh.fold import Folder
from palate.jobs.inputs import gather
from palate.jobs.slates import overlaps
from palate.listening.airing import Airing
from palate.listening.attributes import Attributes
from palate.listening.log import ListeningLog
from palate.listening.slates import FILE, SlateLog, SlateSettings
from palate.store.items import ItemStore
from palate.surfaces.airings import Airings
from palate.surfaces.answered import answered
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.screens.discover_weekly import week_of
from planted_feedback import SECONDS_EACH, SLATE, Outcome, visit
from served import copied
from stamp import stamp

ASKED = {"for_you": 50, "home": 60, "daily_mix": 30, "discover_weekly": 30}
EVENING = 0.75  # of a home day
SLATES = SlateSettings(features_share=0.0)


def lived(
    home: Home, inputs: Inputs, planted: Ceiling, users: Sequence[int], days: int, surfaces: Sequence[str]
) -> tuple[Outcome, list[Airing], Calendar]:
    """Days in one home: what came of for_you, the first of the surfaces, and all that was shown, by listener."""
    rng, outcome, heard = np.random.default_rng(0), Outcome(len(users)), inputs.history.heard()
    ids, met = inputs.history.users, set((heard.user.astype(np.int64) * heard.n_items + heard.item).tolist())
    with (
        ListeningLog(home.log) as log,
        open_store(home, readonly=False) as store,
        ItemStore(home.online / "items") as items,
        SlateLog(home.listening / FILE) as slates,
    ):
        calendar, today = log.calendar(), [0.0]  # home seconds
        clock, attributes = Clock(calendar, lambda: calendar.unix_time(today[0])), Attributes(home.listeners)
        space = Spaces(home.spaces).live
        live = LiveHome(home, space, clock, store, items, attributes, airings=Airings(slates))
        folder = Folder.of(space, log, store, items, calendar, attributes)
        first = np.floor(inputs.history.end / DAY_SECONDS) + 1
        for day in range(days):
            today[0], coins = float(first + day + EVENING) * DAY_SECONDS, rng.random((len(users), SLATE))
            shown, listens = [], list[Listen]()
            for user, dice in zip(users, coins, strict=True):
                mine = [answered(live, name, Ask(ids[user], ASKED[name]), SLATES) for name in surfaces]
                slate = mine[0].rows[:SLATE].tolist()
                shown += mine
                listens += [
                    listen(ids[user], str(items.id(item)), skip, calendar.unix_time(when))
                    for _, item, skip, when in visit(user, slate, dice, planted, met, today[0], outcome)
                ]
            slates.append(shown)
            log.append(in_columns(listens))
            folder.catch_up()
        return outcome, list(slates.airings(0.0)), calendar


def listen(user: str, item: str, skip: bool, timestamp: float) -> Listen:
    """One play to the end, or one skip."""
    event, seconds = (Event.SKIP, 8.0) if skip else (Event.PLAY, SECONDS_EACH)
    return Listen(UserId(user), ItemId(item), timestamp, event, seconds, SECONDS_EACH)


def weekly_overlap(shown: Sequence[Airing], calendar: Calendar) -> float:
    """Of a list of the week, the share that was in the list of the week before, the mean over listeners and weeks."""
    found = []
    for _, group in groupby((one for one in shown if one.surface == "discover_weekly"), key=lambda one: one.user):
        weeks: dict[str, set[int]] = defaultdict(set)
        for one in group:
            weeks[week_of(calendar.home_time(one.time))] |= set(one.rows.tolist())
        found += [len(weeks[a] & weeks[b]) / len(weeks[b]) for a, b in pairwise(sorted(weeks))]
    return float(np.mean(found)) if found else float("nan")


def row(name: str, shown: Sequence[Airing], overlap: Sequence[float], items: int) -> str:
    """One line of the table: `share`, `each`, `overlap`."""
    mine: dict[str, set[int]] = defaultdict(set)
    for one in shown:
        if name in ("all", one.surface):
            mine[one.user] |= set(one.rows.tolist())
    share = len(set().union(*mine.values())) / items
    each = np.mean([len(rows) for rows in mine.values()])
    return f"{name} | {share:.1%} | {each:.0f} | {f'{np.mean(overlap):.2f}' if overlap else ''}"


def main() -> None:
    """Prints one row for each surface and setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--aired", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--exploration", type=float, nargs="+", default=[0.0, 0.02])
    parser.add_argument(
        "--surfaces", nargs="+", choices=list(ASKED), default=list(ASKED), help="for_you is always asked"
    )
    options = parser.parse_args()
    source, surfaces = Home(options.home), list(dict.fromkeys(["for_you", *options.surfaces]))
    inputs = gather(source)
    planted = load_ceiling(source.root / "world", inputs.history.users, Catalog.open(source.catalog).ids)
    if planted is None:
        raise SystemExit(f"{source.root} holds no simulated world; make one with palate demo")
    plays = np.bincount(inputs.history.user, minlength=len(inputs.history.users))
    able = np.flatnonzero((plays >= 20) & (planted.users >= 0))
    users = np.sort(np.random.default_rng(0).choice(able, min(options.listeners, len(able)), replace=False)).tolist()
    with ItemStore(source.online / "items") as items:
        playable = int(np.asarray(items.facets().available).sum())
    print(f"SIMULATED. {stamp()}\n{len(users)} listeners, {options.days} days, {playable:,} items\n")
    print("| aired | exploration | surface | share | each | overlap | skipped |\n|---|---|---|---|---|---|---|")
    for aired in options.aired:
        for exploration in options.exploration:
            with copied(source.root, "lab", "jobs", "world") as home:
                with home.settings.open("a", encoding="utf-8") as settings:
                    settings.write(f"\n[arrange]\naired = {aired}\nexploration = {exploration}\n")
                outcome, shown, calendar = lived(home, inputs, planted, users, options.days, surfaces)
            repeats, skipped = overlaps(shown, calendar), f"{outcome.skipped / max(outcome.shown, 1):.1%}"
            for name in (*surfaces, "all"):
                told = row(name, shown, repeats.get(name, []), playable)
                print(f"| {aired:g} | {exploration:g} | {told} | {skipped if name == 'for_you' else ''} |", flush=True)
            if "discover_weekly" in surfaces:
                weekly = f"discover_weekly, weeks | | | {weekly_overlap(shown, calendar):.2f}"
                print(f"| {aired:g} | {exploration:g} | {weekly} | |", flush=True)


if __name__ == "__main__":
    main()
