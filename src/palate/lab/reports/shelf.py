"""The reports of a home: their recipes and pages side by side in home/lab/reports."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palate.core.artefacts import atomic_file
from palate.core.errors import BadInput, PalateError
from palate.lab.book import Book, RunInfo
from palate.lab.reports.first import first_recipe
from palate.lab.reports.page import page, title_of
from palate.lab.reports.pdf import write_pdf
from palate.lab.reports.recipe import read_recipe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


@dataclass(frozen=True)
class Listed:
    """A report as it is listed.

    made      unix seconds of its page; None when there is none yet
    is_stale  whether the recipe was changed after the page was made
    error     why the recipe cannot be read; else empty
    """

    name: str
    title: str
    recipe: Path
    page: Path | None
    pdf: Path | None
    made: float | None
    is_stale: bool
    error: str = ""


@dataclass(frozen=True)
class Made:
    """What was made: the page, the PDF if it was asked for, and the runs that they show."""

    name: str
    page: Path
    pdf: Path | None
    runs: list[RunInfo]
    recipe: Path


class Reports:
    """The reports under `folder` (home/lab), over the runs there. Making it touches nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.book = folder / "reports", Book(folder)

    def path(self, name: str, suffix: str = ".md") -> Path:
        """Where a report's recipe, page or PDF lies; BadInput for what cannot be a file's name."""
        if not NAME.fullmatch(name) or name.endswith((".md", ".html", ".pdf")):
            raise BadInput(f"{name[:80]!r} cannot name a report; use letters, digits, _, - and . (not at the start)")
        return self.folder / f"{name}{suffix}"

    def all(self) -> list[Listed]:
        """Every report that has a recipe, by name."""
        if not self.folder.is_dir():
            return []
        return [self._listed(path) for path in sorted(self.folder.glob("*.md")) if NAME.fullmatch(path.stem)]

    def begin(self, name: str, infos: Sequence[RunInfo], where: str = "") -> Path:
        """Writes the first recipe over some runs; BadInput where there is one already, or no run."""
        path = self.path(name)
        if path.exists():
            raise BadInput(f"the report {name} has its recipe already: change its runs in {path}, or take another name")
        if not infos:
            raise BadInput("a report needs at least one run; `palate lab runs` lists what there is")
        text = first_recipe(name, infos, self.book, where)
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return path

    def make(self, name: str, *, pdf: bool = False) -> Made:
        """Makes a report's page from its recipe, and its PDF; what was there is replaced only by what is whole."""
        recipe = self.path(name)
        if not recipe.is_file():
            there = ", ".join(one.name for one in self.all())
            raise BadInput(
                f"there is no report {name!r}{f' ({there} are there)' if there else ''}; "
                f"begin it with: palate lab report {name} --runs ID"
            )
        html, shown = page(read_recipe(recipe), self.book, name)
        path = self.path(name, ".html")
        with atomic_file(path) as temporary:
            temporary.write_text(html, encoding="utf-8", newline="\n")
        printed = write_pdf(path, self.path(name, ".pdf")) if pdf else None
        return Made(name, path, printed, shown, recipe)

    def _listed(self, recipe: Path) -> Listed:
        html, pdf = self.path(recipe.stem, ".html"), self.path(recipe.stem, ".pdf")
        title, error = "", ""
        try:
            title = title_of(read_recipe(recipe))
        except PalateError as wrong:
            error = str(wrong)
        made = html.stat().st_mtime if html.is_file() else None
        is_stale = made is not None and recipe.stat().st_mtime > made
        return Listed(
            recipe.stem, title or recipe.stem, recipe, html if made is not None else None,
            pdf if pdf.is_file() else None, made, is_stale, error,
        )  # fmt: skip


def copy_out(made: Made, out: Path) -> list[Path]:
    """Copies a report's page, and its PDF if it was made, into a folder, or to the name of a file.

    A name that ends in .html or .pdf is a file; the other of the two goes beside it. Everything else is a folder, which
    is made. Gives the paths written.
    """
    is_file = out.suffix.lower() in (".html", ".pdf")
    if out.suffix.lower() == ".pdf" and made.pdf is None:
        raise BadInput(f"--out {out} is the name of a PDF, and none was asked for; add --pdf")
    written = []
    for source in [made.page, *([made.pdf] if made.pdf else [])]:
        target = out.with_suffix(source.suffix) if is_file else out / source.name
        if target.resolve() != source.resolve():
            with atomic_file(target) as temporary:
                shutil.copyfile(source, temporary)
        written.append(target)
    return written
