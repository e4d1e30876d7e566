"""The page: what blocks show is what runs said; nothing from outside becomes markup; one file, the same each time."""

import base64
import re
from pathlib import Path

import pytest

from palate.core.errors import BadInput
from palate.core.recording import Audio, Image, Table
from palate.lab.book import Book
from palate.lab.reports.page import page, title_of
from palate.lab.reports.recipe import read_recipe
from palate.lab.reports.shelf import Reports

from . import fabricated
from .fabricated import full, run, sound
from .reader import Page


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "home" / "lab"


def made(lab: Path, text: str, name: str = "r") -> Page:
    return Page(page(read_recipe(fabricated.recipe(lab, name, text)), Book(lab), name)[0])


def wrong(lab: Path, text: str) -> str:
    path = fabricated.recipe(lab, "r", text)
    with pytest.raises(BadInput) as caught:
        page(read_recipe(path), Book(lab), "r")
    assert str(caught.value).startswith(f"{path}:")
    return str(caught.value).removeprefix(f"{path}:")


def test_runs_stand_in_a_table(lab: Path) -> None:
    a, b = run(lab, "small", 64), run(lab, "large", 128)
    found = made(lab, f"---\nruns: {b.id}, {a.id}\n---\n```runs\ncolumns: name, users.dim, ndcg_at_10, loss\n```\n")
    assert found.rows()[:3] == [
        ["run", "users.dim", "ndcg_at_10", "loss"],
        ["large", "128", ".128", ".3333"],
        ["small", "64", ".064", ".3333"],
    ]


def test_where_sort_and_limit_choose_runs(lab: Path) -> None:
    for dim in (32, 64, 96, 128):
        run(lab, f"dim {dim}", dim)
    text = "```runs\nwhere: users.dim > 32\nsort: -ndcg_at_10\nlimit: 2\ncolumns: name\n```\n"
    assert made(lab, text).rows()[:3] == [["run"], ["dim 128"], ["dim 96"]]


def test_a_later_run_changes_only_what_asks_for_it(lab: Path) -> None:
    pinned = run(lab, "first")
    head = f"---\nruns: {pinned.id}\n---\n```runs\ncolumns: name\n```\n"
    asks = "```runs\nwhere: job == 'train'\ncolumns: name\n```\n"
    before, asked = made(lab, head).rows(), made(lab, asks).rows()
    run(lab, "second")
    assert made(lab, head).rows() == before
    assert len(made(lab, asks).rows()) > len(asked)


def test_compare_shows_what_differs_and_by_how_much(lab: Path) -> None:
    a, b = run(lab, "small", 64), run(lab, "large", 128)
    rows = made(lab, f"---\nruns: {a.id}, {b.id}\n---\n```compare\ncolumns: ndcg_at_10\n```\n").rows()
    assert rows[:2] == [["setting", "small", "large"], ["users.dim", "64", "128"]]
    assert ["ndcg_at_10", ".064", ".128+100.0%"] in rows
    assert ["epochs", "3"] in rows


def test_curves_bars_and_dots_are_drawn(lab: Path) -> None:
    a, b = run(lab, "small", 64), run(lab, "large", 128)
    head = f"---\nruns: {a.id}, {b.id}\n---\n"
    curves = made(lab, head + "```plot\ncurves: loss\ncaption: It falls.\n```\n")
    assert "small: .5 at 1" in [one.text for one in curves.all("title")]
    assert [one.text for one in curves.all("figcaption")] == ["It falls."]
    bars = made(lab, head + "```plot\nbars: ndcg_at_10\n```\n")
    assert "large: .128 ndcg_at_10" in [one.text for one in bars.all("title")]
    dots = made(lab, head + "```plot\nx: users.dim\ny: ndcg_at_10\nlog: x\n```\n")
    assert "large: users.dim 128, ndcg_at_10 .128" in [one.text for one in dots.all("title")]


def test_what_runs_kept_is_in_the_page(lab: Path, tmp_path: Path) -> None:
    infos = full(lab, tmp_path)
    head = f"---\nruns: {infos[0].id}, {infos[1].id}\n---\n"
    tables = made(lab, head + "```table\nname: coh*\n```\n").rows()
    assert tables.count(["cohort", "ndcg"]) == 2
    assert ["night owls", ".250"] in tables
    players = made(lab, head + "```audio\n```\n").all("audio")
    heard = [base64.b64decode((one.attributes["src"] or "").partition("base64,")[2]) for one in players]
    assert heard == [(tmp_path / f"{dim}.wav").read_bytes() for dim in (64, 128)]
    pictures = made(lab, head + "```image\nname: pixel\n```\n").all("img")
    assert [one.attributes["alt"] for one in pictures] == ["One pixel · dim 64", "One pixel · dim 128"]
    assert base64.b64decode((pictures[0].attributes["src"] or "").partition(",")[2]) == fabricated.PIXEL


