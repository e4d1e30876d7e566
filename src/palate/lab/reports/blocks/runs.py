"""```runs: the chosen runs as a table."""

from collections.abc import Sequence

from palate.core.markup import Html
from palate.lab.book import RunInfo, named_values
from palate.lab.reports.material import Material, is_bound, is_number, labels
from palate.lab.reports.pieces import cells_of, table, took
from palate.lab.reports.recipe import Block

SETTINGS, SUMMARIES = 4, 6  # columns where the recipe names none


def runs(block: Block, material: Material) -> Html:
    """A row for each run. Without `columns`: what they differ in, and what they came to.

    Where a run has NAME.low and NAME.high, they stand below NAME as its interval.
    """
    infos = material.chosen(block)
    called = labels(infos)
    columns = block.names("columns") or _columns(infos)
    held, right = [], []
    for place, name in enumerate(columns):
        values = [called[info.id] if name == "name" else info.named(name) for info in infos]
        if all(value is None for value in values):
            raise block.wrong(f"none of these runs has {name!r}; they have {', '.join(_all(infos)[:40])}", "columns")
        held.append(cells_of(infos, name, values))
        if any(map(is_number, values)) and name not in ("created", "ended", "seconds"):
            right.append(place)
    rows = [list(row) for row in zip(*held, strict=True)]
    return table([_head(name) for name in columns], rows, block.text("caption"), right=right)


def differing(infos: Sequence[RunInfo], in_all: bool = False) -> list[str]:
    """The settings in which the runs differ, in the order of first use; `in_all`: only those that each of them has."""
    found = [name for name in named_values(infos, "config") if not in_all or all(name in one.config for one in infos)]
    return [name for name in found if len({repr(info.config.get(name)) for info in infos}) > 1]


def numbers(infos: Sequence[RunInfo]) -> list[str]:
    """The summaries that are a number in at least one run and no bound of another; what most runs have comes first."""
    found = [
        name
        for name in named_values(infos, "summary")
        if any(is_number(info.summary.get(name)) for info in infos) and not any(is_bound(one, name) for one in infos)
    ]
    return sorted(found, key=lambda name: -sum(name in info.summary for info in infos))


def _columns(infos: Sequence[RunInfo]) -> list[str]:
    state = ["state"] if any(info.state != "finished" for info in infos) else []
    config = [f"config.{name}" for name in differing(infos, in_all=True)[:SETTINGS]]
    summary = [f"summary.{name}" for name in numbers(infos)[:SUMMARIES]]
    seconds = ["seconds"] if any(took(info) is not None for info in infos) else []
    return ["name", "created", *seconds, *state, *config, *summary]


def _all(infos: Sequence[RunInfo]) -> list[str]:
    plain = ("name", "job", "state", "created", "seconds")
    return [*plain, *named_values(infos, "summary"), *named_values(infos, "config")]


def _head(name: str) -> str:
    words = {"name": "run", "created": "started (UTC)", "seconds": "took"}
    return words.get(name, name.removeprefix("config.").removeprefix("summary."))
