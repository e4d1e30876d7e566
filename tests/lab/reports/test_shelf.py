"""The reports of a home: the first recipe, making it again, listing, copying, and what is refused."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.errors import BadInput
from palate.core.recording import Table
from palate.lab.book import Book
from palate.lab.reports.first import first_recipe
from palate.lab.reports.recipe import read_recipe
from palate.lab.reports.shelf import Reports, copy_out

from . import fabricated
from .fabricated import full, run
from .reader import Page


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "home" / "lab"


def test_the_first_recipe_asks_for_what_the_runs_have(lab: Path, tmp_path: Path) -> None:
    infos = full(lab, tmp_path)
    path = Reports(lab).begin("taste-size", infos, "job == 'train'")
    found = read_recipe(path)
    assert [block.kind for block in found.blocks.values()] == [
        "runs", "compare", "plot", "table", "importance", "image", "audio",
    ]  # fmt: skip
    assert found.front.names("runs") == [info.id for info in infos]
    assert "They differ in `users.dim`." in found.source
    assert "# Taste size" in found.source
    plot = next(block for block in found.blocks.values() if block.kind == "plot")
    assert plot.names("curves") == ["loss"]


def test_the_first_recipe_of_a_bare_run_asks_for_nothing_else(lab: Path) -> None:
    book = Book(lab)
    done = book.get(book.record("eval", summary={"ndcg": 0.5}))
    Reports(lab).begin("bare", [done])
    assert [block.kind for block in read_recipe(Reports(lab).path("bare")).blocks.values()] == ["runs"]
    assert Reports(lab).make("bare").runs == [done]


@settings(max_examples=20)  # each writes a run and a page
@given(st.text(min_size=1, max_size=40).filter(str.strip), st.text(max_size=40), st.text(max_size=40))
def test_whatever_runs_are_called_the_first_recipe_can_be_filled(
    tmp_path_factory: pytest.TempPathFactory, name: str, table: str, where: str
) -> None:
    lab = tmp_path_factory.mktemp("home") / "lab"
    clean = [text.encode("utf-8", "replace").decode() for text in (name, table, where)]
    info = run(lab, clean[0], t=Table([clean[1]], [[clean[2]]]))
    reports = Reports(lab)
    reports.begin("any", [info], clean[2])
    assert reports.make("any").runs == [info]
    Page(reports.path("any", ".html").read_text(encoding="utf-8"))


def test_a_recipe_that_is_there_is_never_written_over(lab: Path) -> None:
    reports, info = Reports(lab), run(lab, "a")
    path = reports.begin("mine", [info])
    path.write_text("# My own words\n")
    with pytest.raises(BadInput, match=r"the report mine has its recipe already: change its runs in .*mine\.md"):
        reports.begin("mine", [info])
    assert path.read_text() == "# My own words\n"
    with pytest.raises(BadInput, match="at least one run"):
        reports.begin("empty", [])


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-x", "a.html", "a.md", "ü", "a b", "a" * 81])
def test_a_name_is_the_name_of_a_file(lab: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a report"):
        Reports(lab).path(name)


def test_a_page_that_fails_leaves_the_old_one(lab: Path) -> None:
    reports = Reports(lab)
    recipe = reports.begin("r", [run(lab, "a")])
    before = reports.make("r").page.read_bytes()
    recipe.write_text("```plot\nnonsense: 1\n```\n")
    with pytest.raises(BadInput, match=r"r\.md:2"):
        reports.make("r")
    assert reports.path("r", ".html").read_bytes() == before


def test_making_what_is_not_there_names_what_is(lab: Path) -> None:
    reports = Reports(lab)
    with pytest.raises(BadInput, match="there is no report 'r'; begin it with: palate lab report r --runs ID"):
        reports.make("r")
    reports.begin("other", [run(lab, "a")])
    with pytest.raises(BadInput, match=r"\(other are there\)"):
        reports.make("r")


def test_the_list_knows_what_is_stale_and_what_is_wrong(lab: Path) -> None:
    reports = Reports(lab)
    assert reports.all() == []
    for name in ("a", "b", "c"):
        reports.begin(name, [run(lab, name)])
    made = reports.make("b").page.stat().st_mtime
    os.utime(reports.path("b"), (made + 5, made + 5))
    reports.path("c").write_text("```plot\nnonsense: 1\n```\n")
    found = {one.name: one for one in reports.all()}
    assert [found[name].made for name in "abc"] == [None, made, None]
    assert [found[name].is_stale for name in "abc"] == [False, True, False]
    assert [found[name].title for name in "abc"] == ["A", "B", "c"]
    assert found["c"].error.endswith("choose from runs, where, sort, limit, caption, curves, x, y, bars, log")


def test_a_report_is_copied_into_a_folder_or_to_a_name(lab: Path, tmp_path: Path) -> None:
    reports = Reports(lab)
    reports.begin("r", [run(lab, "a")])
    done = reports.make("r")
    assert copy_out(done, tmp_path / "there") == [tmp_path / "there" / "r.html"]
    assert copy_out(done, tmp_path / "x" / "mine.html") == [tmp_path / "x" / "mine.html"]
    assert (tmp_path / "x" / "mine.html").read_bytes() == done.page.read_bytes()
    assert copy_out(done, done.page.parent) == [done.page], "onto itself"
    with pytest.raises(BadInput, match="none was asked for; add --pdf"):
        copy_out(done, tmp_path / "mine.pdf")


def test_runs_called_alike_are_told_apart(lab: Path) -> None:
    infos = [run(lab, "same", 64), run(lab, "same", 128)]
    recipe = first_recipe("r", infos, Book(lab))
    named = [line.partition("#")[2].strip() for line in recipe.splitlines() if line.startswith("    ")]
    assert len(set(named)) == 2
    assert all(one.startswith("same ") for one in named)
    fabricated.recipe(lab, "r", recipe)
    assert len({row[0] for row in Page(Reports(lab).make("r").page.read_text()).rows()[:3]}) == 3
