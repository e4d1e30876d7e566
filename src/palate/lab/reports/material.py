"""What a report is made from: the chosen runs, and their numbers and files, each read once."""

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Literal, TypeGuard

from palate.core.errors import BadInput
from palate.lab.book import Book, FileOfRun, RunInfo, Series, read_run
from palate.lab.query import condition, ordered
from palate.lab.reports.recipe import Block, Recipe


class Material:
    """The runs of a book as one recipe asks for them; `used` keeps those that some block showed, in that order."""

    def __init__(self, book: Book, recipe: Recipe) -> None:
        self.book, self.recipe = book, recipe
        self.used: dict[str, RunInfo] = {}
        self.audio_bytes = 0
        self._histories: dict[tuple[str, str], dict[str, Series]] = {}

    @cached_property
    def _all(self) -> list[RunInfo]:
        return self.book.runs()

    def chosen(self, block: Block) -> list[RunInfo]:
        """The runs that a block is about: its own, else those of the whole recipe. Never empty."""
        if "runs" in block.entries and "where" in block.entries:
            raise block.wrong("runs and where were both given; choose one", "where")
        if "where" in block.entries:
            found = self._meeting(block)
        else:
            source = block if "runs" in block.entries else self.recipe.front
            found = self._pinned(source)
        if not found:
            raise block.wrong(
                f"```{block.kind} has no runs; say `runs: ID, ID` or `where: CONDITION` in it, or runs at the top"
            )
        if "sort" in block.entries:
            found = ordered(found, block.text("sort"), lambda info: info.named)
        found = found[: block.count("limit", len(found))]
        self.used |= {info.id: info for info in found}
        return found

    def history(self, info: RunInfo, kind: Literal["log", "system"] = "log") -> dict[str, Series]:
        """Book.history, read once."""
        key = (info.id, kind)
        if key not in self._histories:
            self._histories[key] = self.book.history(info, kind)
        return self._histories[key]

    def content(self, info: RunInfo, file: FileOfRun, block: Block) -> bytes:
        """A file of a run; an error of the block where it is gone or lies outside the run's folder."""
        folder = self.book.path(info).resolve()
        path = (folder / file.path).resolve()
        if not path.is_relative_to(folder):
            raise block.wrong(f"{file.name} of the run {info.id} lies outside the run's folder, so it is not shown")
        try:
            return path.read_bytes()
        except OSError as error:
            raise block.wrong(f"{path} of the run {info.id} cannot be read ({error.strerror}); restore it") from error

    def _by_id(self, word: str) -> RunInfo | None:
        """The run of a whole id, without listing all the others: with 10,000 of them that takes seconds."""
        return read_run(self.book.runs_folder / word) if _is_id(word) else None

    def _meeting(self, block: Block) -> list[RunInfo]:
        try:
            meets = condition(block.text("where"))
        except BadInput as error:
            raise block.wrong(str(error).removeprefix("--"), "where") from error
        found = [info for info in self._all if meets(info.named)]
        if not found:
            raise block.wrong(f"no run meets {block.text('where')!r}; `palate lab runs` lists what there is", "where")
        return found

    def _pinned(self, source: Block) -> list[RunInfo]:
        found = {}
        for word, line in source.entries["runs"].parts if "runs" in source.entries else ():
            try:
                info = self._by_id(word) or self.book.get(word)
            except BadInput as error:
                raise BadInput(f"{source.path}:{line}: {error}") from error
            found[info.id] = info
        return list(found.values())


def _is_id(word: str) -> bool:
    """Whether a word can be the name of a run's folder, rather than lead out of where they lie."""
    return "/" not in word and "\\" not in word and not word.startswith(".")


def files(infos: Sequence[RunInfo], block: Block, kind: str) -> list[tuple[RunInfo, FileOfRun]]:
    """The latest file of each name that `name` matches (`clip*`; everything without it), in the order of first use."""
    wanted = block.names("name") or ["*"]
    found = []
    for info in infos:
        latest = {file.name: file for file in sorted(info.files, key=lambda one: one.step) if file.type == kind}
        found += [(info, file) for name, file in latest.items() if any(fnmatchcase(name, one) for one in wanted)]
    if not found:
        names = {file.name: None for info in infos for file in info.files if file.type == kind}
        runs = ", ".join(info.id for info in infos[:3]) + (", ..." if len(infos) > 3 else "")
        raise block.wrong(
            f"no {kind} {', '.join(wanted)} in {runs}; there: {', '.join(names) or 'none'}",
            "name" if "name" in block.entries else None,
        )
    return found


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def interval(info: RunInfo, name: str) -> tuple[float, float] | None:
    """A run's NAME.low and NAME.high, if both are numbers."""
    low, high = info.named(f"{name}.low"), info.named(f"{name}.high")
    return (float(low), float(high)) if is_number(low) and is_number(high) else None


def is_bound(info: RunInfo, name: str) -> bool:
    """Whether a summary is the end of another one's interval."""
    base, _, end = name.rpartition(".")
    return end in ("low", "high") and base in info.summary and interval(info, base) is not None


def labels(infos: Sequence[RunInfo]) -> dict[str, str]:
    """What to call each run: its name; the job where it has none; with the end of its id where two are called alike."""
    called = {info.id: info.name if info.name and info.name != info.id else info.job for info in infos}
    counts = Counter(called.values())
    return {run: name if counts[name] == 1 else f"{name} {_tail(run)}" for run, name in called.items()}


def _tail(run: str) -> str:
    """What tells runs of one moment apart: the random part of the id."""
    parts = run.split("-")
    return parts[3] if len(parts) > 3 else run
