"""A judging as runs of the lab: one for the whole, and one for each method's marks in each task.

So `palate lab runs --where "task == 'discover' and ndcg_at_10 > .05"` compares methods over all judgings so far.
"""

from collections.abc import Iterator
from typing import Any

from palate.core.home import Home
from palate.core.recording import Table, log, summarize
from palate.jobs.kept import record
from palate.lab.run import Run

JOB = "eval"  # of the runs with marks


def keep_marks(home: Home, run: Run | None, data: dict[str, Any], about: dict[str, Any]) -> None:
    """Tells the run (None: there is none) its tables and what it came to, and writes down a run for every mark."""
    for task, told in data["tasks"].items():
        rows = told["methods"]
        if not rows:
            continue
        columns = [name for name in rows[0] if isinstance(_value(rows[0][name]), float)]
        log({f"marks.{task}": Table(["method", *columns], [_row(row, columns) for row in rows])})
        summarize({f"{task}.{row['method']}.{_named(told['metric'])}": _value(row[told["metric"]]) for row in rows})
        for row in rows if run is not None else []:
            method = data["methods"][row["method"]]
            config = {"task": task, "method": row["method"], "kind": method["kind"], "windows": len(data["windows"])}
            summary = dict(_marks(row)) | {"rows": told["rows"], "users": told["users"]}
            summary |= {name: method[name] for name in ("fit_seconds", "ms_per_listener")}
            record(
                home, JOB, name=f"{row['method']} {task}", config=config, summary=summary, about=about,
                group=run.id if run else "",
            )  # fmt: skip


def keep_probes(found: dict[str, Any]) -> None:
    """Tells the run each probe's score by space, and the spaces' Borda shares: `probes.borda.ials`."""
    spaces = found["spaces"]
    rows = [[one["task"], one["metric"], *(_value(one["scores"][space]) for space in spaces)] for one in found["tasks"]]
    log({"probes": Table(["task", "metric", *spaces], rows)})
    summarize({f"probes.borda.{space}": share for space, share in found["borda"].items()})


def _marks(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """ndcg@10 as ndcg_at_10, and its bounds as ndcg_at_10.low and .high; without what was not measured."""
    for name, found in row.items():
        value = _value(found)
        if isinstance(value, float):
            yield _named(name), value
        if isinstance(found, dict) and name.startswith("ndcg"):
            yield from ((f"{_named(name)}.{end}", found[end]) for end in ("low", "high"))


def _named(metric: str) -> str:
    return metric.replace("@", "_at_")


def _value(found: Any) -> Any:
    return found.get("value") if isinstance(found, dict) else found


def _row(row: dict[str, Any], columns: list[str]) -> list[Any]:
    return [row["method"], *(_value(row[name]) for name in columns)]