def test_importances_of_several_runs_stand_side_by_side(lab: Path, tmp_path: Path) -> None:
    infos = full(lab, tmp_path)
    both = made(lab, f"```importance\nruns: {infos[0].id}, {infos[1].id}\nkind: splits\n```\n").rows()
    assert both[:3] == [["feature", "dim 64", "dim 128"], ["tempo", "64", "128"], ["plays", "3", "3"]]
    alone = made(lab, f"```importance {infos[0].id}\ntop: 1\n```\n")
    assert [one.text for one in alone.all("title")][1:] == ["plays: .75 gain"]


def test_long_tables_say_so(lab: Path) -> None:
    info = run(lab, "long", t=Table(["n"], [[number] for number in range(100)]))
    found = made(lab, f"```table {info.id} t\nrows: 10\n```\n")
    assert sum(row[0].isdecimal() for row in found.rows()) == 10
    assert [one.text for one in found.all("caption")] == ["t of long · the first 10 of 100 rows"]


def test_simulated_runs_are_marked(lab: Path) -> None:
    real, toy = run(lab, "real"), run(lab, "toy", about={"simulated": True})
    text = "```runs\nruns: {}\n```\n"
    assert "SIMULATED" not in made(lab, text.format(real.id)).all("body")[0].text
    assert made(lab, text.format(f"{real.id}, {toy.id}")).all("body")[0].text.startswith("SIMULATED")


def test_the_page_says_where_its_numbers_come_from(lab: Path) -> None:
    a, b = run(lab, "small"), run(lab, "large", about={"seed": 8})
    found = made(lab, f"# T\n\n```runs\nruns: {a.id}, {b.id}\n```\n", "birth")
    told = found.all("section")[-1].text
    for fact in (a.id, b.id, "abc1234", "x86_64, Linux", "0123456789abcdef", "palate lab report birth"):
        assert fact in told
    assert [f"small{a.id}", f"large{b.id}"] == [row[0] for row in found.rows()[-2:]]
    assert found.all("pre")[-1].text.startswith("# T"), "the recipe itself"


def test_text_is_markdown_in_sections(lab: Path) -> None:
    info = run(lab, "a")
    table = "|a|b|\n|-|-|\n|1|2|\n"
    runs = f"```runs\nruns: {info.id}\n```\n"
    found = made(lab, f"intro\n\n# The *title*\n\n## One\n\n{table}\n### Inner\n\n## Two\n\n{runs}")
    assert [one.text for one in found.all("h1")] == ["The title"]
    assert [one.text for one in found.all("h2")] == ["One", "Two", "Where this comes from"]
    assert found.all("title")[0].text == "The title"
    assert found.rows()[:2] == [["a", "b"], ["1", "2"]]


def test_without_a_title_the_name_stands_there(lab: Path) -> None:
    info = run(lab, "a")
    found = made(lab, f"```runs\nruns: {info.id}\n```\n", "plain")
    assert [one.text for one in found.all("h1")] == ["plain"]
    assert title_of(read_recipe(fabricated.recipe(lab, "x", "text"))) == ""


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'\x00\u202e"


def test_nothing_from_outside_becomes_markup(lab: Path, tmp_path: Path) -> None:
    evil = run(
        lab, EVIL, about={"machine": EVIL, "space": EVIL},
        **{
            EVIL: Table([EVIL, "n"], [[EVIL, 1]]), f"importance{EVIL}": Table([EVIL, "gain"], [[EVIL, 1.0]]),
            "a": Audio(sound(tmp_path / "a.wav"), EVIL), "i": Image(f"<svg><script>{EVIL}</script></svg>", EVIL),
            "note": EVIL,
        },
    )  # fmt: skip
    other = run(lab, EVIL, 128)
    text = (
        f"---\nruns: {evil.id}, {other.id}\n---\n# {EVIL}\n\n{EVIL}\n\n<script>alert(2)</script>\n\n"
        "[a](javascript:alert(1)) <javascript:alert(1)> [b](data:text/html;base64,PHNjcmlwdD4=) [c]( JaVaScRiPt:x)\n\n"
        "```runs\ncolumns: name, note\n```\n```compare\n```\n```plot\ncurves: loss\n```\n"
        "```plot\nbars: ndcg_at_10\n```\n"
        f"```plot\nx: users.dim\ny: ndcg_at_10\n```\n```table {evil.id}\n```\n```audio\n```\n```image\n```\n"
        f"```importance {evil.id}\ncaption: {EVIL}\n```\n"
    )
    found = made(lab, text)
    assert {"script", "iframe", "object", "embed", "form", "base"} & {one.name for one in found.elements} == set()
    for one in found.elements:
        assert not [name for name in one.attributes if name.startswith("on")]
        for name in ("href", "src"):
            target = one.attributes.get(name) or ""
            assert not re.match(r"\s*(javascript|vbscript|data:text)", target, re.IGNORECASE), target
    assert found.all("h1")[0].text.startswith("<script>alert(1)</script>")


