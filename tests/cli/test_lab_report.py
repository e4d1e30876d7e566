"""palate lab report: what it writes, what it says, what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from palate.cli.lab.report import report
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.lab.book import Book, RunInfo


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "my-home")
    home.root.mkdir()
    home.settings.write_text("")
    return home


def begun(home: Home, count: int = 3) -> list[RunInfo]:
    book = Book(home.lab)
    ids = [
        book.record("train", name=f"seed {seed}", config={"seed": seed}, summary={"ndcg": seed / 10})
        for seed in range(count)
    ]
    return [book.get(one) for one in ids]


def call(home: Home, *words: str | Path) -> Result:
    found = CliRunner().invoke(report, [str(word) for word in words], obj=home, prog_name="palate lab report")
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_runs_are_named_in_every_usual_way(home: Home) -> None:
    a, b, c = (info.id for info in begun(home))
    for name, words in {
        "one": ("--runs", a, b, c), "two": ("--runs", f"{a},{b},{c}"), "three": ("--runs", a, "--runs", b, "--runs", c),
    }.items():  # fmt: skip
        assert json.loads(call(home, name, *words, "--json").stdout)["runs"] == [a, b, c]


def test_a_condition_pins_the_runs_that_meet_it_now(home: Home) -> None:
    infos = begun(home)
    told = json.loads(call(home, "high", "--where", "ndcg > 0.05", "--json").stdout)
    assert told["runs"] == [info.id for info in infos[1:]]
    begun(home)
    assert json.loads(call(home, "high", "--json").stdout)["runs"] == told["runs"]


def test_it_says_where_the_page_is_and_where_to_edit_it(home: Home, tmp_path: Path) -> None:
    begun(home, 1)
    said = call(home, "r", "--runs", "seed 0", "--out", tmp_path / "out").stdout
    recipe = home.lab / "reports" / "r.md"
    assert said == f"{tmp_path / 'out' / 'r.html'}: 1 run\nedit {recipe}, then: palate lab report r\n"
    assert (tmp_path / "out" / "r.html").read_bytes() == (home.lab / "reports" / "r.html").read_bytes()


def test_without_a_name_reports_are_listed(home: Home) -> None:
    assert call(home).stdout == "no reports yet; begin one with: palate lab report NAME --runs ID\n"
    begun(home, 1)
    call(home, "first-try", "--runs", "seed 0")
    assert call(home).stdout.startswith("first-try  First try  (made ")
    (told,) = json.loads(call(home, "--json").stdout)["reports"]
    assert (told["name"], told["is_stale"], told["pdf"]) == ("first-try", False, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("r", "--runs", "nobody"), "no run 'nobody'"),
        (("r", "--where", "ndcg > 9"), "no run meets 'ndcg > 9'"),
        (("r", "--runs", "seed 0", "--where", "ndcg > 0"), "--runs and --where were both given"),
        (("r",), "there is no report 'r'; begin it with"),
        (("../r", "--runs", "seed 0"), "cannot name a report"),
    ],
)
def test_what_cannot_be_done_is_told(home: Home, words: tuple[str, ...], says: str) -> None:
    begun(home, 1)
    with pytest.raises(PalateError) as caught:
        call(home, *words)
    assert says in str(caught.value)
    assert not list(home.lab.rglob("*.html"))


def test_a_second_beginning_is_refused(home: Home) -> None:
    begun(home, 1)
    call(home, "r", "--runs", "seed 0")
    with pytest.raises(PalateError, match="has its recipe already"):
        call(home, "r", "--runs", "seed 0")


def test_a_word_too_many_is_a_mistake_of_use(home: Home) -> None:
    found = call(home, "r", "seed-0")
    assert found.exit_code == 2
    assert "Say --runs before the ids of runs" in found.stderr


def test_a_folder_that_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(PalateError, match="is not a Palate home"):
        call(Home(tmp_path / "nowhere"))
