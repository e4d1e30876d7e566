"""The table that a terminal shows: where the numbers come from, then one table for each task."""

import datetime
from typing import Any

from palate.evaluation.plain import aligned, bounds

CEILING = "ceiling"


def table(data: dict[str, Any]) -> str:
    """The report as text, from what `to_json` gave.

    Simulated data is marked as such in the first line: there the numbers say nothing about people.
    """
    lines = _header(data) + _compare(data)
    k = data["settings"]["k"]
    for task, part in data["tasks"].items():
        if part["reason"]:
            lines += ["", f"{task}: none; {part['reason']}"]
            continue
        lines += ["", f"{task}: {part['about']}", f"{part['rows']:,} questions about {part['users']:,} {part['of']}"]
        lines += aligned(_cells(part, k, data["methods"]))
        if part["worst"]:
            worst = part["worst"]
            lines.append(f"worst cohort of {part['first']}: {worst['cohort']}, {bounds(worst, '.4f')}")
        if part["absent"]:
            lines.append(f"cannot be asked this: {', '.join(part['absent'])}")
    lines += _staleness(data) + _cold_start(data) + _intrinsic(data) + _probes(data) + _twin(data)
    return "\n".join(lines) + "\n"


def _header(data: dict[str, Any]) -> list[str]:
    about, settings, windows = data["data"], data["settings"], data["windows"]
    lines = ["SIMULATED data: these numbers say nothing about people"] if data["simulated"] else []
    lines.append(
        f"data: {about['listens']:,} listens, {about['users']:,} listeners, {about['items']:,} items, "
        f"{date(about['start'])} .. {date(about['end'])}"
    )
    starts = ", ".join(date(window["start"]) for window in windows)
    lines.append(f"windows: {len(windows)} of {settings['horizon_days']:g} days from {starts}")
    if data["dropped_windows"]:
        starts = ", ".join(date(window["start"]) for window in data["dropped_windows"])
        lines.append(f"dropped: {len(data['dropped_windows'])} with too little log before them, from {starts}")
    lines.append(
        f"models see what came before {settings['gap_hours']:g} h before a window; "
        f"{settings['min_train_plays']}+ heard plays before it, else cold; 95% intervals over listeners, "
        f"{settings['bootstrap']} draws, seed {settings['seed']}; p corrected for all comparisons of a table (Holm)"
    )
    return lines


def _cells(part: dict[str, Any], k: list[int], methods: dict[str, Any]) -> list[list[str]]:
    short, long = k[0], k[-1]
    with_interval = dict.fromkeys((f"ndcg@{long}", f"ndcg@{short}"))
    bare = (f"recall@{long}", f"mrr@{long}", f"hit_rate@{short}")
    ceiling = any(row["of_ceiling"] for row in part["methods"])
    head = ["method", *with_interval, *bare, f"coverage@{long}", *(["of ceiling"] if ceiling else [])]
    cells = [[*head, f"{part['first']} minus this", "p"]]
    for row in part["methods"]:
        difference = row["first_minus_this"]
        cells.append(
            [
                row["method"] + (" (ceiling)" if methods[row["method"]]["kind"] == CEILING else ""),
                *(bounds(row[metric], ".4f") for metric in with_interval),
                *(f"{row[metric]['value']:.4f}" for metric in bare),
                "-" if row[f"coverage@{long}"] is None else f"{row[f'coverage@{long}']:.3f}",
                *([f"{row['of_ceiling']:.0%}"] if ceiling else []),
                "-" if difference is None else bounds(difference, "+.4f"),
                "-" if difference is None else f"{difference['p_holm']:.4f}",
            ]
        )
    return cells


def _staleness(data: dict[str, Any]) -> list[str]:
    found = data["staleness"]
    if not found:
        return []
    lines = ["", f"{found['metric']} of {found['task']} by the age of what is known of the listener"]
    cells = [["method", *(age(one) for one in found["ages_seconds"])]]
    for name, values in found["methods"].items():
        cells.append([name, *("-" if one is None else f"{one['value']:.4f}" for one in values)])
    return lines + aligned(cells)


def _cold_start(data: dict[str, Any]) -> list[str]:
    found = data.get("cold_start") or {}
    lines: list[str] = []
    for target, part in found.get("targets", {}).items():
        if not part["rows"]:
            continue
        about = (
            f"{found['metric']} of {part['rows']:,} newcomers by how many listens are known, {target}: {part['about']}"
        )
        lines += ["", about]
        cells = [["method", "known", *(f"{one:g}" for one in found["listens"])]]
        for condition, methods in part["methods"].items():
            for name, values in methods.items():
                cells.append([name, condition, *("-" if one is None else f"{one['value']:.4f}" for one in values)])
        lines += aligned(cells)
    return lines


def _compare(data: dict[str, Any]) -> list[str]:
    found = data.get("compare")
    if not found:
        return []
    lines = ["", f"{found['b']} against {found['a']}: {found['mode']}"]
    cells = [["task", "metric", found["a"], found["b"], "difference", "p", "verdict"]]
    for task, part in found["tasks"].items():
        difference = part["difference"]
        marks = [bounds(part[name], ".4f") for name in ("a", "b")]
        row = [task, part["metric"], *marks, bounds(difference, "+.4f"), f"{difference['p_holm']:.4f}"]
        cells.append([*row, part["verdict"]])
    return lines + aligned(cells)


def _intrinsic(data: dict[str, Any]) -> list[str]:
    found = data.get("intrinsic") or {}
    lines: list[str] = []
    for of in ("listeners", "items"):
        if found.get(of):
            lines += ["", f"the 50 nearest {of}: how many share something, and how much more often than by chance"]
            cells = [["space", "same", "share", "by chance", "lift"]]
            for row in found[of]:
                by_chance = "-" if row["random"] is None else f"{row['random']:.3f}"
                share, lift = bounds(row["share"], ".3f"), bounds(row["lift"], ".2f")
                cells.append([row["space"], row["heuristic"], share, by_chance, lift])
            lines += aligned(cells)
    return lines


def _probes(data: dict[str, Any]) -> list[str]:
    found = data.get("probes")
    if not found:
        return []
    lines = ["", "probes: one small fixed head on frozen vectors, trained on earlier weeks, tested on later ones"]
    cells = [["task", "metric", *found["spaces"]]]
    for row in found["tasks"]:
        marks = [row["scores"].get(space) for space in found["spaces"]]
        cells.append([row["task"], row["metric"], *("-" if one is None else f"{one['value']:.3f}" for one in marks)])
    cells.append(["Borda", "0 to 1", *(f"{found['borda'][space]:.2f}" for space in found["spaces"])])
    return lines + aligned(cells)


def _twin(data: dict[str, Any]) -> list[str]:
    found = data.get("twin")
    if not found:
        return []
    lines = ["", f"the twin: {found['listeners']:,} listeners' next week, simulated and compared with what they did"]
    cells = [["measure", "unit", "twin", "last week again", "random"]]
    for row in found["measures"]:
        marks = [bounds(row[name], ".3f") for name in ("twin", "last_week", "random")]
        cells.append([row["measure"], row["unit"], *marks])
    return lines + aligned(cells)


def age(seconds: float) -> str:
    """0 -> "now", 3600 -> "1 h", 86400 -> "1 d"."""
    if not seconds:
        return "now"
    return f"{seconds / 3600:g} h" if seconds < 86_400 else f"{seconds / 86_400:g} d"


def date(seconds: float) -> str:
    """The UTC day of home seconds."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