def test_the_policy_stands_before_anything_else(lab: Path) -> None:
    info = run(lab, "a")
    found = made(lab, f"```runs\nruns: {info.id}\n```\n")
    policy = [one for one in found.all("meta") if one.attributes.get("http-equiv") == "Content-Security-Policy"]
    told = dict(part.strip().split(" ", 1) for part in (policy[0].attributes["content"] or "").split(";"))
    assert told["default-src"] == "'none'"
    assert told["media-src"] == told["img-src"] == "data:"
    assert [one.name for one in found.elements][:4] == ["html", "head", "meta", "meta"]


def test_the_same_recipe_and_runs_give_the_same_bytes(lab: Path, tmp_path: Path) -> None:
    infos = full(lab, tmp_path)
    reports = Reports(lab)
    reports.begin("twice", infos)
    first = reports.make("twice").page.read_bytes()
    (lab / "index.sqlite").unlink()
    assert reports.make("twice").page.read_bytes() == first
    assert b"http://" not in first.replace(b"http://www.w3.org/2000/svg", b"")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n```runs\n```", "2: ```runs has no runs; say `runs: ID, ID` or `where: CONDITION`"),
        ("---\nruns:\n    nobody\n---\n```runs\n```", "3: no run 'nobody'"),
        ("```runs\nwhere: job ==\n```", "2: where 'job ==' cannot be read"),
        ("```runs\nwhere: job == 'no'\n```", "2: no run meets"),
        ("```runs\nruns: only\nwhere: job == 'train'\n```", "3: runs and where were both given"),
        ("```runs\nruns: only\ncolumns: name, ndgc\n```", "3: none of these runs has 'ndgc'; they have name, job"),
        ("```compare\nruns: only\ncolumns: ndgc\n```", "3: none of these runs has 'ndgc'"),
        ("```plot\nruns: only\n```", "1: ```plot wants one of"),
        ("```plot\nruns: only\nx: loss\n```", "1: ```plot wants one of"),
        ("```plot\nruns: only\ncurves: los\n```", "3: none of these runs logged 'los'; they logged loss"),
        ("```plot\nruns: only\nbars: name\n```", "3: none of these runs has a number 'name'"),
        ("```plot\nruns: only\nx: loss\ny: nothing\n```", "1: none of these runs has both 'loss' and 'nothing'"),
        ("```plot\nruns: only\ncurves: loss\nlog: z\n```", "4: log: 'z' must be x, y or both"),
        ("```table only cohort\n```", "1: no table cohort in"),
        ("```table only cohorts\ncolumns: size\n```", "2: the table cohorts has no column 'size'; it has cohort, ndcg"),
        ("```audio only\n```", "1: no audio * in"),
        ("```importance only\n```", "1: no table *importance* in"),
        (
            "```importance\nruns: only\nname: cohorts\nkind: gain\n```",
            "4: importances have no column of numbers 'gain'",
        ),
        ("a\n\n![chart](https://elsewhere.org/a.png)", "3: the picture 'https://elsewhere.org/a.png' would have to be"),
        ("# ![x](a.png)", "1: the picture 'a.png' would have to be fetched"),
    ],
)
def test_a_mistake_is_told_with_its_line(lab: Path, text: str, says: str) -> None:
    run(lab, "only", cohorts=Table(["cohort", "ndcg"], [["new", 0.5]]))
    assert wrong(lab, text).startswith(says)


def test_sounds_have_a_limit(lab: Path, tmp_path: Path) -> None:
    info = run(
        lab, "loud", a=Audio(sound(tmp_path / "a.wav", seconds=1.0)), b=Audio(sound(tmp_path / "b.wav", 220.0, 1.0))
    )
    text = "---\naudio_mb: {}\n---\n```audio {}\n```\n"
    assert len(made(lab, text.format(0.04, info.id)).all("audio")) == 2
    told = wrong(lab, text.format(0.02, info.id))
    assert told.startswith("4: the sounds up to b of")
    assert "log mp3 or opus instead of wav, or say audio_mb" in told


def test_files_that_are_gone_or_not_the_runs_own_are_told(lab: Path, tmp_path: Path) -> None:
    info = run(lab, "a", s=Audio(sound(tmp_path / "a.wav")))
    folder = Book(lab).path(info)
    (folder / info.files[0].path).unlink()
    assert "cannot be read" in wrong(lab, f"```audio {info.id}\n```")
    (lab.parent / "secret.wav").write_bytes(b"secret")
    journal = folder / "journal.jsonl"
    journal.write_text(journal.read_text().replace(info.files[0].path, "../../../secret.wav"))
    (lab / "index.sqlite").unlink(missing_ok=True)
    assert "lies outside the run's folder" in wrong(lab, f"```audio {info.id}\n```")
