"""Every command: it explains itself, says what it did in words or as JSON, and keeps errors out of its answer."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import polars as pl
import pytest
from click.testing import CliRunner

from palate.cli import main
from palate.core.home import Home

from .conftest import Palate

SIZE = ["--listeners", "60", "--items", "400", "--listens", "5000", "--windows", "1"]


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


COMMANDS = dict(commands(main))
LEAVES = {words: command for words, command in COMMANDS.items() if not isinstance(command, click.Group)}


def test_the_commands_of_the_contract_are_there() -> None:
    assert {" ".join(words) for words in LEAVES} == {
        "init", "demo", "doctor", "import listens", "import items", "import playlists", "import listeners", "train",
        "recommend", "embed", "surface", "similar", "search", "explain", "why-not", "user export", "user delete",
        "user allow", "onboard",
        "eval run", "eval report", "eval check", "eval probes", "eval claims",
        "slates export", "slates report", "heads list", "heads show", "heads promote", "heads rollback", "heads retire",
        "ab assign", "ab report", "ab export", "ab trial", "space list", "space history", "space promote", "space next",
        "space rollback", "space pin", "space unpin", "space retire", "space stability", "space drift", "serve",
        "fresh status", "fresh dead", "fresh retry", "lab ui", "lab runs", "lab copy", "lab sweep", "lab importance",
        "lab profile", "lab report", "lab listen new", "lab listen serve", "lab listen results", "lab listen export",
        "lab listen import", "lab listen list",
    }  # fmt: skip


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_help_says_what_a_command_does(words: tuple[str, ...]) -> None:
    found = CliRunner().invoke(main, [*words, "--help"], prog_name="palate")
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout.startswith(f"Usage: {' '.join(['palate', *words])}")
    command = COMMANDS.get(words, main)
    assert command.help
    assert command.help.split("\n")[0].endswith((".", ":", "..."))


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_json_and_every_option_a_word_of_help(words: tuple[str, ...]) -> None:
    options = [one for one in LEAVES[words].params if isinstance(one, click.Option)]
    assert "--json" in {name for one in options for name in one.opts}
    assert [one.name for one in options if not one.help] == []


def told(palate: Palate, home: Home | Path, *words: str | Path) -> dict:
    """The answer as JSON: one line on stdout."""
    found = palate(home, *words, "--json")
    assert found.exit_code == 0, found.stderr
    assert found.stdout.count("\n") == 1
    return json.loads(found.stdout)


def test_from_nothing_to_answers(palate: Palate, world: Path, tmp_path: Path) -> None:
    """The walk that the README promises, every answer as JSON."""
    home = tmp_path / "home"
    assert told(palate, home, "init") == {"home": str(home), "made": True}
    assert told(palate, home, "init") == {"home": str(home), "made": False}
    (home / "palate.toml").write_text("[items]\ndim = 16\niterations = 3\n[ranker]\ncuts = 2\nrounds = 20\n")
    assert told(palate, home, "import", "items", world / "items.parquet")["accepted"] == 600
    assert told(palate, home, "import", "playlists", world / "playlists.parquet")["rejected"] == 0
    listens = told(palate, home, "import", "listens", world / "listens.parquet")
    assert (listens["accepted"], listens["duplicates"]) == (10_278, 0)
    assert told(palate, home, "import", "listens", world / "listens.parquet")["duplicates"] == 10_278
    space = told(palate, home, "train")
    assert (space["space"], space["trained"], space["listens"], space["dim"]) == ("taste@1", True, 10_278, 16)
    assert told(palate, home, "train")["trained"] is False
    assert told(palate, home, "space", "list")["spaces"][0]["live"] is True
    level = {"listens": 0, "listeners": 0, "offset": 10_278}
    assert told(palate, home, "fresh") == level | {"space": "taste@1", "spaces": {"taste@1": level}}
    assert all(one["ok"] for one in told(palate, home, "doctor")["findings"])


def test_answers_of_a_trained_home(palate: Palate, trained: Home, tmp_path: Path) -> None:
    users, out = tmp_path / "users.txt", tmp_path / "out.parquet"
    users.write_text("sim-user-0001\nnobody\n")
    assert told(palate, trained, "recommend", "--users", users, "--n", "5", "--out", out)["rows"] == 10
    assert pl.read_parquet(out)["user_id"].to_list() == ["sim-user-0001"] * 5 + ["nobody"] * 5
    assert told(palate, trained, "embed", "users", "--out", out)["users"] == 150
    assert told(palate, trained, "embed", "items", "--at", "2025-06-01", "--out", out)["space_learnt_later"] is True
    assert told(palate, trained, "embed", "users", "--space", "taste@1", "--out", out)["space"] == "taste@1"
    unknown = palate(trained, "embed", "users", "--space", "taste@9", "--out", out)
    assert (unknown.exit_code, unknown.stderr) == (1, "error: no space 'taste@9'; there are: taste@1\n")
    items = told(palate, trained, "search", "bro", "--n", "3")["items"]
    assert 0 < len(items) <= 3
    slate = told(palate, trained, "similar", items[0]["item_id"], "--n", "4")
    assert [len(slate["items"]), slate["surface"], slate["space"]] == [4, "similar", "taste@1"]
    why = told(palate, trained, "explain", "sim-user-0001", slate["items"][0]["item_id"])
    assert (why["user_id"], why["space"]) == ("sim-user-0001", "taste@1")
    where = told(palate, trained, "why-not", "sim-user-0001", items[0]["item_id"], "--surface", "similar",
                 "--seed", items[0]["item_id"])  # fmt: skip
    assert (where["surface"], where["position"], where["removed"]) == ("similar", None, "excluded by the request")


def test_evaluated_then_reported(palate: Palate, own: Home) -> None:
    data = told(palate, own, "eval", "run", "--windows", "1", "--task", "next", "--task", "similar", "--brief")
    assert list(data["tasks"]) == ["next", "similar"]
    assert data["simulated"] is True
    assert told(palate, own, "eval", "report") == data
    text = palate(own, "eval", "report").stdout
    assert text.startswith("SIMULATED data")
    assert "for_you" in text


def test_in_words(palate: Palate, own: Home, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("sim-user-0001\nnobody\n")
    out = tmp_path / "r.parquet"
    for words, start in (
        (("init",), f"{own.root} is already a Palate home. Next: palate import listens FILE\n"),
        (("train",), "taste@1 is live and up to date\n"),
        (("space", "list"), "taste@1    live  20"),
        (("fresh",), "0 listens of 0 listeners folded; level with offset 10,278 (taste@1)\n"),
        (("search", "qqqq"), "nothing found\n"),
        (("recommend", "--users", tmp_path / "users.txt", "--n", "5", "--out", out), "10 rows for 2 listeners, 1 of"),
        (("embed", "items", "--out", out), "600 vectors of taste@1, 16 dimensions, in "),
        (("doctor",), "ok   python: 3."),
    ):
        found = palate(own, *words)
        assert (found.exit_code, found.stderr) == (0, ""), words
        assert found.stdout.startswith(start), found.stdout


def test_a_dishonest_moment_is_noted_beside_the_answer(palate: Palate, trained: Home, tmp_path: Path) -> None:
    found = palate(trained, "embed", "users", "--at", "2025-06-01", "--out", tmp_path / "u.parquet")
    assert found.exit_code == 0
    assert found.stderr.startswith("note: taste@1 has learnt from listens after --at; for an honest test: palate train")
    assert "note" not in found.stdout


def test_a_home_of_playlists_alone_says_what_it_can_do(palate: Palate, world: Path, tmp_path: Path) -> None:
    palate(tmp_path / "home", "init")
    found = palate(tmp_path / "home", "import", "playlists", world / "playlists.parquet")
    assert " playlist rows new, 0 known before, 0 rejected" in found.stdout
    found = palate(tmp_path / "home", "train")
    assert found.stdout.startswith("taste@1 is live: 0 listens, ")
    assert found.stderr.startswith("note: learnt from playlists alone; similar answers")
    assert palate(tmp_path / "home", "similar", "sim-track-00001").exit_code == 0


@pytest.mark.slow
def test_the_demo_ends_with_its_table(palate: Palate, tmp_path: Path) -> None:
    first = palate(tmp_path / "demo", "demo", "--no-serve", *SIZE)
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("SIMULATED data")
    assert "training: " in first.stderr
    again = palate(tmp_path / "demo", "demo", "--no-serve", *SIZE)
    assert again.stdout == first.stdout
    answer = told(palate, tmp_path / "demo", "demo", "--no-serve", *SIZE)
    assert answer["space"] == "taste@1"
    assert first.stdout == f"{answer['text']}\nwith plots: {answer['page']}\n\n"
    assert Path(answer["page"]).is_file()
