"""Some runs side by side: what was set differently, and what came of it."""

from collections.abc import Sequence
from typing import Any

from palate.core.errors import BadInput
from palate.lab.info import RunInfo
from palate.lab.listing import differences
from palate.lab.ui.view import brief, direction, is_number, simulated

MOST_RUNS = 8
# What has to be the same for numbers to be compared, and what it says when it is not.
SAME_FOR_ALL = {
    "data": "They read different data, so a difference may come from the data.",
    "seed": "They have different seeds; a small difference may be chance.",
    "machine": "They ran on different machines; compare no times.",
}


def compared(infos: Sequence[RunInfo]) -> dict[str, Any]:
    """2 to 8 runs: `config` and `about` where they differ, every `summary` with its difference to the first run.

    Each of `config`, `about` and `summary` is a list of {"name", "values"}; `summary` has `differences` (None where one
    of the two is no number) and `best`: the places of the best, none when all are equal or nobody knows which way is
    better. `cautions` are sentences on why the numbers may not be comparable. BadInput for fewer or more runs.
    """
    if not 2 <= len(infos) <= MOST_RUNS:
        raise BadInput(f"{len(infos)} runs were given to compare, and 2 to {MOST_RUNS} are needed; choose others")
    settings = differences(infos, "config")
    return {
        "runs": [brief(info) for info in infos],
        "config": _rows(settings),
        "same_settings": len({name for info in infos for name in info.config}) - len(settings),
        "about": _rows({name: values for name, values in differences(infos, "about").items() if _differ(values)}),
        "summary": [_measured(name, values) for name, values in differences(infos, "summary").items()],
        "cautions": _cautions(infos),
    }


def _rows(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "values": values} for name, values in table.items()]


def _differ(values: Sequence[Any]) -> bool:
    return len(set(map(repr, values))) > 1


def _measured(name: str, values: Sequence[Any]) -> dict[str, Any]:
    first = values[0]
    beside = [v - first if is_number(v) and is_number(first) else None for v in values[1:]]
    numbers, way = [value for value in values if is_number(value)], direction(name)
    best: list[int] = []
    if way and len(set(numbers)) > 1:
        top = max(numbers, key=lambda value: way * value)
        best = [place for place, value in enumerate(values) if value == top]
    return {"name": name, "values": values, "differences": [None, *beside], "best": best}


def _cautions(infos: Sequence[RunInfo]) -> list[str]:
    told = [say for name, say in SAME_FOR_ALL.items() if _differ([info.about.get(name) for info in infos])]
    if len({simulated(info) for info in infos}) > 1:
        told.insert(0, "Some of them are of simulated listeners and some are not; their numbers do not compare.")
    told += [f"{info.name} is {info.state}: its numbers are not final." for info in infos if info.state != "finished"]
    return told
